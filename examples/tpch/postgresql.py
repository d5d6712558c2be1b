"""Moves the tables of `orders-low` into a PostgreSQL database, which its node then reads.

    python postgresql.py --data STATE/data --owner URI --reader URI

`--owner` may make tables where `--reader` looks for them and may only read; `README.md` says how to
go on. What is written to `STATE/data/orders-low.uri` is the reader's URI.
"""

import argparse
from pathlib import Path

import duckdb
from adbc_driver_postgresql import dbapi

AMOUNTS = {
    "orders": ("o_totalprice",),
    "lineitem": ("l_quantity", "l_extendedprice", "l_discount", "l_tax"),
}
"""The tables, and which of their columns are decimals."""


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--owner", required=True)
    parser.add_argument("--reader", required=True)
    asked = parser.parse_args()
    move(asked.data, asked.owner, asked.reader)


def move(data: Path, owner: str, reader: str) -> None:
    """Nothing, when the tables are there with the types of TPC-H, and the URI is written."""
    with (
        duckdb.connect(str(data / "orders-low.duckdb"), read_only=True) as source,
        dbapi.connect(owner) as target,
    ):
        with target.cursor() as cursor:
            for table, amounts in AMOUNTS.items():
                cursor.adbc_ingest(table, source.sql(f"FROM {table}").to_arrow_table())
                # A `numeric` may be NaN, of which no whole number can be made.
                for column in amounts:
                    cursor.execute(f"ALTER TABLE {table} ADD CHECK ({column} < 'NaN')")
        target.commit()
    (data / "orders-low.uri").write_text(reader + "\n")


if __name__ == "__main__":
    main()
