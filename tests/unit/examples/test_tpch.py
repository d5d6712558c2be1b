"""TPC-H at five offices: its folder, its rows, and that its queries mean what TPC-H means."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest

from narrows.core.plan.plan import plan
from narrows.folder.check import check_folder
from narrows.folder.load import Federation, load_folder
from tests.tpch import FOLDER, QUERIES, ask_one, check_same, copy_once, generate, telling, unite

HOLDERS = ("trade-west", "trade-east", "orders-low", "orders-high", "part-register")


@dataclass(frozen=True, slots=True)
class Tables:
    """The same rows twice: as the offices hold them, and as they were made."""

    union: duckdb.DuckDBPyConnection
    once: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def federation() -> Federation:
    return load_folder(FOLDER)


@pytest.fixture(scope="module")
def tables(federation: Federation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    folder = tmp_path_factory.mktemp("tpch")
    generate(folder / "data")
    union = asyncio.run(unite(federation, folder / "data"))
    with union, copy_once(folder / "once", federation.catalog) as once:
        yield Tables(union, once)


def test_the_folder_has_no_errors_and_no_warnings() -> None:
    assert check_folder(FOLDER) == ()


def test_there_are_22_queries() -> None:
    assert list(QUERIES) == [f"q{number:02}" for number in range(1, 23)]


@pytest.mark.parametrize("name", QUERIES)
def test_split_rows_give_what_one_copy_gives(name: str, tables: Tables) -> None:
    sql = telling(name)
    expected = ask_one(tables.once, sql)
    assert expected.is_telling
    check_same(sql, ask_one(tables.union, sql), expected)


@pytest.mark.parametrize("name", QUERIES)
def test_every_answer_hangs_on_more_than_one_office(
    name: str, federation: Federation, tables: Tables
) -> None:
    """So that rows of an office that a plan forgets are missed."""
    sql = telling(name)
    whole = ask_one(tables.union, sql)
    needed = set()
    for holder in HOLDERS:
        for relation in federation.catalog.relations:
            tables.union.execute(
                f"CREATE OR REPLACE TEMP VIEW {relation} AS FROM memory.main.{relation} "
                f"WHERE holder <> '{holder}'"
            )
        if ask_one(tables.union, sql) != whole:
            needed.add(holder)
    for relation in federation.catalog.relations:
        tables.union.execute(f"DROP VIEW temp.{relation}")
    assert len(needed) > 1


def test_rows_are_where_their_nation_or_number_is(tables: Tables) -> None:
    found = tables.union.sql(
        "SELECT n_regionkey, c.holder FROM customer c JOIN nation n USING (holder) "
        "WHERE c_nationkey = n_nationkey GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    west, east = HOLDERS[:2]
    assert found == [(0, east), (1, west), (2, east), (3, west), (4, east)]
    low, high = tables.union.sql(
        "SELECT max(l_orderkey) FILTER (WHERE holder = 'orders-low'), "
        "min(l_orderkey) FILTER (WHERE holder = 'orders-high') FROM lineitem"
    ).fetchall()[0]
    assert low < high


@pytest.mark.parametrize(
    ("name", "together"),
    [
        ("q02", {"nation", "region", "supplier"}),
        ("q05", {"lineitem", "orders"}),
        ("q10", {"customer", "nation"}),
        ("q16", {"part", "partsupp"}),
    ],
)
def test_what_one_office_holds_is_joined_there(
    name: str, together: set[str], federation: Federation
) -> None:
    split = plan(QUERIES[name], {}, federation.catalog, "list")
    assert together in [set(part.fragment.relations) for part in split.parts]
