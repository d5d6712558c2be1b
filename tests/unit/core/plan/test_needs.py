"""Which columns travel, and which of them only a star (`*`) brought."""

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.plan import plan

CASES = [
    ("SELECT * FROM crossing", "holder cid* crossed_at* number*"),
    ("SELECT * FROM crossing ORDER BY 2", "holder cid crossed_at* number*"),
    ("SELECT *, number AS n FROM crossing", "holder cid* crossed_at* number"),
    ("SELECT s.cid FROM (SELECT * FROM crossing) s", "cid"),
    (
        "SELECT s.* FROM (SELECT * FROM crossing) s WHERE s.cid > 'a'",
        "holder cid crossed_at* number*",
    ),
    ("WITH s AS (SELECT * FROM crossing) SELECT * FROM s", "holder cid* crossed_at* number*"),
    ("WITH s(a, b, c, d) AS (SELECT * FROM crossing) SELECT b FROM s WHERE c = 'x'", "cid number"),
    ("WITH s(a, b, c, d) AS (SELECT * FROM crossing) SELECT 1 AS x FROM s", "holder"),
    ("SELECT s.b FROM (SELECT * FROM crossing) s(a, b, c, d)", "cid"),
    (
        "SELECT s.cid FROM (SELECT DISTINCT * FROM crossing) s WHERE s.number = 'x'",
        "holder cid crossed_at* number",
    ),
    ("SELECT 1 AS x WHERE EXISTS (SELECT * FROM crossing WHERE upper(number) = 'A')", "number"),
    ("SELECT 1 AS x WHERE EXISTS (SELECT count(*), max(cid) FROM crossing)", "cid"),
    ("SELECT 1 AS x WHERE 'a' IN (SELECT * FROM (SELECT cid FROM crossing) s)", "cid"),
    ("SELECT s.y FROM (SELECT max(cid) AS x, 1 AS y FROM crossing) s", "cid"),
    ("SELECT s.n FROM (SELECT max(cid) AS x, count(*) AS n FROM crossing) s", "holder"),
    ("SELECT s.y FROM (SELECT max(cid) AS x, 1 AS y FROM crossing GROUP BY number) s", "number"),
]


@pytest.mark.parametrize(("sql", "travels"), CASES)
def test_what_travels(sql: str, travels: str, catalog: Catalog) -> None:
    (part,) = plan(sql, {}, catalog).parts
    found = [
        output.column.column + ("*" if output.star else "") for output in part.fragment.outputs
    ]
    assert sorted(found) == sorted(travels.split())


BOTH = [
    ("union all", "SELECT s.cid FROM ({}) s", "cid"),
    ("union all", "SELECT s.cid FROM ({} ORDER BY number LIMIT 3) s", "cid number"),
    ("union", "SELECT s.cid FROM ({}) s", "holder cid crossed_at* number*"),
    ("union", "{}", "holder cid* crossed_at* number*"),
    ("except", "{}", "holder cid crossed_at number"),
    ("intersect", "{}", "holder cid crossed_at number"),
]


@pytest.mark.parametrize(("op", "around", "travels"), BOTH)
def test_both_sides_alike(op: str, around: str, travels: str, catalog: Catalog) -> None:
    both = f"SELECT * FROM crossing {op} SELECT * FROM crossing"
    parts = plan(around.format(both), {}, catalog).parts
    assert len(parts) == 2
    for part in parts:
        found = [out.column.column + ("*" if out.star else "") for out in part.fragment.outputs]
        assert sorted(found) == sorted(travels.split())
