"""TPC-H over five offices in processes of their own: DuckDB, SQLite, PostgreSQL, Parquet.

Each of the 22 queries gives what one database gives over the union of all that is held.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pytest

from narrows.client.question import make_ask
from narrows.folder.load import load_folder
from narrows.local.state import State
from narrows.local.up import make_data
from tests.postgresql import Server
from tests.system.processes import Running, copy_of, outcomes, replace_in, running
from tests.tpch import FOLDER, QUERIES, SCALE, Result, ask_one, check_same, telling, unite

pytestmark = pytest.mark.system
DEADLINE_S = 60


@dataclass(frozen=True, slots=True)
class Offices:
    """The federation, and one database with the union of what its members hold."""

    running: Running
    union: duckdb.DuckDBPyConnection

    def ask(self, sql: str, purpose: str = "trade_statistics") -> tuple[Result, dict[str, str]]:
        """The answer of the federation, and what became of the question at each office."""
        ask = make_ask(sql, purpose=purpose, form="list", deadline=DEADLINE_S)
        found = self.running.ask(ask, "analyst")
        rows = [tuple(row.values()) for row in found.table.to_pylist()]
        columns = tuple((column.name, column.type) for column in found.columns)
        return Result(columns, rows), outcomes(found)


@pytest.fixture(scope="module")
def offices(pg: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offices]:
    """Five nodes and a gateway; `orders-low` is read from PostgreSQL, as the page says."""
    place = tmp_path_factory.mktemp("tpch")
    folder, state = copy_of(FOLDER, place / "tpch"), State(place / "state")
    make_data(load_folder(folder), SCALE, 7, state, lambda _: None)
    schema = pg.schema()
    subprocess.run(
        [
            sys.executable, folder / "postgresql.py", "--data", state.data,
            "--owner", pg.uri(schema, "postgres"), "--reader", pg.uri(schema),
        ],
        check=True,
    )  # fmt: skip
    member = folder / "members" / "orders-low" / "member.yaml"
    replace_in(member, "engine: duckdb", "engine: postgresql")
    replace_in(member, "orders-low.duckdb", "orders-low.uri")
    union = asyncio.run(unite(load_folder(folder), state.data))
    with union, running(folder, state.folder) as found:
        yield Offices(found, union)


@pytest.mark.parametrize("name", QUERIES)
def test_the_federated_answer_is_that_of_one_database(name: str, offices: Offices) -> None:
    sql = telling(name)
    found, became = offices.ask(sql)
    expected = ask_one(offices.union, sql)
    assert set(became.values()) <= {"answered", "not asked"}
    assert expected.is_telling
    check_same(sql, found, expected)


def test_the_registers_are_open_for_figures_alone(offices: Offices) -> None:
    ask = make_ask("SELECT n_name FROM nation", purpose="trade_statistics", deadline=DEADLINE_S)
    assert "refused" in outcomes(offices.running.ask(ask, "analyst")).values()
    found, became = offices.ask("SELECT n_name, count(*) AS n FROM nation GROUP BY n_name")
    assert [row[1] for row in found.rows] == [2] * 25
    assert became["part-register"] == "not asked"
