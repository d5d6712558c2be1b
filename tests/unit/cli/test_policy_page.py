"""What `docs/policy-tools.md` shows is what the commands print."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrows.cli.main import app
from narrows.cli.policy import policy

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "policy-tools.md").read_text()
PROPOSAL = re.search(r"```yaml proposal.yaml\n(.*?)```", PAGE, re.DOTALL)
BLOCKS = re.findall(r"```console\n\$ narrows ((?:[^\n]*\\\n)*[^\n]*)\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the library, and the page's proposal beside it."""
    shutil.copytree(ROOT / "examples" / "library", tmp_path / "library")
    assert PROPOSAL is not None
    (tmp_path / "proposal.yaml").write_text(PROPOSAL[1])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("command", "shown"), BLOCKS, ids=[command for command, _ in BLOCKS])
def test_each_example_prints_what_the_page_shows(here: Path, command: str, shown: str) -> None:
    joined = command.replace("\\\n", " ")
    found = CliRunner().invoke(app("policy"), shlex.split(joined))
    assert here.exists()
    assert found.stdout == shown, found.exception


def test_each_command_is_on_the_page() -> None:
    names = {command.name for command in policy().registered_commands}
    assert names == {
        "check", "fmt", "test", "decide", "explain", "diff", "replay", "sign", "publish",
    }  # fmt: skip
    assert {name for name in names if f"narrows policy {name}" not in PAGE} == set()
