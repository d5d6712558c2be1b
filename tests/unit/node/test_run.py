"""What a node checks before it serves: its policy goes forward, its database fits the catalog."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from narrows.core.terms import ColumnType, MemberName, RelationName
from narrows.engines.protocol import Engine, Statement
from narrows.errors import BadFederation
from narrows.folder.load import Federation, Member, Node
from narrows.node.run import (
    _check_mapping,
    _Database,
    _described,
    mapping_for,
    open_engine,
)
from narrows.node.settings import NodeSettings
from tests.postgresql import Server
from tests.unit.serving.world import (
    CATALOG,
    NSOR,
    PERSON,
    policy_of,
    policy_text,
)

SELECT = "SELECT id AS person_id, document, surname, postal_code FROM persons"
CAST = SELECT.replace("id AS", "CAST(id AS text) AS")
MAPPING = {PERSON.name: SELECT}


def described(**changes: object) -> Node:
    found = Node(
        engine="sqlite",
        database="nsor.sqlite",
        mapping=MAPPING,
        lines={PERSON.name: 4},
        policy=policy_of(NSOR, 3),
        policy_text=policy_text(NSOR, 3).decode(),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def settings(home: Path, member: str = NSOR) -> NodeSettings:
    return NodeSettings(
        federation=home,
        home=home,
        directory=home / "directory.json",
        root_key="ab" * 32,
        listen="127.0.0.1:0",
        member=member,
        database=home / "nsor.sqlite",
    )


def federation(folder: Path, node: Node | None) -> Federation:
    name = MemberName(NSOR)
    member = Member(name, "Registry", "federal", "CAN", node)
    return Federation(
        "canada", "Canada", "UTC", {}, {}, frozenset(), CATALOG, {name: member}, None, folder
    )


def test_only_a_member_with_a_node_serves_one(tmp_path: Path) -> None:
    node = described()
    assert _described(federation(tmp_path, node), settings(tmp_path)) is node
    for found, member in ((federation(tmp_path, None), NSOR), (federation(tmp_path, node), "vpd")):
        with pytest.raises(BadFederation, match=f"no member `{member}` with a node"):
            _described(found, settings(tmp_path, member))


def test_a_mapping_names_the_folder_of_its_files(tmp_path: Path) -> None:
    select = "SELECT * FROM read_parquet('{database}/person.parquet')"
    folder = tmp_path / "o'hara"
    found = mapping_for(described(mapping={PERSON.name: select}), folder)
    assert found[PERSON.name].endswith("/o''hara/person.parquet')")
    assert mapping_for(described(), folder) == MAPPING


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "nsor.sqlite"
    with sqlite3.connect(path) as opened:
        opened.execute("CREATE TABLE persons (id, document, surname, postal_code)")
        opened.execute("INSERT INTO persons VALUES ('9', 'ZZ1', 'Roy', 'H2X0A9')")
    opened.close()
    return path


async def _count(engine: Engine, sql: str) -> object:
    try:
        found = await engine.run([Statement(sql, (), (("n", ColumnType.BIGINT),))], 5)
    finally:
        engine.close()
    return found.rows[0][0][0]


async def test_each_engine_opens_its_own_kind(tmp_path: Path, database: Path) -> None:
    other = tmp_path / "nsor.duckdb"
    with duckdb.connect(other) as opened:
        opened.execute("CREATE TABLE persons AS SELECT 1 AS id UNION ALL SELECT 2")
        opened.execute(f"COPY persons TO '{tmp_path}/persons.parquet'")
    count = "SELECT count(*) AS n FROM persons"
    assert await _count(open_engine("sqlite", database, connections=1), count) == 1
    assert await _count(open_engine("duckdb", other, connections=1), count) == 2
    parquet = f"SELECT count(*) AS n FROM read_parquet('{tmp_path}/persons.parquet')"
    assert await _count(open_engine("parquet", tmp_path, connections=1), parquet) == 2


@pytest.mark.parametrize("name", ["sqlite", "duckdb", "parquet", "postgresql"])
def test_a_missing_database_is_told_and_not_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadFederation, match="narrows generate") as caught:
        open_engine(name, tmp_path / "none", connections=1)
    assert caught.value.file == str(tmp_path / "none")
    assert not (tmp_path / "none").exists()


async def test_postgresql_is_opened_by_the_uri_in_a_file(pg: Server, tmp_path: Path) -> None:
    schema = pg.schema()
    pg.run(f"CREATE TABLE {schema}.persons AS SELECT 1 AS id UNION ALL SELECT 2")
    file = tmp_path / "nsor.uri"
    file.write_text(f"{pg.uri(schema)}\n")
    engine = open_engine("postgresql", file, connections=1)
    assert await _count(engine, "SELECT count(*) AS n FROM persons") == 2
    for content in (b"", b"\xff", b"SQLite format 3\x00"):
        file.write_bytes(content)
        with pytest.raises(BadFederation, match="connection URI"):
            open_engine("postgresql", file, connections=1)


async def test_a_type_that_does_not_fit_is_told_with_its_cure(pg: Server, tmp_path: Path) -> None:
    schema = pg.schema()
    pg.run(f"CREATE TABLE {schema}.persons (id int, document text, surname text, postal_code text)")
    file = tmp_path / "nsor.uri"
    file.write_text(pg.uri(schema))
    for select, message in ((SELECT, "`person_id` as `int4`, which is no `text`"), (CAST, "")):
        engine = open_engine("postgresql", file, connections=1)
        checked = _check_mapping(
            "nsor", described(), _Database(engine, {PERSON.name: select}), CATALOG
        )
        try:
            if not message:
                await checked
                continue
            with pytest.raises(BadFederation, match=message) as caught:
                await checked
            assert "CAST(... AS text)" in caught.value.hint
        finally:
            engine.close()


async def _check(database: Path, mapping: dict[RelationName, str]) -> None:
    engine = open_engine("sqlite", database, connections=1)
    try:
        await _check_mapping("nsor", described(), _Database(engine, mapping), CATALOG)
    finally:
        engine.close()


async def test_a_mapping_that_gives_every_column_is_taken(database: Path) -> None:
    await _check(database, MAPPING)


@pytest.mark.parametrize(
    "select",
    [
        "SELECT id AS person_id, document, surname FROM persons",
        SELECT.replace("persons", "nosuch"),
        "SELECT surname FROM",
    ],
)
async def test_a_mapping_that_does_not_fit_is_told_with_its_line(
    database: Path, select: str
) -> None:
    with pytest.raises(BadFederation, match="mapping of `person`") as caught:
        await _check(database, {PERSON.name: select})
    assert (caught.value.file, caught.value.line) == ("members/nsor/mapping.yaml", 4)
