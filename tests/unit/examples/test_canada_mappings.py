"""The worked federation's mappings: the catalog's columns, types, codes and keys, on any value."""

import shutil
import sqlite3
import unicodedata
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from narrows.core.catalog import Relation
from narrows.core.terms import HOLDER_COLUMN, ColumnType, RelationName
from narrows.folder.check import check_folder

if TYPE_CHECKING:
    from tests.unit.examples.conftest import Generated

NAMES = {
    ColumnType.TEXT: "VARCHAR",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.INTEGER: "INTEGER",
    ColumnType.DATE: "DATE",
    ColumnType.TIMESTAMP: "TIMESTAMP",
}
# What no clerk should have typed; one of each for every column of every local table.
STRANGE = {
    "DATE": ("'infinity'", "'-infinity'", "'20000-01-01'", "'0044-03-15 (BC)'", "NULL"),
    "TIMESTAMP": ("'infinity'", "'-infinity'", "'20000-01-01'", "'0044-03-15 (BC)'", "NULL"),
    "BOOLEAN": ("true", "false", "NULL", "NULL", "NULL"),
    "VARCHAR": ("''", "'<<,/31/02/0000'", "'99<<'", "'é-ßﬀ ×7'", "'Se\u0301lo'"),
    "UUID": ("gen_random_uuid()",) * 5,
}
# Numbers that the tables let in only as NFC, so that mappings leave them as they are stored.
CHECKED = ("no", "val", "passeport", "go_no", "ms_no", "no_dossier")


def test_the_folder_has_no_errors(canada: "Generated") -> None:
    assert [
        found for found in check_folder(canada.federation.folder) if found.severity == "error"
    ] == []


def test_each_column_of_a_duckdb_holder_is_of_the_catalogs_type(canada: "Generated") -> None:
    for holder, member in canada.federation.members.items():
        if member.node is None or member.node.engine == "sqlite":
            continue
        path = canada.data / member.node.database
        database = ":memory:" if member.node.engine == "parquet" else str(path)
        with duckdb.connect(database) as connection:
            for relation, sql in member.node.mapping.items():
                described = connection.execute(
                    f"DESCRIBE {sql.replace('{database}', str(path))}"
                ).fetchall()
                wanted = {
                    column.name: NAMES[column.type]
                    for column in canada.federation.catalog.relations[relation].columns
                    if column.name != HOLDER_COLUMN
                }
                assert {row[0]: row[1] for row in described} == wanted, (holder, relation)


def test_codes_are_those_of_the_catalog(canada: "Generated") -> None:
    wrong = {
        (holder, relation, column.name, row[column.name])
        for (holder, relation), rows in canada.held.items()
        for column in _relation(canada, relation).columns
        if column.codes
        for row in rows
        if row[column.name] is not None and row[column.name] not in column.codes
    }
    assert wrong == set()


def test_keys_are_unique_and_references_lead_somewhere(canada: "Generated") -> None:
    for (holder, name), rows in canada.held.items():
        relation = _relation(canada, name)
        keys = [tuple(row[column] for column in relation.key) for row in rows]
        if relation.key:
            assert len(set(keys)) == len(keys), (holder, name)
            assert all(None not in key for key in keys), (holder, name)
        for reference in relation.references:
            parents = canada.held.get((holder, reference.relation), [])
            target = _relation(canada, reference.relation).key
            there = {tuple(row[column] for column in target) for row in parents}
            here = {tuple(row[column] for column in reference.columns) for row in rows}
            lost = {key for key in here if None not in key} - there
            assert lost == set(), (holder, name, reference.relation)


def test_text_is_normalised(canada: "Generated") -> None:
    texts = {
        value
        for rows in canada.held.values()
        for row in rows
        for value in row.values()
        if isinstance(value, str)
    }
    assert {text for text in texts if not unicodedata.is_normalized("NFC", text)} == set()


