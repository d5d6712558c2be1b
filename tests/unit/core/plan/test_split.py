"""Before and after: what of a query travels, to whom, and what is left for the merge."""

from datetime import date

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.codec import MAX_SCANS
from narrows.core.plan.fragment import encode_fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.render import render_fragment
from narrows.core.plan.split import Split
from narrows.core.terms import ColumnType, Holder, TypedValue
from narrows.errors import MalformedQuery, UnsupportedQuery

CASES = {
    "scans tied by holder and key travel together": """
SELECT p.name FROM person p JOIN paper d USING (holder, pid) WHERE d.number = 'ZZ1'
-- f1 monotone
SELECT t1.name
FROM person AS t1, paper AS t2
WHERE t1.holder = t2.holder
  AND t1.pid = t2.pid
  AND t2.number = 'ZZ1'
""",
    "a comma is a join": """
SELECT p.name FROM person p, paper d WHERE p.holder = d.holder AND p.pid = d.pid
-- f1 monotone
SELECT t1.name
FROM person AS t1, paper AS t2
WHERE t1.holder = t2.holder
  AND t1.pid = t2.pid
""",
    "without holder each travels alone": """
SELECT p.name FROM person p JOIN paper d ON p.pid = d.pid WHERE d.kind = 'A'
-- f1 monotone
SELECT t1.name, t1.pid
FROM person AS t1
-- f2 monotone
SELECT t2.pid
FROM paper AS t2
WHERE t2.kind = 'A'
""",
    "without a key each travels alone": """
SELECT p.name FROM person p JOIN paper d ON p.holder = d.holder AND p.name = d.number
-- f1 monotone
SELECT t1.holder, t1.name
FROM person AS t1
-- f2 monotone
SELECT t2.holder, t2.number
FROM paper AS t2
""",
    "the nullable side is a fragment of its own, and takes only its own conjuncts of ON": """
SELECT p.name, d.number FROM person p
LEFT JOIN paper d ON d.holder = p.holder AND d.pid = p.pid AND d.kind = 'A' AND p.age > 3
WHERE p.age < 9 AND d.number <> 'ZZ1'
-- f1 monotone
SELECT t1.age, t1.holder, t1.name, t1.pid
FROM person AS t1
WHERE t1.age < 9
-- f2
SELECT t2.holder, t2.number, t2.pid
FROM paper AS t2
WHERE t2.kind = 'A'
""",
    "a full join takes nothing from above": """
SELECT p.name FROM person p FULL JOIN paper d USING (pid) WHERE p.age = 3 AND d.kind = 'A'
-- f1
SELECT t1.age, t1.name, t1.pid
FROM person AS t1
-- f2
SELECT t2.kind, t2.pid
FROM paper AS t2
""",
    "a subquery that is shown and ordered by is asked once": """
SELECT d.kind, (SELECT max(p.age) FROM person p WHERE p.pid = d.pid) AS n FROM paper d ORDER BY 2
-- f1 monotone
SELECT t1.kind, t1.pid
FROM paper AS t1
-- f2
SELECT t2.age, t2.pid
FROM person AS t2
""",
    "what may raise, or differs between engines, stays above": """
SELECT p.name FROM person p WHERE upper(p.name) = 'A' AND p.age + 1 > 3 AND p.name ILIKE 'A%'
AND p.age IN (1, 2) AND p.born BETWEEN DATE '1980-01-01' AND DATE '1990-01-01'
-- f1 monotone
SELECT t1.age, t1.name
FROM person AS t1
WHERE t1.age IN (1, 2)
  AND t1.born >= DATE '1980-01-01'
  AND t1.born <= DATE '1990-01-01'
""",
    "and, or, not, is null of what goes down go down": """
SELECT p.name FROM person p WHERE NOT (p.age IS NULL OR p.age = 3 AND p.name <> 'a')
AND p.age NOT BETWEEN 7 AND 8 AND p.born <= CURRENT_DATE
-- f1 monotone
SELECT t1.name
FROM person AS t1
WHERE NOT ((t1.age IS NULL OR (t1.age = 3 AND t1.name <> 'a')))
  AND NOT ((t1.age >= 7 AND t1.age <= 8))
  AND t1.born <= :today
""",
    "a disjunction goes down whole or not at all": """
SELECT p.name FROM person p WHERE (p.age = 3 OR upper(p.name) = 'A') AND (p.age = 3 OR 1 = 1)
-- f1 monotone
SELECT t1.age, t1.name
FROM person AS t1
""",
    "a constant pattern goes down, any other stays above": """
SELECT p.name FROM person p WHERE p.name LIKE 'Tr%_y''s' AND p.pid NOT LIKE '%\\_'
AND p.name LIKE p.pid AND p.name LIKE '%a%b%c%d%' AND upper(p.name) LIKE 'A' AND 'A' LIKE p.name
-- f1 monotone
SELECT t1.name, t1.pid
FROM person AS t1
WHERE t1.name LIKE 'Tr%_y''s'
  AND NOT (t1.pid LIKE '%\\_')
""",
    "to be distinct goes down where to be equal does": """
SELECT p.name FROM person p WHERE p.name IS DISTINCT FROM 'a' AND p.age IS NOT DISTINCT FROM 3
AND p.name IS NOT DISTINCT FROM p.pid AND p.height IS DISTINCT FROM 3 AND p.born IS DISTINCT FROM NULL
-- f1 monotone
SELECT t1.born, t1.height, t1.name
FROM person AS t1
WHERE t1.name IS DISTINCT FROM 'a'
  AND t1.age IS NOT DISTINCT FROM 3
  AND t1.name IS NOT DISTINCT FROM t1.pid
""",
    "types that do not compare alike everywhere stay above": """
SELECT p.name FROM person p WHERE p.height > 1 AND p.age = NULL
-- f1 monotone
SELECT t1.age, t1.height, t1.name
FROM person AS t1
""",
    "an inner subquery gives its own conjuncts, not the correlated ones": """
SELECT p.name FROM person p WHERE NOT EXISTS
(SELECT * FROM file c WHERE c.holder = p.holder AND c.pid = p.pid AND c.since > DATE '2026-01-01')
-- f1 monotone
SELECT t1.holder, t1.name, t1.pid
FROM person AS t1
-- f2
SELECT t2.holder, t2.pid
FROM file AS t2
WHERE t2.since > DATE '2026-01-01'
-- then one row for each holder, t2_pid
""",
    "only holder travels where no column is needed": """
SELECT count(*) AS n FROM person WHERE age = 3
-- f1
SELECT t1.holder
FROM person AS t1
WHERE t1.age = 3
-- then one row for all, with count(*)
""",
    "a common table expression that nobody reads does not travel": """
WITH a AS (SELECT * FROM file) SELECT cid FROM crossing
-- f1 monotone
SELECT t2.cid
FROM crossing AS t2
""",
    "what only a pruned column read does not travel": """
SELECT s.name FROM (SELECT name, (SELECT count(*) FROM file) AS n FROM person) s
-- f1 monotone
SELECT t1.name
FROM person AS t1
""",
}


