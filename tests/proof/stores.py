"""Databases on every engine, kept open and filled anew for each pair: opening costs the most."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

import duckdb
import pyarrow as pa

from narrows.core.catalog import Catalog, Relation
from narrows.core.terms import ColumnType, RelationName
from narrows.engines.arrow import schema_of
from narrows.engines.duckdb import DuckDBEngine
from narrows.engines.merge_run import fresh_connection
from narrows.engines.postgresql import open_postgresql, postgresql_dialect
from narrows.engines.protocol import Engine
from narrows.engines.sqlite import _stored, open_sqlite
from tests.postgresql import Server
from tests.proof.values import literal
from tests.proof.views import Tables

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
T = TypeVar("T")


class Store(Protocol):
    """One holder's database."""

    engine: Engine

    def fill(self, tables: Tables, catalog: Catalog) -> None:
        """Nothing; the database holds these tables and no others that a mapping names."""


class DuckDBStore:
    """In memory."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(":memory:", config={"threads": 1})
        self._filling = self._connection.cursor()
        self.engine: Engine = DuckDBEngine(self._connection, 1, lambda: NOON)

    def fill(self, tables: Tables, catalog: Catalog) -> None:
        """As `Store.fill`."""
        for name, rows in tables.items():
            columns = catalog.relations[name].columns[1:]
            schema = schema_of([(one.name, one.type) for one in columns])
            self._filling.register("incoming", pa.Table.from_pylist([*rows], schema=schema))
            self._filling.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM incoming")


class SQLiteStore:
    """In a file, whose texts compare without case unless they are told otherwise."""

    def __init__(self, file: Path) -> None:
        self._filling = sqlite3.connect(file, isolation_level=None)
        self._filling.execute("PRAGMA journal_mode = OFF")
        self._filling.execute("PRAGMA synchronous = OFF")
        self.engine: Engine = open_sqlite(file, connections=1, clock=lambda: NOON)

    def fill(self, tables: Tables, catalog: Catalog) -> None:
        """As `Store.fill`."""
        self._filling.execute("BEGIN")
        for name, rows in tables.items():
            columns = catalog.relations[name].columns[1:]
            definition = ", ".join(
                f"{one.name}{' TEXT COLLATE NOCASE' * (one.type is ColumnType.TEXT)}"
                for one in columns
            )
            self._filling.execute(f"DROP TABLE IF EXISTS {name}")
            self._filling.execute(f"CREATE TABLE {name} ({definition})")
            places = ", ".join("?" * len(columns))
            values = [[_stored(row[one.name]) for one in columns] for row in rows]
            self._filling.executemany(f"INSERT INTO {name} VALUES ({places})", values)
        self._filling.execute("COMMIT")


class PostgreSQLStore:
    """In a schema of its own."""

    def __init__(self, server: Server) -> None:
        self._server, self._schema = server, server.schema()
        self.engine: Engine = open_postgresql(
            server.uri(self._schema), connections=1, clock=lambda: NOON
        )

    def fill(self, tables: Tables, catalog: Catalog) -> None:
        """As `Store.fill`."""
        type_name = postgresql_dialect().type_name
        statements: list[str] = []
        for name, rows in tables.items():
            place, columns = f"{self._schema}.{name}", catalog.relations[name].columns[1:]
            definition = ", ".join(f"{one.name} {type_name(one.type)}" for one in columns)
            statements += [f"DROP TABLE IF EXISTS {place}", f"CREATE TABLE {place} ({definition})"]
            listed = [", ".join(literal(row[one.name]) for one in columns) for row in rows]
            if listed:
                values = ", ".join(f"({one})" for one in listed)
                statements.append(f"INSERT INTO {place} VALUES {values}")
        self._server.run("BEGIN", *statements, "COMMIT")


class Stores:
    """Every store that was ever asked for, by engine and place; and one loop, one merge database."""

    def __init__(self, folder: Path, server: Callable[[], Server]) -> None:
        self._folder, self._server = folder, server
        self._open: dict[tuple[str, str], Store] = {}
        self._runner = asyncio.Runner()
        self.merges = fresh_connection()

    def at(self, engine: str, place: str) -> Store:
        """The store of that engine at that place."""
        key = (engine, place)
        if key not in self._open:
            self._open[key] = self._made(engine, place)
        return self._open[key]

    def run(self, work: Coroutine[object, object, T]) -> T:
        """What the work comes to."""
        return self._runner.run(work)

    def close(self) -> None:
        """Nothing; all is closed."""
        for store in self._open.values():
            store.engine.close()
        self._runner.close()
        self.merges.close()

    def _made(self, engine: str, place: str) -> Store:
        match engine:
            case "duckdb":
                return DuckDBStore()
            case "sqlite":
                return SQLiteStore(self._folder / f"{place}.sqlite")
        return PostgreSQLStore(self._server())


def mapping_of(catalog: Catalog, tables: Tables) -> Mapping[RelationName, str]:
    """The SELECT of each relation that is held."""
    return {name: _select(catalog.relations[name]) for name in tables}


def _select(relation: Relation) -> str:
    return f"SELECT {', '.join(one.name for one in relation.columns[1:])} FROM {relation.name}"
