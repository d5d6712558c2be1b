"""The worked federation, generated once a session and read through its mappings."""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from narrows.core.terms import HOLDER_COLUMN, MemberName, RelationName, Scalar
from narrows.engines.duckdb import open_duckdb
from narrows.engines.protocol import Engine, Statement
from narrows.engines.sqlite import open_sqlite
from narrows.folder.load import Federation, Node, load_folder

CANADA = Path(__file__).parents[3] / "examples" / "canada"

Row: TypeAlias = dict[str, Scalar]
Held: TypeAlias = dict[tuple[str, str], list[Row]]


@dataclass(frozen=True, slots=True)
class Generated:
    """The federation, where its databases are, what the generator printed, and every row."""

    federation: Federation
    data: Path
    truth: Path
    printed: str
    held: Held

    def rows(self, relation: str, *holders: str) -> list[tuple[str, Row]]:
        """The rows of a relation at those holders, or at all."""
        return [
            (holder, row)
            for (holder, name), rows in self.held.items()
            if name == relation and (not holders or holder in holders)
            for row in rows
        ]

    def again(self, folder: Path, *, seed: str = "7") -> str:
        """What the generator prints in another process, with another order of hashes."""
        return generate(folder / "data", folder / "truth", hash_seed="2", seed=seed)

    def read(self, data: Path) -> Held:
        """Every relation of every holder over other databases."""
        return asyncio.run(read_all(self.federation, data))


@pytest.fixture(scope="session")
def canada(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    folder = tmp_path_factory.mktemp("canada")
    data, truth = folder / "data", folder / "truth"
    printed = generate(data, truth, hash_seed="1")
    federation = load_folder(CANADA)
    return Generated(federation, data, truth, printed, asyncio.run(read_all(federation, data)))


def generate(data: Path, truth: Path, *, hash_seed: str, seed: str = "7") -> str:
    command: list[str | Path] = [sys.executable, CANADA / "generate.py", "--scale", "tiny"]
    command += ["--seed", seed, "--out", data, "--truth", truth]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "TZ": f"UTC+{hash_seed}"}
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    assert found.stderr == ""
    return found.stdout


async def read_all(federation: Federation, data: Path) -> Held:
    """Every relation of every holder, through the engines: they check every type."""
    found: Held = {}
    for name, member in federation.members.items():
        if member.node is None:
            continue
        engine = open_engine(member.node, data)
        try:
            for relation in member.node.mapping:
                statement = statement_of(federation, name, relation, data)
                (rows,) = (await engine.run([statement], 30)).rows
                columns = [column for column, _ in statement.columns]
                found[name, relation] = [dict(zip(columns, row, strict=True)) for row in rows]
        finally:
            engine.close()
    return found


def open_engine(node: Node, data: Path) -> Engine:
    path = data / node.database
    if node.engine == "sqlite":
        return open_sqlite(path)
    return open_duckdb(path, parquet=node.engine == "parquet")


def statement_of(
    federation: Federation, name: MemberName, relation: RelationName, data: Path
) -> Statement:
    """All of one relation, its columns by name as the catalog has them."""
    node = federation.members[name].node
    assert node is not None
    columns = [
        column
        for column in federation.catalog.relations[relation].columns
        if column.name != HOLDER_COLUMN
    ]
    names = ", ".join(f'"{column.name}"' for column in columns)
    select = node.mapping[relation].replace("{database}", str(data / node.database))
    return Statement(
        f"SELECT {names} FROM ({select})",
        (),
        tuple((column.name, column.type) for column in columns),
    )
