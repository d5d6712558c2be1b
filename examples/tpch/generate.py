"""The databases of five offices, from the tables of TPC-H that `tpchgen-cli` makes.

    python generate.py --scale tiny --out STATE/data

`tiny` is the scale factor 0.01, `small` 0.1. The rows of TPC-H are fixed by its
specification: there is no chance in them, and a seed changes nothing. Prints rows and digest of
every table of every office.
"""

import argparse
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import duckdb

SCALES = {"tiny": "0.01", "small": "0.1"}
WEST = "(SELECT n_nationkey FROM nation WHERE n_regionkey IN (1, 3))"
HALF = "(SELECT max(o_orderkey) // 2 FROM orders)"
HELD: Mapping[str, Mapping[str, str]] = {
    "trade-west.duckdb": {
        "region": "TRUE",
        "nation": "TRUE",
        "supplier": f"s_nationkey IN {WEST}",
        "customer": f"c_nationkey IN {WEST}",
    },
    "trade-east.sqlite": {
        "region": "TRUE",
        "nation": "TRUE",
        "supplier": f"s_nationkey NOT IN {WEST}",
        "customer": f"c_nationkey NOT IN {WEST}",
    },
    "orders-low.duckdb": {
        "orders": f"o_orderkey <= {HALF}",
        "lineitem": f"l_orderkey <= {HALF}",
    },
    "orders-high": {
        "orders": f"o_orderkey > {HALF}",
        "lineitem": f"l_orderkey > {HALF}",
    },
    "part-register.duckdb": {"part": "TRUE", "partsupp": "TRUE"},
}
"""What each office holds of each table. Nations and regions are few: both trade offices have all."""
TABLES = tuple(dict.fromkeys(table for tables in HELD.values() for table in tables))


def main() -> int:
    """The exit code of the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=sorted(SCALES), default="tiny")
    parser.add_argument("--seed", type=int, help="taken as every generator takes it; not used")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--truth", type=Path, help="taken as every generator takes it; not used")
    asked = parser.parse_args()
    program = find_program()
    if program is None:
        print("tpchgen-cli is not installed: pip install tpchgen-cli", file=sys.stderr)
        return 1
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=asked.out) as folder, duckdb.connect() as database:
        make_tables(program, SCALES[asked.scale], Path(folder))
        for table in TABLES:
            database.execute(f"CREATE VIEW {table} AS FROM '{folder}/{table}.parquet'")
        for name, tables in HELD.items():
            write(database, asked.out / name, tables)
            for table, condition in tables.items():
                print(f"{Path(name).stem}.{table}", *digest(database, table, condition))
    return 0


def find_program() -> str | None:
    """Where `tpchgen-cli` is: beside this interpreter, as pip puts it, or on the path."""
    beside = Path(sys.executable).with_name("tpchgen-cli")
    return str(beside) if beside.exists() else shutil.which("tpchgen-cli")


def make_tables(program: str, factor: str, folder: Path) -> None:
    """Nothing, when the folder has a Parquet file for each table."""
    words = [program, "parquet", "-s", factor, "-o", str(folder), "--quiet"]
    subprocess.run(words, check=True)


def write(database: duckdb.DuckDBPyConnection, path: Path, tables: Mapping[str, str]) -> None:
    """Nothing, when that office's database is there, and has these rows."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    match path.suffix:
        case ".duckdb":
            write_duckdb(database, path, tables)
        case ".sqlite":
            write_sqlite(database, path, tables)
        case _:
            write_parquet(database, path, tables)


def write_duckdb(
    database: duckdb.DuckDBPyConnection, path: Path, tables: Mapping[str, str]
) -> None:
    """A DuckDB file with the types of TPC-H."""
    database.execute(f"ATTACH '{path}' AS held")
    for table, condition in tables.items():
        database.execute(f"CREATE TABLE held.{table} AS FROM {table} WHERE {condition} ORDER BY 1")
    database.execute("DETACH held")


def write_parquet(
    database: duckdb.DuckDBPyConnection, path: Path, tables: Mapping[str, str]
) -> None:
    """A folder with a Parquet file for each table."""
    path.mkdir()
    for table, condition in tables.items():
        rows = f"FROM {table} WHERE {condition} ORDER BY 1"
        database.execute(f"COPY ({rows}) TO '{path}/{table}.parquet'")


def write_sqlite(
    database: duckdb.DuckDBPyConnection, path: Path, tables: Mapping[str, str]
) -> None:
    """A SQLite file, in which amounts are doubles and days are texts."""
    with sqlite3.connect(path) as held:
        for table, condition in tables.items():
            found = database.execute(f"FROM {table} WHERE {condition} ORDER BY 1")
            columns = [column[0] for column in found.description or ()]
            held.execute(f"CREATE TABLE {table}({', '.join(columns)})")
            marks = ", ".join("?" for _ in columns)
            while rows := found.fetchmany(10_000):
                kept = [tuple(map(keep_in_sqlite, row)) for row in rows]
                held.executemany(f"INSERT INTO {table} VALUES ({marks})", kept)
    held.close()


def keep_in_sqlite(value: object) -> object:
    """The value as SQLite keeps it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value


def digest(database: duckdb.DuckDBPyConnection, table: str, condition: str) -> tuple[int, str]:
    """The number of rows and SHA-256 over them, sorted."""
    found = database.execute(
        f"SELECT count(*), string_agg(line, chr(10) ORDER BY line) "
        f"FROM (SELECT CAST(t AS VARCHAR) AS line FROM {table} AS t WHERE {condition})"
    ).fetchall()
    row_count, lines = found[0]
    return row_count, sha256((lines or "").encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
