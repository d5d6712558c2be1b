"""One digest for each relation of each holder, as its mapping gives it.

SHA-256 over the rows of the relation, each as JSON with its columns in the order of their names,
sorted, one a line. The same seed gives the same digests on every machine.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import duckdb
from ruamel.yaml import YAML


def relation_digests(member: Path, data: Path) -> Iterator[tuple[str, int, str]]:
    """Name, number of rows and digest of each relation that the member's mapping gives."""
    yaml = YAML(typ="safe", pure=True)
    node = yaml.load((member / "member.yaml").read_text(encoding="utf-8"))["node"]
    mapping = yaml.load((member / "mapping.yaml").read_text(encoding="utf-8"))["relations"]
    database = data / node["database"]
    with closing(_open(node["engine"], database)) as connection:
        for name, sql in mapping.items():
            found = connection.execute(sql.replace("{database}", str(database)))
            names = [column[0] for column in found.description or ()]
            lines = sorted(_line(names, row) for row in found.fetchall())
            yield name, len(lines), sha256("\n".join(lines).encode()).hexdigest()


def _open(engine: str, database: Path) -> duckdb.DuckDBPyConnection | sqlite3.Connection:
    if engine == "sqlite":
        return sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
    if engine == "parquet":
        return duckdb.connect(":memory:")
    return duckdb.connect(str(database), read_only=True)


def _line(names: list[str], row: tuple[object, ...]) -> str:
    values = {
        name: None if value is None else str(value) for name, value in zip(names, row, strict=True)
    }
    return json.dumps(values, sort_keys=True, ensure_ascii=False)
