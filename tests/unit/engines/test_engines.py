"""One contract, every engine: read-only, one snapshot, canonical types, interrupted, no texts."""

import asyncio
import sqlite3
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from narrows.core.terms import ColumnType
from narrows.engines import values
from narrows.engines.duckdb import open_duckdb
from narrows.engines.postgresql import open_postgresql
from narrows.engines.protocol import Engine, Reading, Statement
from narrows.engines.sqlite import open_sqlite
from narrows.errors import AnswerTooLarge, BadFederation, CheckFailed, DeadlinePassed, NarrowsError
from tests.postgresql import Server

ENDLESS = (
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 2000000000)"
    " SELECT count(*) FROM r"
)
WHOLE = (("n", ColumnType.BIGINT),)


def _opened(name: str, path: Path, request: pytest.FixtureRequest) -> Engine:
    table = "t AS SELECT 1 AS n, 'secretname' AS name"
    match name:
        case "duckdb":
            with duckdb.connect(str(path)) as making:
                making.execute(f"CREATE TABLE {table}")
            return open_duckdb(path, False, connections=2)
        case "sqlite":
            filling = sqlite3.connect(path)
            filling.execute(f"CREATE TABLE {table}")
            filling.commit()
            filling.close()
            return open_sqlite(path, connections=2)
    server: Server = request.getfixturevalue("pg")
    schema = server.schema()
    server.run(f"CREATE TABLE {schema}.{table}")
    return open_postgresql(server.uri(schema), connections=2)


@pytest.fixture(params=["duckdb", "sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    found = _opened(request.param, tmp_path / "node.db", request)
    yield found
    found.close()


async def test_values_come_back_in_their_types(engine: Engine) -> None:
    given = (
        "Zoé",
        True,
        -(2**31),
        2**63 - 1,
        1.5,
        date(1, 1, 1),
        datetime(2026, 6, 1, 12, 0, 0, 5),  # noqa: DTZ001
    )
    kinds = tuple((kind.value, kind) for kind in ColumnType)
    places = ", ".join(
        engine.dialect.placeholder(number, kind) for number, (_, kind) in enumerate(kinds, 1)
    )
    nulls = ", ".join(f"CAST(NULL AS {engine.dialect.type_name(kind)})" for _, kind in kinds)
    reading = await engine.run(
        [Statement(f"SELECT {places}", given, kinds), Statement(f"SELECT {nulls}", (), kinds)], 5
    )
    assert reading.rows == [[given], [(None,) * 7]]
    assert reading.as_of.tzinfo is not None


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t VALUES (2, 'x')",
        "DELETE FROM t",
        "CREATE TABLE u (n INTEGER)",
        "ATTACH 'other.db' AS other",
        "SELECT n, name FROM t",
        "SELECT name FROM t",
        "SELECT n FROM nosuch_secretname",
        "SELECT CAST(name AS DATE) FROM t",
        "SELECT content FROM read_text('/etc/hostname')",
        "SELECT load_extension('x')",
        "SELECT n FROM t; COMMIT",
        "COMMIT",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT pg_read_file('/etc/hostname')",
        "COPY t TO PROGRAM 'cat'",
    ],
)
async def test_all_else_is_refused_without_a_word_of_the_engine(engine: Engine, sql: str) -> None:
    with pytest.raises(CheckFailed) as caught:
        await engine.run([Statement(sql, (), (("d", ColumnType.DATE),))], 5)
    assert "secretname" not in f"{caught.value} {caught.value.__cause__}"
    reading = await engine.run([Statement("SELECT count(*) FROM t", (), WHOLE)], 5)
    assert reading.rows == [[(1,)]]


async def test_the_deadline_interrupts_and_the_connection_serves_on(engine: Engine) -> None:
    for _ in range(3):
        with pytest.raises(DeadlinePassed):
            await engine.run([Statement(ENDLESS, (), WHOLE)], 0.1)
    found = await asyncio.gather(
        *(engine.run([Statement("SELECT n FROM t", (), WHOLE)], 5) for _ in range(8))
    )
    assert [reading.rows for reading in found] == [[[(1,)]]] * 8


async def test_many_at_once_wait_their_turn_and_the_late_are_told(engine: Engine) -> None:
    late = [engine.run([Statement(ENDLESS, (), WHOLE)], 0.1) for _ in range(6)]
    quick = [engine.run([Statement("SELECT n FROM t", (), WHOLE)], 20) for _ in range(10)]
    found = await asyncio.gather(*late, *quick, return_exceptions=True)
    assert [type(one) for one in found[:6]] == [DeadlinePassed] * 6
    assert [one.rows for one in found[6:] if isinstance(one, Reading)] == [[[(1,)]]] * 10


async def test_more_text_than_a_node_holds_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "MAX_TEXT", 100 * len("secretname"))
    text = (("name", ColumnType.TEXT),)
    numbers = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 500)"
    for count in (100, 101, 500, 100):
        sql = f"{numbers} SELECT name FROM t, r WHERE r.n <= {count}"
        asked = engine.run([Statement(sql, (), text)], 9)
        if count == 100:
            assert (await asked).rows == [[("secretname",)] * 100]
        else:
            with pytest.raises(AnswerTooLarge) as caught:
                await asked
            assert "secretname" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        (ColumnType.INTEGER, "SELECT 2147483648"),
        (ColumnType.BOOLEAN, "SELECT 2"),
        (ColumnType.DATE, "SELECT '2026-02-30'"),
        (ColumnType.TIMESTAMP, "SELECT '2026-02-03'"),
        (ColumnType.DOUBLE, "SELECT 'x'"),
        (ColumnType.DOUBLE, "SELECT CAST(1e308 AS DOUBLE) * 1e308"),
        (ColumnType.TEXT, "SELECT 1"),
    ],
)
async def test_a_value_of_another_type_fails(engine: Engine, kind: ColumnType, sql: str) -> None:
    with pytest.raises(NarrowsError):
        await engine.run([Statement(sql, (), (("x", kind),))], 5)


async def test_parquet_reads_its_folder_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    outside = tmp_path / "outside.parquet"
    duckdb.execute("COPY (SELECT 1 AS n) TO '" + str(folder / "a.parquet") + "'")
    duckdb.execute("COPY (SELECT 1 AS n) TO '" + str(outside) + "'")
    engine = open_duckdb(folder, True)
    try:
        sql = f"SELECT n FROM read_parquet('{folder}/*.parquet')"
        reading = await engine.run([Statement(sql, (), (("n", ColumnType.INTEGER),))], 5)
        assert reading.rows == [[(1,)]]
        for path in (outside, folder / ".." / "outside.parquet"):
            with pytest.raises(CheckFailed):
                await engine.run([Statement(f"SELECT n FROM read_parquet('{path}')", (), WHOLE)], 5)
    finally:
        engine.close()


def test_a_missing_database_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(BadFederation):
        open_duckdb(tmp_path / "none", False)
    with pytest.raises(BadFederation):
        open_duckdb(tmp_path / "none", True)
    with pytest.raises(BadFederation):
        open_sqlite(tmp_path / "none")
