"""The command `narrows check`, and that every command says what it does."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrows.cli.main import app

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
COMMANDS = ("up", "down", "status", "generate", "check", "ask", "explain", "trace", "verify")


def run(*arguments: str) -> tuple[int, str]:
    found = CliRunner().invoke(app(), list(arguments))
    return found.exit_code, found.stdout


def test_a_sound_folder_is_well() -> None:
    code, said = run("check", str(LIBRARY))
    assert code == 0
    assert said.splitlines()[-1].startswith("all is well; nodes try their mappings")


def test_a_slip_is_told_with_its_line(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    path = folder / "catalog.yaml"
    text = path.read_text()
    path.write_text(text.replace("version: 1", "version: one"))
    code, said = run("check", str(folder), "--format", "json")
    assert code == 1
    (finding,) = json.loads(said)["findings"]
    assert finding["file"] == "catalog.yaml"
    assert "version" in text.splitlines()[finding["line"] - 1]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    code, said = run(name, "--help")
    assert code == 0
    assert f"narrows {name}" in said


def test_every_command_and_family_is_there() -> None:
    code, said = run("--help")
    assert code == 0
    for name in (*COMMANDS, "cube", "ledger", "gateway", "node"):
        assert f" {name} " in said
