"""Before and after: which rows travel one by one, which gathered, and what is left above."""

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.plan import plan
from narrows.core.plan.shape import MAX_TOP, tell_shape

CASES = {
    "counts come as one figure a group": """
SELECT kind, count(*) AS n FROM paper GROUP BY kind
-- f1 then one row for each t1_kind, with count(*)
SELECT "f1"."t1_kind" AS "kind", CAST(coalesce(sum("f1"."count(*)"), 0) AS BIGINT) AS "n"
 FROM "f1" GROUP BY "f1"."t1_kind"
""",
    "without a group one row for all": """
SELECT count(*) AS n, count(number) AS m FROM paper WHERE kind = 'A'
-- f1 then one row for all, with count(*), count(t1_number)
SELECT CAST(coalesce(sum("f1"."count(*)"), 0) AS BIGINT) AS "n",
 CAST(coalesce(sum("f1"."count(t1_number)"), 0) AS BIGINT) AS "m" FROM "f1"
""",
    "an average of whole numbers is their sum and their count": """
SELECT name, avg(age) AS a FROM person GROUP BY name
-- f1 then one row for each t1_name, with count(t1_age), sum(t1_age)
SELECT "f1"."t1_name" AS "name", (CAST(sum("f1"."sum(t1_age)") AS DOUBLE)
 / CAST(coalesce(sum("f1"."count(t1_age)"), 0) AS BIGINT)) AS "a" FROM "f1" GROUP BY "f1"."t1_name"
""",
    "least and most, also of distinct values": """
SELECT min(born) AS a, max(DISTINCT name) AS b FROM person
-- f1 then one row for all, with max(t1_name), min(t1_born)
SELECT min("f1"."min(t1_born)") AS "a", max("f1"."max(t1_name)") AS "b" FROM "f1"
""",
    "what an expression reads becomes one of the group": """
SELECT year(born) AS y, count(*) FILTER (WHERE age > 3) AS n, count(DISTINCT name) AS m
FROM person WHERE upper(name) <> 'A' GROUP BY 1 HAVING count(*) > 2
-- f1 then one row for each t1_age, t1_born, t1_name, with count(*)
SELECT year("f1"."t1_born") AS "y",
 CAST(coalesce(sum("f1"."count(*)") FILTER (WHERE ("f1"."t1_age" > 3)), 0) AS BIGINT) AS "n",
 count(DISTINCT "f1"."t1_name") AS "m" FROM "f1" WHERE (upper("f1"."t1_name") <> 'A')
 GROUP BY year("f1"."t1_born")
 HAVING (CAST(coalesce(sum("f1"."count(*)"), 0) AS BIGINT) > 2)
""",
    "a count of an expression counts where it is not NULL": """
SELECT count(age + 1) FILTER (WHERE name = 'a') AS n FROM person
-- f1 then one row for each t1_age, t1_name, with count(*)
SELECT CAST(coalesce(sum("f1"."count(*)") FILTER (WHERE (("f1"."t1_name" = 'a')
 AND (NOT (("f1"."t1_age" + 1) IS NULL)))), 0) AS BIGINT) AS "n" FROM "f1"
""",
    "what is tied at one holder is one fragment, and gathered": """
SELECT p.name, count(*) AS n FROM person p JOIN paper d USING (holder, pid) GROUP BY p.name
-- f1 then one row for each t1_name, with count(*)
SELECT "f1"."t1_name" AS "name", CAST(coalesce(sum("f1"."count(*)"), 0) AS BIGINT) AS "n"
 FROM "f1" GROUP BY "f1"."t1_name"
""",
    "a constant is of no group, and needs to know of a row": """
SELECT max(1) AS one FROM paper
-- f1 then one row for each holder
SELECT max(1) AS "one" FROM "f1"
""",
    "distinct rows travel once": """
SELECT DISTINCT kind FROM paper
-- f1 then one row for each t1_kind
SELECT DISTINCT "f1"."t1_kind" AS "kind" FROM "f1"
""",
    "also on both sides of a join, and through a subquery": """
SELECT DISTINCT s.name FROM (SELECT name, age FROM person) s LEFT JOIN paper d ON d.kind = s.name
-- f1 then one row for each t1_name
-- f2 then one row for each t3_kind
SELECT DISTINCT "t2"."name" AS "name" FROM (SELECT "f1"."t1_name" AS "name" FROM "f1") AS "t2"
 LEFT JOIN "f2" ON ("f2"."t3_kind" = "t2"."name")
""",
    "where a row only has to exist": """
SELECT name FROM person WHERE pid IN (SELECT pid FROM paper)
AND NOT EXISTS (SELECT 1 FROM file WHERE file.pid = person.pid)
-- f1 as they are
-- f2 then one row for each t2_pid
-- f3 then one row for each t3_pid
SELECT "f1"."t1_name" AS "name" FROM "f1" WHERE (("f1"."t1_pid" IN (SELECT "f2"."t2_pid" AS "pid"
 FROM "f2")) AND (NOT (EXISTS (SELECT 1 AS "one" FROM "f3" WHERE ("f3"."t3_pid" = "f1"."t1_pid")))))
""",
    "a union drops what comes twice, and all of it does not": """
SELECT name FROM person UNION (SELECT kind FROM paper UNION ALL SELECT pid FROM file)
-- f1 then one row for each t1_name
-- f2 then one row for each t2_kind
-- f3 then one row for each t3_pid
(SELECT "f1"."t1_name" AS "name" FROM "f1") UNION ((SELECT "f2"."t2_kind" AS "kind" FROM "f2")
 UNION ALL (SELECT "f3"."t3_pid" AS "pid" FROM "f3"))
""",
    "a difference that counts rows needs them all": """
SELECT name FROM person EXCEPT ALL SELECT kind FROM paper
-- f1 as they are
-- f2 as they are
(SELECT "f1"."t1_name" AS "name" FROM "f1") EXCEPT ALL (SELECT "f2"."t2_kind" AS "kind" FROM "f2")
""",
    "rows are counted off below, after what comes twice": """
SELECT name, (SELECT s.kind FROM (SELECT kind FROM paper LIMIT 1) s) AS k FROM person
-- f1 as they are
-- f2 then the first 1 by t2_kind
SELECT "f1"."t1_name" AS "name", (SELECT "t3"."kind" AS "kind" FROM (SELECT "f2"."t2_kind" AS "kind"
 FROM "f2" ORDER BY 1 ASC NULLS LAST LIMIT 1) AS "t3") AS "k" FROM "f1"
""",
    "the first of an order": """
SELECT DISTINCT kind, number FROM paper ORDER BY number DESC NULLS FIRST LIMIT 5 OFFSET 2
-- f1 then one row for each t1_kind, t1_number then the first 7 by t1_number DESC, t1_kind
SELECT DISTINCT "f1"."t1_kind" AS "kind", "f1"."t1_number" AS "number" FROM "f1"
 ORDER BY "f1"."t1_number" DESC NULLS FIRST, 1 ASC NULLS LAST, 2 ASC NULLS LAST LIMIT 5 OFFSET 2
""",
    "holder is one column, whosever it is": """
SELECT d.holder, p.holder, d.kind FROM person p JOIN paper d USING (holder, pid) ORDER BY 1 LIMIT 2
-- f1 then the first 2 by holder, t2_kind
SELECT "f1"."holder" AS "holder", "f1"."holder" AS "holder", "f1"."t2_kind" AS "kind" FROM "f1"
 ORDER BY "f1"."holder" ASC NULLS LAST, 1 ASC NULLS LAST, 2 ASC NULLS LAST, 3 ASC NULLS LAST LIMIT 2
""",
}
TOO_MANY = f"not between 1 and {MAX_TOP} rows are asked for"
EVERY_ROW = {
    "SELECT DISTINCT pid, name FROM person": "each row would be a group of its own",
    "SELECT pid, count(*) AS n FROM person GROUP BY pid": "each row would be a group of its own",
    "SELECT DISTINCT d.pid, d.file_id FROM person p JOIN file d USING (holder, pid)": (
        "each row would be a group of its own"
    ),
    "SELECT DISTINCT height FROM person": "values of type `double` are gathered where all are",
    "SELECT min(height) AS h FROM person": "values of type `double` are gathered where all are",
    "SELECT sum(height) AS h FROM person": "`sum` of these values needs every row",
    "SELECT avg(height) AS h FROM person": "`avg` of these values needs every row",
    "SELECT stddev_pop(age) AS h FROM person": "`stddev_pop` of these values needs every row",
    "SELECT sum(age + 1) AS h FROM person": "`sum` of these values needs every row",
    "SELECT name FROM person ORDER BY upper(name) LIMIT 2": "the order hangs on more than columns",
    "SELECT upper(name) AS n FROM person LIMIT 2": "the order hangs on more than columns",
    "SELECT name, height FROM person LIMIT 2": "values of type `double` are ranked where all are",
    f"SELECT name FROM person LIMIT {MAX_TOP + 1}": TOO_MANY,
    "SELECT name FROM person LIMIT 0": TOO_MANY,
    "SELECT name FROM person WHERE upper(name) = 'A' LIMIT 2": (
        "what is tested above comes before the first rows"
    ),
    "SELECT name FROM person OFFSET 2": "",
    "SELECT DISTINCT name, row_number() OVER (ORDER BY name) AS n FROM person": "",
    "SELECT p.name, count(*) AS n FROM person p JOIN paper d ON d.kind = p.name GROUP BY 1": "",
    "SELECT name FROM person UNION ALL SELECT name FROM person": "",
    "SELECT name, (SELECT pid FROM paper) AS p FROM person": "",
    "SELECT name FROM person WHERE EXISTS (SELECT kind FROM paper OFFSET 1)": "",
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_before_and_after(case: str, catalog: Catalog) -> None:
    lines = case.strip().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("-- "))
    split = plan("\n".join(lines[:first]), {}, catalog)
    shapes = [
        f"-- {part.name} "
        + (
            tell_shape(part.fragment.gather, part.fragment.top)
            .replace("-- ", "")
            .replace("\n", " ")
            or "as they are"
        )
        for part in split.parts
    ]
    found = len(shapes) + first
    assert shapes == lines[first:found]
    assert split.statement == "".join(lines[found:])


@pytest.mark.parametrize("sql", EVERY_ROW)
def test_where_every_row_is_needed_it_travels(sql: str, catalog: Catalog) -> None:
    parts = plan(sql, {}, catalog).parts
    assert all(part.fragment.gather is None and part.fragment.top is None for part in parts)
    assert {note for part in parts for note in part.notes} == {EVERY_ROW[sql]} - {""}


def test_what_is_measured_is_released_by_name(catalog: Catalog) -> None:
    (part,) = plan("SELECT sum(age) AS s, count(*) AS n FROM person", {}, catalog).parts
    assert [(output.name, output.star) for output in part.fragment.outputs] == [("t1_age", False)]
