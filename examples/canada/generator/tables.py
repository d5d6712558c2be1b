"""Local tables on their way into a holder's database, and the truth beside it."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias

import duckdb
import pyarrow as pa

Value: TypeAlias = str | int | bool | date | datetime | None
Row: TypeAlias = tuple[Value, ...]


@dataclass(slots=True)
class Holding:
    """One holder's local tables: `ddl` makes them, `rows` fill them, `truth` ties keys to people."""

    holder: str
    ddl: str
    rows: dict[str, list[Row]] = field(default_factory=dict)
    truth: list[tuple[str, int]] = field(default_factory=list)

    def add(self, table: str, *row: Value) -> None:
        """Nothing; the row is one of the table's."""
        self.rows.setdefault(table, []).append(row)


def write_duckdb(holding: Holding, path: Path) -> None:
    """Nothing; the file at the path is the holder's DuckDB database."""
    path.unlink(missing_ok=True)
    with closing(duckdb.connect(str(path))) as connection:
        _fill(connection, holding)


def write_parquet(holding: Holding, folder: Path, months: Mapping[str, str]) -> None:
    """Nothing; each table is Parquet files in its own folder, those in `months` one a month.

    `months` gives the SQL that tells a row's month, as `2025-05`.
    """
    with closing(duckdb.connect(":memory:")) as connection:
        _fill(connection, holding)
        for table in holding.rows:
            target = folder / table
            target.mkdir(parents=True, exist_ok=True)
            for old in target.glob("*.parquet"):
                old.unlink()
            for name, where in _parts(connection, table, months.get(table)):
                connection.execute(
                    f"COPY (SELECT * FROM {table} WHERE {where} ORDER BY ALL) "
                    f"TO '{target / name}.parquet' (FORMAT parquet)"
                )


def write_sqlite(holding: Holding, path: Path) -> None:
    """Nothing; the file at the path is the holder's SQLite database."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(holding.ddl)
        for table, rows in holding.rows.items():
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def write_truth(holdings: Sequence[Holding], folder: Path) -> int:
    """The number of rows of `truth.parquet`: whose row each holder's key is."""
    rows = [
        (one.holder, person_id, number)
        for one in holdings
        for person_id, number in sorted(one.truth)
    ]
    with closing(duckdb.connect(":memory:")) as connection:
        _insert(
            connection,
            "truth",
            rows,
            ddl="CREATE TABLE truth(holder TEXT, person_id TEXT, true_id INTEGER)",
        )
        connection.execute(f"COPY truth TO '{folder / 'truth.parquet'}' (FORMAT parquet)")
    return len(rows)


def _fill(connection: duckdb.DuckDBPyConnection, holding: Holding) -> None:
    connection.execute(holding.ddl)
    for table, rows in holding.rows.items():
        _insert(connection, table, rows)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row], ddl: str = ""
) -> None:
    if ddl:
        connection.execute(ddl)
    columns = {f"c{n}": list(values) for n, values in enumerate(zip(*rows, strict=True))}
    connection.register("incoming", pa.table(columns))
    connection.execute(f"INSERT INTO {table} SELECT * FROM incoming")
    connection.unregister("incoming")


def _parts(
    connection: duckdb.DuckDBPyConnection, table: str, month: str | None
) -> Iterator[tuple[str, str]]:
    if month is None:
        yield table, "true"
        return
    found = connection.execute(f"SELECT DISTINCT {month} FROM {table} ORDER BY 1").fetchall()
    for (name,) in found:
        yield name, f"{month} = '{name}'"