def shown(split: Split) -> str:
    parts = [
        f"-- {part.name}{' monotone' if part.monotone else ''}\n{render_fragment(part.fragment)}"
        for part in split.parts
    ]
    return "\n".join(parts)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_before_and_after(case: str, catalog: Catalog) -> None:
    sql, _, after = case.strip().partition("\n-- ")
    assert shown(plan(sql, {}, catalog)) == f"-- {after}"


@pytest.mark.parametrize(
    ("condition", "asked"),
    [
        ("TRUE", "city registry"),
        ("holder = 'city'", "city"),
        ("'city' = holder", "city"),
        ("holder <> 'city'", "registry"),
        ("holder IN ('city', 'nobody')", "city"),
        ("holder NOT IN ('city')", "registry"),
        ("holder = 'city' OR holder >= 'q' AND holder < 's'", "city registry"),
        ("holder BETWEEN 'a' AND 'd'", "city"),
        ("holder IS NULL", ""),
        ("holder IS NOT NULL AND NOT (holder <= 'd' OR holder > 'z')", "registry"),
        ("holder = 'city' AND holder = 'registry'", ""),
        ("holder = 'city' OR age = 3", "city registry"),
        ("holder = :who", "city registry"),
        ("holder IN ('city', :who)", "city registry"),
        ("NOT (holder = :who OR holder = 'city')", "city registry"),
        ("upper(holder) = 'CITY'", "city registry"),
        ("holder LIKE 'c%'", "city"),
        ("holder NOT LIKE '_ity'", "registry"),
        ("holder IS NOT DISTINCT FROM 'city'", "city"),
        ("holder IS DISTINCT FROM 'city'", "registry"),
    ],
)
def test_whom_the_question_excludes(condition: str, asked: str, catalog: Catalog) -> None:
    types = {"who": ColumnType.TEXT} if ":who" in condition else {}
    (part,) = plan(f"SELECT name FROM person WHERE {condition}", types, catalog).parts
    assert part.asked(Holder("border")) is not None
    assert " ".join(h for h in catalog.holders if part.asked(h) is None) == asked


