"""A merge and a fragment as steps: all that they do, in order, and subqueries below."""

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.plan import plan
from narrows.core.plan.steps import PlanStep, fragment_steps, merge_steps

MERGES = {
    "a choice of columns": """
SELECT name, born AS birth FROM person
read: f1
give: f1.t1_name AS name; f1.t1_born AS birth
""",
    "groups, and the first of an order": """
SELECT kind, count(*) AS n FROM paper GROUP BY kind HAVING count(*) > 2 AND kind <> 'a'
ORDER BY n DESC, kind LIMIT 3 OFFSET 1
read: f1
group: f1.t1_kind
having: CAST(coalesce(sum(f1."count(*)"), 0) AS BIGINT) > 2; f1.t1_kind <> 'a'
give: f1.t1_kind AS kind; CAST(coalesce(sum(f1."count(*)"), 0) AS BIGINT) AS n
sort: CAST(coalesce(sum(f1."count(*)"), 0) AS BIGINT) DESC; f1.t1_kind
first: 3 rows after the first 1
""",
    "rows that are skipped alone": """
SELECT DISTINCT name FROM person OFFSET 2
read: f1
give: f1.t1_name AS name
distinct: each row once
first: all rows after the first 2
""",
    "joins, one a line": """
SELECT p.name FROM person p CROSS JOIN paper d
LEFT JOIN (file f JOIN crossing c ON c.cid = f.pid) ON f.pid = p.pid AND f.since > p.born
WHERE f.since IS NULL OR p.height > 1.5 + 1
join: f1; cross join f2; left join (f3 inner join f4 on f4.t4_cid = f3.t3_pid) on f3.t3_pid = f1.t1_pid and f3.t3_since > f1.t1_born
filter: (f3.t3_since IS NULL) OR (f1.t1_height > (1.5 + 1))
give: f1.t1_name AS name
""",
    "subqueries stand below what reads them, once": """
SELECT name, (SELECT max(kind) FROM paper d WHERE d.pid = p.pid) AS m FROM person p
WHERE EXISTS (SELECT 1 FROM file f WHERE f.pid IN (SELECT pid FROM paper)) ORDER BY 2
read: f1
filter: exists(query_1)
  query: query_1
    read: f2
    filter: f2.t3_pid IN (query_2)
      query: query_2
        read: f3
        give: f3.t4_pid AS pid
    give: 1 AS one
give: f1.t1_name AS name; query_3 AS m
  query: query_3
    read: f4
    filter: f4.t2_pid = f1.t1_pid
    give: max(f4."max(t2_kind)") AS column_1
sort: query_3
""",
    "what comes before, and what stands in FROM": """
WITH c AS (SELECT name FROM person) SELECT a.name FROM c a
JOIN (SELECT kind FROM paper JOIN (SELECT pid FROM file) g ON g.pid = kind) s ON s.kind = a.name
with: c1
  read: f1
  give: f1.t1_name AS name
join: c1 AS t2; inner join t6 on t6.kind = t2.name
  query: t6
    join: f2; inner join t5 on t5.pid = f2.t3_kind
      query: t5
        read: f3
        give: f3.t4_pid AS pid
    give: f2.t3_kind AS kind
give: t2.name AS name
""",
    "sides of set operations: a chain of one kind is one": """
SELECT name FROM person UNION ALL SELECT kind FROM paper UNION ALL SELECT pid FROM file
EXCEPT SELECT cid FROM crossing ORDER BY 1
except:
  side:
    union all:
      side:
        read: f1
        give: f1.t1_name AS name
      side:
        read: f2
        give: f2.t2_kind AS kind
      side:
        read: f3
        give: f3.t3_pid AS pid
  side:
    read: f4
    give: f4.t4_cid AS cid
sort: name
""",
    "no relation at all": """
SELECT 1 AS one, 'say "it", 2.0e0' AS two, CURRENT_DATE AS day
give: 1 AS one; 'say "it", 2.0e0' AS two; CURRENT_DATE AS day
""",
}


def _told(steps: tuple[PlanStep, ...], indent: str = "") -> list[str]:
    lines: list[str] = []
    for step in steps:
        lines.append(f"{indent}{step.name}: {'; '.join(step.lines)}".rstrip())
        lines += _told(step.inputs, indent + "  ")
    return lines


@pytest.mark.parametrize("case", MERGES.values(), ids=MERGES)
def test_a_merge_is_told_in_steps(case: str, catalog: Catalog) -> None:
    lines = case.strip("\n").splitlines()
    start = next(
        place for place, line in enumerate(lines) if line.strip().split(" ")[0].endswith(":")
    )
    split = plan("\n".join(lines[:start]), {}, catalog)
    assert _told(merge_steps(split.merge)) == lines[start:]


def test_a_fragment_is_told_in_steps(catalog: Catalog) -> None:
    (part,) = plan(
        """SELECT p.name, count(*) FROM person p JOIN paper d USING (holder, pid)
        WHERE d.kind = 'A' AND p.age > 3 GROUP BY 1""",
        {},
        catalog,
    ).parts
    assert _told(fragment_steps(part.fragment)) == [
        "scan: person t1; paper t2",
        "link: t1.pid = t2.pid",
        "filter: t2.kind = 'A'; t1.age > 3",
        "gather: one row for each t1_name, with count(*)",
    ]
    (ranked,) = plan("SELECT name FROM person ORDER BY 1 DESC LIMIT 2", {}, catalog).parts
    assert _told(fragment_steps(ranked.fragment)) == [
        "scan: person t1",
        "rank: the first 2 by t1_name DESC",
    ]
