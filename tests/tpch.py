"""TPC-H for tests: its rows at five offices, the union of those, one plain copy, and 22 queries.

`NARROWS_TPCH_SCALE` is the scale of the rows: `tiny` unless it says `small`.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from narrows.core.catalog import Catalog, Relation
from narrows.core.terms import HOLDER_COLUMN, ColumnType
from narrows.engines.arrow import schema_of
from narrows.engines.protocol import Statement
from narrows.folder.load import Federation
from narrows.node.run import mapping_for, open_engine

FOLDER = Path(__file__).parents[1] / "examples" / "tpch"
QUERIES = {path.stem: path.read_text() for path in sorted((FOLDER / "queries").glob("*.sql"))}
SCALE = os.environ.get("NARROWS_TPCH_SCALE", "tiny")
AT_TINY = {
    "q08": ("'BRAZIL'", "'ROMANIA'"),
    "q16": ("%Customer%Complaints%", "%special%"),
    "q17": ("'MED BOX'", "'WRAP PACK'"),
}
"""Where so few rows give nothing for the values of TPC-H: another value in their place."""
READ_S = 60
_TYPES = {
    "VARCHAR": ColumnType.TEXT,
    "INTEGER": ColumnType.INTEGER,
    "BIGINT": ColumnType.BIGINT,
    "HUGEINT": ColumnType.BIGINT,
    "DOUBLE": ColumnType.DOUBLE,
    "DATE": ColumnType.DATE,
}


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a query: names and types of its columns, and its rows in order."""

    columns: tuple[tuple[str, ColumnType], ...]
    rows: Sequence[tuple[object, ...]]

    @property
    def is_telling(self) -> bool:
        """Whether there is anything in it: an answer of nothing proves nothing."""
        return any(value not in (None, 0) for row in self.rows for value in row)

    def sorted_by(self, sql: str) -> list[tuple[object, ...]]:
        """The values by which the query orders its rows, row by row."""
        *_, order = re.findall(r"ORDER BY ([\w, ]+)", sql) or [""]
        names = [name for name, _ in self.columns]
        places = [names.index(key.split()[0]) for key in order.split(",") if key]
        return [tuple(row[place] for place in places) for row in self.rows]


def telling(name: str) -> str:
    """The query, with values to which rows of this scale have something to say."""
    sql = QUERIES[name]
    if SCALE != "tiny" or name not in AT_TINY:
        return sql
    old, new = AT_TINY[name]
    assert old in sql
    return sql.replace(old, new)


def check_same(sql: str, found: Result, expected: Result) -> None:
    """Nothing; names, types, rows and their order are the same, up to ties."""
    assert found.columns == expected.columns
    assert sorted(map(repr, found.rows)) == sorted(map(repr, expected.rows))
    assert found.sorted_by(sql) == expected.sorted_by(sql)


def generate(data: Path) -> str:
    """What the generator printed when the offices' databases were there."""
    command: list[str | Path] = [
        sys.executable, FOLDER / "generate.py", "--scale", SCALE, "--out", data
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def unite(federation: Federation, data: Path) -> duckdb.DuckDBPyConnection:
    """One database with the union of what all hold, read through their mappings and engines."""
    found: dict[str, list[pa.Table]] = {}
    for name, member in federation.members.items():
        if member.node is None:
            continue
        path = data / member.node.database
        engine = open_engine(member.node.engine, path, connections=1)
        try:
            for relation, select in mapping_for(member.node, path).items():
                statement = _all_of(federation.catalog.relations[relation], select)
                (rows,) = (await engine.run([statement], READ_S)).rows
                held = ((name, *row) for row in rows)
                columns = ((HOLDER_COLUMN, ColumnType.TEXT), *statement.columns)
                found.setdefault(relation, []).append(_table(held, columns))
        finally:
            engine.close()
    database = duckdb.connect()
    for table, parts in found.items():
        database.register("held", pa.concat_tables(parts))
        database.execute(f"CREATE TABLE {table} AS FROM held")
    return database


def copy_once(folder: Path, catalog: Catalog) -> duckdb.DuckDBPyConnection:
    """One database with the tables of TPC-H as `tpchgen-cli` makes them, and one holder of all.

    Nations and regions are there once, and a condition on holders says nothing.
    """
    program = str(Path(sys.executable).with_name("tpchgen-cli"))
    program = program if Path(program).exists() else "tpchgen-cli"
    factor = {"tiny": "0.01", "small": "0.1"}[SCALE]
    subprocess.run([program, "parquet", "-s", factor, "-o", str(folder), "--quiet"], check=True)
    database = duckdb.connect()
    for name, relation in catalog.relations.items():
        columns = ", ".join(
            f"CAST({_in_whole(column.name)} AS {_spell(column.type)}) AS {column.name}"
            for column in relation.columns[1:]
        )
        source = f"{folder}/{name}.parquet"
        database.execute(
            f"CREATE TABLE {name} AS SELECT 'one' AS holder, {columns} FROM '{source}'"
        )
    return database


def ask_one(database: duckdb.DuckDBPyConnection, sql: str) -> Result:
    """What one database answers."""
    found = database.sql(sql)
    kinds = (_TYPES[str(kind)] for kind in found.types)
    return Result(tuple(zip(found.columns, kinds, strict=True)), found.fetchall())


def _all_of(relation: Relation, select: str) -> Statement:
    columns = tuple((column.name, column.type) for column in relation.columns[1:])
    names = ", ".join(name for name, _ in columns)
    return Statement(f"SELECT {names} FROM ({select}) AS mapped", (), columns)


def _table(
    rows: Iterable[tuple[object, ...]], columns: Sequence[tuple[str, ColumnType]]
) -> pa.Table:
    return pa.table(list(zip(*rows, strict=True)), schema=schema_of(columns))


def _in_whole(column: str) -> str:
    """Amounts in cents and percents; the only decimals that are neither are quantities."""
    amounts = ("acctbal", "price", "supplycost", "discount", "tax")
    return f"{column} * 100" if column.endswith(amounts) else column


def _spell(kind: ColumnType) -> str:
    return "VARCHAR" if kind is ColumnType.TEXT else kind.value
