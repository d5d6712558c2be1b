from datetime import date, datetime

import duckdb
import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Comparison, Slot
from narrows.core.plan.plan import plan
from narrows.core.plan.render import constant, quote, render_filter, render_fragment, render_query
from narrows.core.sql.parse import parse
from narrows.core.terms import ColumnType, Scalar, TypedValue


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.TEXT, 'O\'Neil "x" \\ -- ;\n'),
        (ColumnType.BOOLEAN, True),
        (ColumnType.INTEGER, -5),
        (ColumnType.BIGINT, -(2**63)),
        (ColumnType.DOUBLE, 0.1),
        (ColumnType.DOUBLE, 1e300),
        (ColumnType.DATE, date(1, 1, 1)),
        (ColumnType.TIMESTAMP, datetime(9999, 12, 31, 23, 59, 59, 999999)),  # noqa: DTZ001
        (ColumnType.TIMESTAMP, datetime(1, 1, 1)),  # noqa: DTZ001
        (ColumnType.TEXT, None),
        (ColumnType.DOUBLE, None),
    ],
)
def test_a_constant_reads_as_its_value(kind: ColumnType, value: Scalar) -> None:
    found = duckdb.connect().execute(f"SELECT {constant(TypedValue(kind, value))}").fetchone()
    assert found is not None
    assert found[0] == value or (kind is ColumnType.DOUBLE and float(found[0]) == value)


def test_a_double_is_no_decimal(catalog: Catalog) -> None:
    statement = plan("SELECT 1.5 AS x, 1e30 AS y, 0.1 + 0.2 AS z", {}, catalog).statement
    found = duckdb.connect().execute(statement).fetchone()
    assert found == (1.5, 1e30, 0.1 + 0.2)
    assert found is not None
    assert all(isinstance(value, float) for value in found)


def test_an_identifier_is_always_quoted() -> None:
    assert quote('a"b') == '"a""b"'


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("name_sim(a, 'b')", "name_sim(\"a\", 'b')"),
        ("count(*) FILTER (WHERE a)", 'count(*) FILTER (WHERE "a")'),
        ("count(DISTINCT a)", 'count(DISTINCT "a")'),
        ("CASE a WHEN 1 THEN 2 END", 'CASE "a" WHEN 1 THEN 2 END'),
        ("CASE WHEN a THEN 2 ELSE 3 END", 'CASE WHEN "a" THEN 2 ELSE 3 END'),
        ("EXTRACT(year FROM a)", 'EXTRACT(year FROM "a")'),
        ("CAST(a AS text)", 'CAST("a" AS VARCHAR)'),
        ("a NOT IN (1, NULL)", '(NOT ("a" IN (1, NULL)))'),
        ("CURRENT_DATE", "$today_"),
        (":who", "$who"),
        ("- a", '(- "a")'),
        (
            "lag(a) OVER (PARTITION BY b ORDER BY c DESC)",
            'lag("a") OVER (PARTITION BY "b" ORDER BY "c" DESC NULLS LAST)',
        ),
        (
            "sum(a) OVER (ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
            'sum("a") OVER (ORDER BY "b" ASC NULLS LAST '
            "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
        ),
        ("sum(a) OVER ()", 'sum("a") OVER ()'),
    ],
)
def test_expressions(sql: str, text: str) -> None:
    assert (
        render_query(parse(f"SELECT {sql} AS x FROM t")) == f'SELECT {text} AS "x" FROM "t" AS "t"'
    )


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        (
            "SELECT *, u.* FROM t JOIN u USING (a, b)",
            '"t" AS "t" INNER JOIN "u" AS "u" USING ("a", "b")',
        ),
        ("SELECT a FROM t CROSS JOIN u", '"t" AS "t" CROSS JOIN "u" AS "u"'),
        (
            "SELECT a FROM (SELECT b FROM t) x(a)",
            '(SELECT "b" AS "b" FROM "t" AS "t") AS "x" ("a")',
        ),
    ],
)
def test_sources(sql: str, text: str) -> None:
    assert render_query(parse(sql)).endswith(f" FROM {text}")


def test_a_fragment_for_people(catalog: Catalog) -> None:
    sql = "SELECT name FROM person WHERE name IN ('a b', :who) AND born < CURRENT_DATE"
    (part,) = plan(sql, {"who": ColumnType.TEXT}, catalog).parts
    assert render_fragment(part.fragment) == (
        "SELECT t1.name\nFROM person AS t1\nWHERE t1.name IN ('a b', :who)\n  AND t1.born < :today"
    )
    (bare,) = plan("SELECT name FROM person", {}, catalog).parts
    assert render_fragment(bare.fragment) == "SELECT t1.name\nFROM person AS t1"
    slot = Slot("who", ColumnType.TEXT)
    assert render_filter(Comparison("=", slot, slot)) == ":who = :who"
