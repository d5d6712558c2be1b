"""The three libraries: the same for a seed, and each relation read as the catalog has it."""

import asyncio
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

from narrows.core.terms import RelationName
from narrows.folder.check import check_folder
from narrows.folder.load import Federation, load_folder
from tests.unit.examples.conftest import Held, read_all

LIBRARY = Path(__file__).parents[3] / "examples" / "library"


def generate(data: Path, *, hash_seed: str, seed: str = "7") -> str:
    command: list[str | Path] = [sys.executable, LIBRARY / "generate.py", "--scale", "tiny"]
    command += ["--seed", seed, "--out", data, "--truth", data.parent / "truth"]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "TZ": f"UTC+{hash_seed}"}
    found = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return found.stdout


@pytest.fixture(scope="module")
def federation() -> Federation:
    return load_folder(LIBRARY)


@pytest.fixture(scope="module")
def held(federation: Federation, tmp_path_factory: pytest.TempPathFactory) -> Held:
    data = tmp_path_factory.mktemp("library") / "data"
    generate(data, hash_seed="1")
    # The engines refuse a value that is not of its column's type.
    return asyncio.run(read_all(federation, data))


def test_the_same_seed_gives_the_same_rows_in_any_process(tmp_path: Path) -> None:
    one = generate(tmp_path / "one" / "data", hash_seed="1")
    assert one == generate(tmp_path / "two" / "data", hash_seed="2")
    other = generate(tmp_path / "three" / "data", hash_seed="1", seed="8")
    assert set(one.splitlines()) & set(other.splitlines()) == set()


def test_the_folder_has_no_errors() -> None:
    assert [found for found in check_folder(LIBRARY) if found.severity == "error"] == []


def test_rows_are_canonical_and_keyed(federation: Federation, held: Held) -> None:
    assert len(held) == 6
    for (holder, name), rows in held.items():
        relation = federation.catalog.relations[RelationName(name)]
        assert rows, (holder, name)
        for column in relation.columns[1:]:
            values = {row[column.name] for row in rows if row[column.name] is not None}
            assert values, (holder, name, column.name)
            assert not column.codes or values <= set(column.codes), (holder, name, column.name)
            texts = [value for value in values if isinstance(value, str)]
            assert all(unicodedata.is_normalized("NFC", text) for text in texts)
        keys = [tuple(row[key] for key in relation.key) for row in rows]
        assert len(set(keys)) == len(keys)
        for reference in relation.references:
            parents = federation.catalog.relations[reference.relation].key
            there = {tuple(row[key] for key in parents) for row in held[holder, reference.relation]}
            here = {tuple(row[column] for column in reference.columns) for row in rows}
            assert {key for key in here if None not in key} <= there


def test_the_two_readers_of_the_page_are_everywhere(held: Held) -> None:
    for holder in ("harbour", "hilltop", "riverside"):
        cards = {row["card_number"]: row for row in held[holder, "patron"]}
        assert cards["ZZ1001"]["opted_out"] is False
        assert cards["ZZ1002"]["opted_out"] is True
        assert "ZZ9999" not in cards