def test_every_holder_has_each_trap_of_its_schema(canada: "Generated") -> None:
    def column(holder: str, relation: str, name: str) -> set[object]:
        return {row[name] for row in canada.held[holder, relation]}

    assert {"LIFE", "10", "20"} == column("nsor", "offender_registration", "duration_code")
    assert "CHN" in column("nsor", "person", "citizenship")
    assert {"Y", "M", "D"} <= column("fnp", "person", "birth_date_precision")
    assert "TRANSLIT" in column("fnp", "person_name", "name_type")
    assert "LÉVESQUE-CÔTÉ" in column("sq", "person", "surname")
    assert "LEVESQUE COTE" in column("cbsa", "border_crossing", "surname")
    assert {"ENTRY", "EXIT"} == column("cbsa", "border_crossing", "direction")
    assert {"WATCH", "GREEN", "FOREIGN_NOTICE"} >= column("cbsa", "alert", "alert_type")
    assert None in column("vpd", "vehicle", "model_year")
    births = {str(born)[:2] for born in column("cbsa", "border_crossing", "birth_date") if born}
    assert births == {"19", "20"}


@pytest.mark.parametrize("place", range(5))
def test_mappings_are_total_on_strange_values(
    canada: "Generated", tmp_path: Path, place: int
) -> None:
    data = tmp_path / "data"
    shutil.copytree(canada.data, data)
    for holder in ("nsor", "vpd", "sq"):
        with duckdb.connect(str(data / f"{holder}.duckdb")) as connection:
            for (table,) in connection.execute("SHOW TABLES").fetchall():
                _insert_strange(connection, table, place)
    for table in ("xing", "lookout"):
        with duckdb.connect(":memory:") as connection:
            files = data / "cbsa" / table
            connection.execute(
                f"CREATE TABLE {table} AS FROM read_parquet('{files}/*.parquet') LIMIT 0"
            )
            _insert_strange(connection, table, place)
            connection.execute(f"COPY {table} TO '{files}/strange.parquet' (FORMAT parquet)")
    for holder in ("osor", "fnp"):
        with closing(sqlite3.connect(data / f"{holder}.sqlite")) as base, base:
            _insert_strange_text(base, place)
    held = canada.read(data)
    more = {
        holder
        for key, rows in held.items()
        for holder in key[:1]
        if len(rows) > len(canada.held[key])
    }
    assert more >= {"nsor", "osor", "cbsa", "vpd", "sq"}


def test_text_that_no_clerk_normalised_is_normalised(canada: "Generated", tmp_path: Path) -> None:
    """Where the engine can: SQLite has no function for it."""
    data = tmp_path / "data"
    shutil.copytree(canada.data, data)
    for holder in ("nsor", "vpd", "sq"):
        with duckdb.connect(str(data / f"{holder}.duckdb")) as connection:
            for (table,) in connection.execute("SHOW TABLES").fetchall():
                _insert_strange(connection, table, 4)
    found = {
        (holder, relation, column)
        for (holder, relation), rows in canada.read(data).items()
        for row in rows
        for column, value in row.items()
        if isinstance(value, str) and not unicodedata.is_normalized("NFC", value)
    }
    assert found == set()


def _insert_strange(connection: duckdb.DuckDBPyConnection, table: str, place: int) -> None:
    columns = connection.execute(f"DESCRIBE {table}").fetchall()
    values = []
    for number, (name, kind, *_) in enumerate(columns):
        if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"):
            bits = {"TINYINT": 7, "SMALLINT": 15, "INTEGER": 31, "BIGINT": 63}[kind]
            values.append((str(2**bits - 1), str(-(2**bits)), "-1", "0", "111")[place])
        elif place == 4 and name in CHECKED:
            values.append("'ZZ-1'")
        elif number == 1 and table == "entity":
            values.append("'P'" if place in (1, 3, 4) else "'V'")
        else:
            values.append(STRANGE[kind][place])
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join(values)})")


def _insert_strange_text(base: sqlite3.Connection, place: int) -> None:
    tables = base.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = base.execute(f"PRAGMA table_info({table})").fetchall()
        values = [
            (-1 - place if kind == "INTEGER" else STRANGE["VARCHAR"][place].strip("'"))
            for _, _, kind, *_ in columns
        ]
        if table == "people":
            values[[column[1] for column in columns].index("ok_share")] = 1
        base.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


def _relation(canada: "Generated", name: str) -> Relation:
    return canada.federation.catalog.relations[RelationName(name)]
