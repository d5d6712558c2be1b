"""The rules of the house that no linter knows."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path for path in (ROOT / "src").rglob("*.py") if "v1" not in path.relative_to(ROOT).parts
)


def test_no_source_is_longer_than_400_lines() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_only_bind_makes_bound_fragments() -> None:
    makers = {
        path.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "BoundFragment"
    }
    assert makers == {"bind.py"}


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