def test_why_a_holder_is_not_asked(catalog: Catalog) -> None:
    sql = "SELECT p.name FROM person p JOIN file c USING (holder, pid) WHERE p.holder <> 'border'"
    (part,) = plan(sql, {}, catalog).parts
    assert part.asked(Holder("city")) is None
    assert part.asked(Holder("registry")) == "holds no `file`"
    assert part.asked(Holder("border")) == "the question excludes it"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT p.name FROM person p LEFT JOIN paper d USING (holder, pid) WHERE p.holder = 'city'",
        "SELECT p.name FROM paper d RIGHT JOIN person p USING (holder, pid) WHERE p.holder = 'city'",
        "SELECT p.name FROM person p JOIN paper d USING (holder) WHERE d.holder = 'city'",
        "SELECT p.name FROM person p WHERE p.holder = 'city' AND NOT EXISTS"
        " (SELECT 1 FROM paper d WHERE d.holder = p.holder)",
    ],
)
def test_partners_of_an_excluded_holder_are_not_asked(sql: str, catalog: Catalog) -> None:
    for part in plan(sql, {}, catalog).parts:
        assert part.asked(Holder("city")) is None
        assert part.asked(Holder("registry")) == "the question excludes it"


def test_a_preserved_side_is_asked_though_its_partner_is_not(catalog: Catalog) -> None:
    sql = (
        "SELECT p.name FROM person p LEFT JOIN paper d ON d.holder = p.holder AND d.holder = 'city'"
    )
    person, paper = plan(sql, {}, catalog).parts
    assert person.asked(Holder("registry")) is None
    assert paper.asked(Holder("registry")) == "the question excludes it"


def test_fill_puts_values_and_the_day_in(catalog: Catalog) -> None:
    sql = (
        "SELECT name FROM person WHERE name IN (:who, 'b') AND born < CURRENT_DATE AND age IS NULL"
    )
    split = plan(sql, {"who": ColumnType.TEXT}, catalog)
    day = TypedValue(ColumnType.DATE, date(2026, 6, 1))
    (found,) = split.fill({"who": TypedValue(ColumnType.TEXT, "a"), ":today": day})
    assert render_fragment(found).endswith(
        "WHERE t1.name IN ('a', 'b')\n  AND t1.born < DATE '2026-06-01'\n  AND t1.age IS NULL"
    )


def test_a_slot_is_spelled_before_it_is_filled(catalog: Catalog) -> None:
    sql = "SELECT name FROM person WHERE name = :who"
    (part,) = plan(sql, {"who": ColumnType.TEXT}, catalog).parts
    assert b'"right":{"slot":"who","type":"text"}' in encode_fragment(part.fragment)


def test_a_subquery_inside_a_side_of_a_full_join_is_refused(catalog: Catalog) -> None:
    sql = """SELECT p.name FROM person p JOIN paper d ON p.pid IN (SELECT pid FROM file)
    FULL JOIN crossing c ON c.number = d.number"""
    with pytest.raises(UnsupportedQuery, match="FULL JOIN"):
        plan(sql, {}, catalog)
    assert plan(sql.replace("FULL", "LEFT"), {}, catalog).parts


def test_no_fragment_is_larger_than_nodes_take(catalog: Catalog) -> None:
    joins = [f" JOIN person p{n} USING (holder, pid)" for n in range(1, MAX_SCANS + 1)]
    sql = "SELECT p1.name FROM person p0"
    (part,) = plan(sql + "".join(joins[:-1]), {}, catalog).parts
    assert len(part.fragment.scans) == MAX_SCANS
    with pytest.raises(UnsupportedQuery, match="joined at one holder"):
        plan(sql + "".join(joins), {}, catalog)


def test_fill_wants_every_value_of_its_type(catalog: Catalog) -> None:
    split = plan("SELECT name FROM person WHERE name = :who", {"who": ColumnType.TEXT}, catalog)
    with pytest.raises(MalformedQuery, match="`who` has no value"):
        split.fill({})
    with pytest.raises(MalformedQuery, match="`who` has no value"):
        split.fill({"who": TypedValue(ColumnType.BIGINT, 1)})
    today = plan("SELECT name FROM person WHERE born < CURRENT_DATE", {}, catalog)
    with pytest.raises(MalformedQuery, match="day of the request"):
        today.fill({})


@pytest.mark.parametrize(
    ("sql", "order"),
    [
        ("SELECT name FROM person LIMIT 2", " ORDER BY 1 ASC NULLS LAST LIMIT 2"),
        (
            "SELECT name, age FROM person ORDER BY age DESC NULLS FIRST OFFSET 1",
            ' ORDER BY "f1"."t1_age" DESC NULLS FIRST, 1 ASC NULLS LAST, 2 ASC NULLS LAST OFFSET 1',
        ),
        (
            "SELECT name FROM person UNION SELECT kind FROM paper ORDER BY name LIMIT 1",
            ' ORDER BY "name" ASC NULLS LAST, 1 ASC NULLS LAST LIMIT 1',
        ),
        ("SELECT name FROM person ORDER BY name", ' ORDER BY "f1"."t1_name" ASC NULLS LAST'),
    ],
)
def test_rows_are_counted_off_in_a_total_order(sql: str, order: str, catalog: Catalog) -> None:
    assert plan(sql, {}, catalog).statement.endswith(order)
