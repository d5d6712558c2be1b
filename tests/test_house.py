"""The rules of the house that no linter knows."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for path in (ROOT / "src").rglob("*.py") if "v1" not in path.relative_to(ROOT).parts
)
LOCKS = ("runtime.txt", "dev.txt")


def _pins(lock: str) -> dict[str, str]:
    """The version that a lock pins for each distribution, by canonical name."""
    text = (ROOT / "requirements" / lock).read_text()
    lines = [line.split(" ")[0] for line in text.splitlines() if line[:1].isalnum()]
    return {
        canonicalize_name(name): version for name, _, version in (x.partition("==") for x in lines)
    }


def _wanted(lock: str) -> list[Requirement]:
    """What `pyproject.toml` asks of a lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra: list[str] = project["optional-dependencies"]["dev"] if lock == "dev.txt" else []
    return [Requirement(text) for text in [*project["dependencies"], *extra]]


def test_no_source_is_longer_than_400_lines() -> None:
    others = [
        path for name in ("tests", "examples", "bench") for path in (ROOT / name).rglob("*.py")
    ]
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in [*SOURCES, *others]
    }
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def _texts_of_code(path: Path) -> set[str]:
    """The texts in a file's code, without its docstrings."""
    tree = ast.parse(path.read_text())
    lone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in lone
    }


def test_the_product_knows_none_of_its_examples() -> None:
    members = {path.name for path in (ROOT / "examples").glob("*/members/*")} - {"auditor"}
    relations = {"person", "identifier", "offender_registration", "patron", "loan", "investigation"}
    names = members | relations | {"canada", "library", "PASSPORT", "tpch", "lineitem"}
    known = {
        f"{path.name}: {name}"
        for path in SOURCES
        for text in _texts_of_code(path)
        for name in names
        if name in text.replace("`", " ").split()
    }
    assert known == set()


def test_only_bind_makes_bound_fragments() -> None:
    makers = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name | ast.Attribute)
        and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "BoundFragment"
    }
    assert makers == {"bind.py"}
    changed = {path.name for path in SOURCES if "replace(bound" in path.read_text()}
    assert changed == set()


def test_a_receipt_verifies_without_the_rest_of_the_house() -> None:
    program = "import sys, narrows.core.ledger.receipt; print('\\n'.join(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in found.stdout.split()}
    heavy = {"sqlglot", "pyarrow", "duckdb", "grpc", "google", "cryptography", "pydantic", "ruamel"}
    assert loaded & heavy == set()
    mine = {name for name in found.stdout.split() if name.startswith("narrows.core.")}
    assert {name.split(".")[2] for name in mine} == {"ledger", "canonical", "terms"}


def test_every_dependency_is_bounded_on_both_sides() -> None:
    calendars = {"tzdata"}  # numbered by year: a later one is only a later map of the zones
    open_ended = {
        wanted.name
        for wanted in _wanted("dev.txt")
        if {specifier.operator for specifier in wanted.specifier} != {">=", "<"}
    }
    assert open_ended == calendars


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_what_the_project_asks_for(lock: str) -> None:
    pins = _pins(lock)
    wrong = [
        str(wanted)
        for wanted in _wanted(lock)
        if not wanted.specifier.contains(pins.get(canonicalize_name(wanted.name), "0"))
    ]
    assert wrong == [], "run `make lock`"


def test_the_two_locks_agree() -> None:
    runtime, dev = _pins("runtime.txt"), _pins("dev.txt")
    assert {name: dev.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_names_no_host(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    pinned = text.replace(" \\\n    --hash", " --hash").splitlines()
    assert [line for line in pinned if "==" not in line or " --hash=sha256:" not in line] == []
    assert [line for line in pinned if "/" in line or "@" in line] == []


def test_the_build_backend_is_locked() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    pins = _pins("dev.txt")
    assert all(Requirement(text).specifier.contains(pins[Requirement(text).name]) for text in build)
