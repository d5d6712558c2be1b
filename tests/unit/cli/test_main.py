"""Exit codes, and errors as one line for people or one JSON object for programs."""

import json
import sys
from pathlib import Path

import pytest

from narrows.cli.main import main
from narrows.cli.show import fail
from narrows.errors import BadFederation, MalformedQuery, MalformedRequest, UnsupportedQuery


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command."""
    monkeypatch.setattr(sys, "argv", ["narrows", *words])
    with pytest.raises(SystemExit) as caught:
        main()
    said = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, said.out, said.err


def test_a_failure_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, "verify", "none.json", "--key", "nonsense")
    assert (code, out) == (1, "")
    assert err.startswith("narrows: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("words", [("--format", "json"), ("--format=json",)])
def test_with_json_it_is_an_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    code, out, err = run(
        monkeypatch, capsys, "verify", "none.json", "--state", "/nowhere/at/all", *words
    )
    document = json.loads(err)
    assert (code, out, document["reason"]) == (1, "", "FEDERATION_INVALID")
    assert document["metadata"]["file"] == "/nowhere/at/all"
    assert "narrows up" in document["message"]


def test_a_file_that_cannot_be_used_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    code, out, err = run(
        monkeypatch, capsys, "up", "examples/library", "--state", str(in_the_way), "--detach"
    )
    assert (code, out) == (1, "")
    assert err.startswith(f"narrows: {in_the_way}: the file cannot be used (")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "words", [("nosuch",), ("verify",), ("verify", "x", "--nosuch"), ("ask", "SELECT 1")]
)
def test_bad_use_is_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert run(monkeypatch, capsys, *words)[0] == 2


def test_a_bad_parameter_is_bad_use(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("ask", "SELECT 1", "--as", "vpd", "--purpose", "x", "--param", "document")
    code, _, err = run(monkeypatch, capsys, *words)
    assert code == 2
    assert "name=text" in err


def test_a_place_in_the_query_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """People count characters from 1, and programs from 0."""
    assert fail(MalformedQuery("no relation `persn`", position=14)) == 2
    assert capsys.readouterr().err == "narrows: no relation `persn` (at character 15)\n"


def test_what_is_the_askers_to_mend_is_bad_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(UnsupportedQuery("not here"), as_json=True) == 2
    assert fail(MalformedRequest("not so"), as_json=True) == 2
    assert fail(BadFederation("wrong", file="a.yaml", line=3), as_json=True) == 1
    last = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert last == {
        "reason": "FEDERATION_INVALID",
        "message": "a.yaml:3: wrong",
        "metadata": {"file": "a.yaml", "line": "3"},
    }
