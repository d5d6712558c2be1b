"""What only PostgreSQL can get wrong: its types, its roles, its collations, its connections."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime

import pytest

from narrows.core.terms import ColumnType, Scalar
from narrows.engines.postgresql import open_postgresql
from narrows.engines.protocol import Engine, Statement
from narrows.errors import BadFederation, CheckFailed, DeadlinePassed
from tests.postgresql import Server

WHOLE = (("n", ColumnType.BIGINT),)


@pytest.fixture
def schema(pg: Server) -> str:
    found = pg.schema()
    pg.run(f"CREATE TABLE {found}.t AS SELECT 1 AS n, 'secretname'::text AS name")
    return found


@pytest.fixture
def engine(pg: Server, schema: str) -> Iterator[Engine]:
    found = open_postgresql(pg.uri(schema), connections=1)
    yield found
    found.close()


async def _value(engine: Engine, sql: str, kind: ColumnType = ColumnType.TEXT) -> Scalar:
    reading = await engine.run([Statement(f"SELECT {sql} AS x", (), (("x", kind),))], 5)
    return reading.rows[0][0][0]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (ColumnType.DATE, "'infinity'::date"),
        (ColumnType.DATE, "'-infinity'::date"),
        (ColumnType.DATE, "'0044-03-15 BC'::date"),
        (ColumnType.DATE, "'10000-01-01'::date"),
        (ColumnType.TIMESTAMP, "'infinity'::timestamp"),
        (ColumnType.TIMESTAMP, "'-infinity'::timestamp"),
        (ColumnType.TIMESTAMP, "'0044-03-15 00:00:00 BC'::timestamp"),
        (ColumnType.TIMESTAMP, "'10000-01-01'::timestamp"),
        (ColumnType.TIMESTAMP, "'290000-01-01'::timestamp"),
        (ColumnType.DOUBLE, "'NaN'::float8"),
        (ColumnType.DOUBLE, "'-infinity'::float8"),
        (ColumnType.DOUBLE, "'infinity'::float4"),
        (ColumnType.INTEGER, "2147483648"),
    ],
)
async def test_what_is_not_canonical_is_refused_without_its_value(
    engine: Engine, kind: ColumnType, given: str
) -> None:
    with pytest.raises(CheckFailed) as caught:
        await _value(engine, given, kind)
    assert str(caught.value) == f"an engine gave a value that is not a canonical `{kind}`"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (ColumnType.DATE, "'0001-01-01'::date", date(1, 1, 1)),
        (ColumnType.DATE, "'9999-12-31'::date", date(9999, 12, 31)),
        (ColumnType.TIMESTAMP, "'0001-01-01'::timestamp", datetime(1, 1, 1)),  # noqa: DTZ001
        (ColumnType.INTEGER, "-2147483648", -(2**31)),
        (ColumnType.BIGINT, "7::smallint", 7),
        (ColumnType.DOUBLE, "0.5::float4", 0.5),
        (ColumnType.TEXT, "'Zoé'::varchar(3)", "Zoé"),
        (ColumnType.TEXT, "NULL", None),
        (ColumnType.TIMESTAMP, "TIMESTAMPTZ '2026-06-01 12:00+02' AT TIME ZONE 'UTC'",
         datetime(2026, 6, 1, 10)),  # noqa: DTZ001
    ],
)  # fmt: skip
async def test_what_is_canonical_is_taken(
    engine: Engine, kind: ColumnType, given: str, expected: Scalar
) -> None:
    assert await _value(engine, given, kind) == expected


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        (ColumnType.DOUBLE, "1.5::numeric", "as `numeric`, which is no `double`: give it as "
         "`CAST(... AS double precision)`"),
        (ColumnType.TEXT, "'a'::char(3)", "as `bpchar`, which is no `text`"),
        (ColumnType.TEXT, "'{}'::jsonb", "as `jsonb`, which is no `text`"),
        (ColumnType.INTEGER, "'secretname'::text", "as `text`, which is no `integer`"),
        (ColumnType.DATE, "now()::timestamp", "as `timestamp`, which is no `date`"),
        (ColumnType.TIMESTAMP, "now()", "as `timestamptz`, which is no `timestamp`: give it as "
         "`... AT TIME ZONE 'UTC'`"),
    ],
)  # fmt: skip
async def test_a_mapping_of_another_type_is_told_before_there_is_a_row(
    engine: Engine, kind: ColumnType, given: str, message: str
) -> None:
    sql = f"SELECT x FROM (SELECT {given} AS x) AS mapped LIMIT 0"
    with pytest.raises(CheckFailed) as caught:
        await engine.run([Statement(sql, (), (("x", kind),))], 5)
    assert f"the mapping gives `x` {message}" in str(caught.value)


async def test_a_session_is_set_whatever_the_role_says(pg: Server) -> None:
    schema, role = pg.schema(), pg.role()
    pg.run(
        f"GRANT USAGE ON SCHEMA {schema} TO {role}",
        f"ALTER ROLE {role} SET TimeZone = 'America/Vancouver'",
        f"ALTER ROLE {role} SET DateStyle = 'German'",
        f"ALTER ROLE {role} SET standard_conforming_strings = off",
        f"ALTER ROLE {role} SET default_transaction_read_only = off",
    )
    engine = open_postgresql(pg.uri(schema, role), connections=1)
    try:
        for setting, expected in (
            ("TimeZone", "UTC"),
            ("DateStyle", "ISO, YMD"),
            ("standard_conforming_strings", "on"),
            ("default_transaction_read_only", "on"),
            ("transaction_read_only", "on"),
            ("transaction_isolation", "repeatable read"),
            ("search_path", f"{schema}, pg_temp"),
        ):
            assert await _value(engine, f"current_setting('{setting}')") == expected
    finally:
        engine.close()


async def test_what_a_statement_sets_does_not_outlive_its_run(engine: Engine) -> None:
    await _value(engine, "set_config('TimeZone', 'Asia/Tokyo', false)")
    assert await _value(engine, "current_setting('TimeZone')") == "UTC"


async def test_all_statements_of_a_run_are_of_one_snapshot(
    pg: Server, schema: str, engine: Engine
) -> None:
    count = Statement("SELECT count(*) FROM t", (), WHOLE)
    slow = Statement("SELECT count(*) FROM t, pg_sleep(0.6)", (), WHOLE)
    running = asyncio.create_task(engine.run([slow, count], 5))
    await asyncio.sleep(0.2)
    pg.run(f"INSERT INTO {schema}.t VALUES (2, 'x')")
    assert not running.done()
    assert (await running).rows == [[(1,)], [(1,)]]
    assert (await engine.run([count], 5)).rows == [[(2,)]]


async def test_order_is_of_code_points_and_equality_reaches_an_index(
    pg: Server, schema: str, engine: Engine
) -> None:
    dialect = engine.dialect
    given = dialect.collated("'B'")
    assert await _value(engine, f"({given} < 'a')", ColumnType.BOOLEAN)
    assert await _value(engine, f"collation for ({dialect.collated('name')}) FROM t") == '"C"'
    pg.run(f"CREATE INDEX ON {schema}.t (name)")
    for term, is_served in ((dialect.matched, True), (dialect.collated, False)):
        select = f"SELECT 1 FROM {schema}.t WHERE {term('name')} IN (CAST('a' AS text), 'b')"
        assert ("Index Cond" in pg.explained(select)) is is_served


async def test_many_rows_come_in_their_order_and_once(engine: Engine) -> None:
    for count in (0, 1, 63, 64, 65, 192, 193, 3000):
        sql = f"SELECT n FROM generate_series(1, {count}) AS n ORDER BY n"
        reading = await engine.run([Statement(sql, (), WHOLE)], 5)
        assert reading.rows == [[(number,) for number in range(1, count + 1)]]


async def test_a_broken_connection_is_replaced(pg: Server, engine: Engine) -> None:
    assert await _value(engine, "name FROM t") == "secretname"
    pg.end_sessions()
    assert await _value(engine, "name FROM t") == "secretname"
    running = asyncio.create_task(_value(engine, "'x' FROM pg_sleep(5)"))
    await asyncio.sleep(0.2)
    pg.end_sessions()
    with pytest.raises(CheckFailed, match="could not run a statement"):
        await running
    assert await _value(engine, "name FROM t") == "secretname"


async def test_the_server_stops_what_nobody_waits_for(pg: Server, engine: Engine) -> None:
    active = "(SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader' AND state = 'active')"
    watching = open_postgresql(pg.uri("public"), connections=1)
    try:
        with pytest.raises(DeadlinePassed):
            await engine.run([Statement("SELECT 1 FROM pg_sleep(30)", (), WHOLE)], 0.2)
        running = asyncio.create_task(_value(engine, "'x' FROM pg_sleep(30)"))
        await asyncio.sleep(0.2)
        assert await _value(watching, active, ColumnType.BIGINT) == 2
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await _value(watching, active, ColumnType.BIGINT) == 1
    finally:
        watching.close()


@pytest.mark.parametrize(
    ("grants", "message"),
    [
        (["GRANT INSERT ON {schema}.t TO {role}"], "can write to `{schema}.t`"),
        (["GRANT UPDATE (name) ON {schema}.t TO {role}"], "can write to `{schema}.t`"),
        (["GRANT DELETE ON {schema}.t TO PUBLIC"], "can write to `{schema}.t`"),
        (["ALTER TABLE {schema}.t OWNER TO {role}"], "can write to `{schema}.t`"),
        (["GRANT CREATE ON SCHEMA {schema} TO {role}"], "can create in `SCHEMA {schema}`"),
        (["GRANT CREATE ON DATABASE postgres TO {role}"], "can create in `DATABASE postgres`"),
        (["ALTER ROLE {role} SUPERUSER"], "`{role}`, which can do more than read"),
        (["ALTER ROLE {role} CREATEROLE"], "`{role}`, which can do more than read"),
        (["GRANT postgres TO {role}"], "may become, `postgres`"),
        (["ALTER ROLE {role} NOINHERIT", "GRANT pg_write_all_data TO {role}"],
         "may become, `pg_write_all_data`"),
    ],
)  # fmt: skip
def test_a_role_that_can_write_does_not_start(
    pg: Server, schema: str, grants: list[str], message: str
) -> None:
    role = pg.role()
    pg.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}", f"GRANT SELECT ON {schema}.t TO {role}")
    uri = pg.uri(schema, role)
    open_postgresql(uri, connections=1).close()
    names = {"schema": schema, "role": role}
    pg.run(*(grant.format(**names) for grant in grants))
    try:
        with pytest.raises(BadFederation) as caught:
            open_postgresql(uri, connections=1)
        assert message.format(**names) in str(caught.value)
        assert "`SELECT` alone" in caught.value.hint
    finally:
        pg.run(f"DROP SCHEMA {schema} CASCADE", f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_text_that_matches_more_than_it_holds_does_not_start(pg: Server) -> None:
    schema = pg.schema()
    pg.run(
        f"CREATE COLLATION {schema}.loose (provider = libc, locale = 'C')",
        # Only ICU has such collations, and the server of these tests is built without.
        "UPDATE pg_collation SET collisdeterministic = false WHERE collname = 'loose'",
        f"CREATE TABLE {schema}.r (name text COLLATE {schema}.loose)",
    )
    with pytest.raises(BadFederation, match=rf"`{schema}.r.name` has a collation") as caught:
        open_postgresql(pg.uri(schema), connections=1)
    assert "view" in caught.value.hint
    pg.run(
        f"REVOKE SELECT ON {schema}.r FROM reader",
        f'CREATE VIEW {schema}.v AS SELECT name COLLATE "C" AS name FROM {schema}.r',
    )
    open_postgresql(pg.uri(schema), connections=1).close()


def test_a_database_that_is_not_of_utf_8_does_not_start(pg: Server) -> None:
    pg.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with pytest.raises(BadFederation, match="not encoded in UTF-8"):
        open_postgresql(pg.uri("").replace("/postgres?", "/latin?"), connections=1)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("postgresql://reader:secretname@example.org/nsor", "holds a password"),
        ("postgresql://reader@example.org/nsor?password=secretname", "holds a password"),
        ("host=example.org password=secretname", "no connection URI"),
        ("mysql://secretname@example.org/nsor", "no connection URI"),
        ("postgresql://[secretname/nsor", "no connection URI"),
        ("postgresql://example.org/nsor\npostgresql://secretname/", "no connection URI"),
        ("", "no connection URI"),
        ("postgresql://secretname@/nsor?host=/nonexistent", "cannot be opened"),
        ("postgresql://reader@/nsor?secretname=1", "cannot be opened"),
    ],
)
def test_a_uri_that_is_not_taken_is_not_repeated(uri: str, message: str) -> None:
    with pytest.raises(BadFederation, match=message) as caught:
        open_postgresql(uri, connections=1)
    assert caught.value.__cause__ is None
    assert "secretname" not in str(caught.value)


def test_a_server_that_takes_too_few_connections_is_told_at_the_start(pg: Server) -> None:
    role = pg.role("CONNECTION LIMIT 2")
    with pytest.raises(BadFederation, match="as many connections"):
        open_postgresql(pg.uri("public", role), connections=3)


def test_without_the_driver_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['adbc_driver_postgresql'] = None\n"
        "from narrows.engines.postgresql import open_postgresql\n"
        "from narrows.errors import BadFederation\n"
        "try: open_postgresql('postgresql://reader@/nsor')\n"
        "except BadFederation as error: print(error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert b"narrows[postgresql]" in done.stdout
