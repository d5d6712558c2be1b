"""What stays above, and why: the reasons are static words, and true of what is beside them."""

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.above import what_stays_above
from narrows.core.plan.plan import plan
from narrows.core.terms import ColumnType

CAN_FAIL = "can fail, and an error would tell of rows that are not released"
NO_FILTER = "is in no filter that travels"
CASE = "hangs on letters, and each engine has its own idea of case"
PATTERN = "of such a pattern: engines read it in different ways, or it may take long"
BARE = "a bare column is no filter that travels: compare it with TRUE or FALSE"
LITTLE = "it does not compare a column with a column or with constants"

CONDITIONS = {
    "lower(name) = 'a'": f"`lower` {CASE}",
    "upper(name) = lower(name)": f"`upper` {CASE}",
    "name ILIKE 'a%'": f"`ILIKE` {CASE}",
    "name LIKE :pattern": f"`LIKE` {PATTERN}",
    "lower(name) LIKE :pattern": f"`lower` {CASE}",
    "trim(name) = 'a'": "`trim` trims other blanks on each engine",
    "greatest(age, 3) = 3": "`greatest` treats NULL in another way on each engine",
    "round(height) = 1": "`round` rounds in another way on each engine",
    "substr(name, 2, 1) = 'a'": "`substr` travels for the first characters of a text alone",
    "name_sim(name, 'a') > 0.9": (
        "`name_sim` travels as `name_sim(…) >= n`, of a constant and texts of one relation"
    ),
    "age + 1 > 3": f"`+` {CAN_FAIL}",
    "- age > 3": f"`-` {CAN_FAIL}",
    "abs(age) > 3": f"`abs` {CAN_FAIL}",
    "abs(height) > 3.5": f"`abs` {NO_FILTER}",
    "born - DATE '2020-01-01' > 3": f"`-` {NO_FILTER}",
    "born - 3 > DATE '2020-01-01'": f"`-` {CAN_FAIL}",
    "length(name) > 3": f"`length` {NO_FILTER}",
    "length(upper(name)) > age + 1": f"`+` {CAN_FAIL}",
    "length(upper(name)) > 1": f"`upper` {CASE}",
    "name || 'a' = 'ba'": f"`||` {NO_FILTER}",
    "CASE WHEN age = 3 THEN 1 ELSE 2 END = 2": f"`CASE` {NO_FILTER}",
    "EXTRACT(quarter FROM born) = 2": f"`extract` {NO_FILTER}",
    "CAST(height AS text) = '3'": "each engine spells such a value as `text` in its own way",
    "CAST(age AS text) = '3'": f"a cast to `text` {NO_FILTER}",
    "CAST(name AS integer) = 3": f"a cast to `integer` {CAN_FAIL}",
    "CAST(age AS bigint) = 3": f"a cast to `bigint` {NO_FILTER}",
    "CAST(nullif(name, 'a') AS date) = DATE '2020-01-01'": f"a cast to `date` {CAN_FAIL}",
    "height > age": "engines compare a `double` with a `integer` in different ways",
    "age = 3 OR age + 1 = 3": f"`+` {CAN_FAIL}",
    "name = NULL": LITTLE,
    "coalesce(age, 1) = 3": f"`coalesce` {NO_FILTER}",
    "1 = 2": "it reads no column",
}
QUERIES = {
    "SELECT name FROM person WHERE age = 3 AND name IS NOT NULL": [],
    "SELECT f.pid FROM file f WHERE f.sealed": [("f1.t1_sealed", BARE)],
    "SELECT f.pid FROM file f WHERE NOT f.sealed": [("NOT f1.t1_sealed", BARE)],
    "SELECT p.name FROM person p JOIN paper d ON d.number = p.name": [
        ("f2.t2_number = f1.t1_name", "rows of `f1` and `f2` meet only here")
    ],
    """SELECT p.name, d.kind FROM person p
    LEFT JOIN paper d ON d.number = p.name AND d.kind = 'A' AND p.age > 3 WHERE d.kind IS NULL""": [
        ("f2.t2_number = f1.t1_name", "rows of `f1` and `f2` meet only here"),
        ("f1.t1_age > 3", "the outer join keeps a row that fails it"),
        ("f2.t2_kind IS NULL", "an outer join comes before it"),
    ],
    # What an outer join has for a condition when all of it went down is nothing to tell.
    "SELECT p.name, d.kind FROM person p LEFT JOIN paper d ON d.kind = 'A'": [],
    """SELECT p.name FROM person p JOIN crossing c ON c.number = p.name
    LEFT JOIN paper d ON d.kind = c.number WHERE d.kind = 'A'""": [
        ("f2.t2_number = f1.t1_name", "rows of `f1` and `f2` meet only here"),
        ("f3.t3_kind = f2.t2_number", "rows of `f2` and `f3` meet only here"),
        ("f3.t3_kind = 'A'", "an outer join comes before it"),
    ],
    """SELECT p.name FROM person p LEFT JOIN paper d ON d.kind = 'B'
    JOIN crossing c ON d.number = 'A'""": [("f2.t2_number = 'A'", "an outer join comes before it")],
    "SELECT s.name FROM (SELECT name FROM person) s WHERE s.name = 'a'": [
        ("t2.name = 'a'", "it reads what `t2` gives")
    ],
    """WITH c AS (SELECT name FROM person WHERE upper(name) = 'A') SELECT name FROM c LIMIT 2""": [
        ("upper(f1.t1_name) = 'A'", f"`upper` {CASE}"),
        ("the first 2 rows", "`t2` comes first"),
    ],
    """SELECT name FROM person p WHERE EXISTS (SELECT 1 FROM paper d WHERE d.number = p.name)
    AND pid IN (SELECT pid FROM file) AND age > (SELECT max(age) FROM person)""": [
        ("f2.t2_number = f1.t1_name", "it reads the query around it"),
        ("exists(query)", "a subquery runs above"),
        ("f1.t1_pid IN (query)", "a subquery runs above"),
        ("f1.t1_age > query", "a subquery runs above"),
    ],
    """SELECT name, (SELECT count(*) FROM paper d WHERE d.pid = p.pid) AS n FROM person p
    ORDER BY 2""": [("f2.t2_pid = f1.t1_pid", "it reads the query around it")],
    "SELECT p.name, count(*), max(d.kind) FROM person p, paper d GROUP BY 1 HAVING count(*) > 2": [
        ("count(*) > 2", "groups are whole only here"),
        ("groups, with `count`, `max`", "rows of `f1` and `f2` meet first"),
    ],
    "SELECT p.name FROM person p, paper d GROUP BY 1": [
        ("groups", "rows of `f1` and `f2` meet first")
    ],
    "SELECT kind FROM paper GROUP BY 1 HAVING kind > 'a' ORDER BY 1 LIMIT 3": [
        ("f1.t1_kind > 'a'", "groups are whole only here"),
        ("the first 3 rows", "groups are whole only here"),
    ],
    "SELECT stddev_pop(age) FROM person": [
        ("every row of f1", "`stddev_pop` of these values needs every row")
    ],
    "SELECT name, rank() OVER (ORDER BY age) AS n FROM person ORDER BY 1 LIMIT 3": [
        ("every row of f1", "the order hangs on more than columns"),
        (
            "rank() OVER (ORDER BY f1.t1_age ASC NULLS LAST)",
            "a window looks at rows of all holders",
        ),
        ("the first 3 rows", "a window comes first"),
    ],
    "SELECT name FROM person UNION SELECT kind FROM paper LIMIT 3": [
        ("the first 3 rows", "the rows of both sides come first")
    ],
    "SELECT name FROM person ORDER BY name LIMIT 3": [],
    "SELECT 1 AS one LIMIT 3": [],
    "SELECT p.name FROM person p, paper d ORDER BY 1 LIMIT 3": [
        ("the first 3 rows", "rows of `f1` and `f2` meet first")
    ],
    "SELECT p.name FROM person p FULL JOIN paper d ON d.number = p.name AND d.kind = 'A'": [
        ("f2.t2_number = f1.t1_name", "rows of `f1` and `f2` meet only here"),
        ("f2.t2_kind = 'A'", "the outer join keeps a row that fails it"),
    ],
}


def _told(sql: str, catalog: Catalog) -> list[tuple[str, str]]:
    types = {"pattern": ColumnType.TEXT} if ":pattern" in sql else {}
    found = what_stays_above(plan(sql, types, catalog), catalog)
    return [(one.what, one.why) for one in found]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_each_condition_has_its_reason(condition: str, catalog: Catalog) -> None:
    found = _told(f"SELECT name FROM person WHERE {condition}", catalog)
    assert [why for _, why in found] == [CONDITIONS[condition]]


@pytest.mark.parametrize("sql", QUERIES)
def test_each_thing_is_told_with_its_reason(sql: str, catalog: Catalog) -> None:
    assert _told(sql, catalog) == QUERIES[sql]


@pytest.mark.parametrize(
    "condition",
    ["age = 3", "name IN ('a', 'b')", "born IS NULL", "NOT (age = 3 OR born IS NULL)",
     "age BETWEEN 3 AND 5", "holder = 'city'", "name_sim(name, 'a') >= 0.9"],
)  # fmt: skip
def test_what_goes_down_is_not_told(condition: str, catalog: Catalog) -> None:
    assert _told(f"SELECT name FROM person WHERE {condition}", catalog) == []
