"""The family `narrows policy`, over a copy of the library: what it prints, and its exit codes."""

import inspect
import json
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from narrows.cli.main import app
from narrows.cli.policy import policy
from narrows.errors import BadFederation, MalformedRequest

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
SQL = "SELECT full_name, postal_code FROM patron WHERE card_number = 'ZZ1001'"
ASKED = ("--as", "reader-desk", "--purpose", "interlibrary_loan", "--day", "2026-06-01")
COMMANDS = ("check", "fmt", "test", "decide", "explain", "diff", "replay", "sign", "publish")


def run(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app("policy"), ["policy", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LIBRARY, tmp_path / "library"))


def policy_of(folder: Path) -> Path:
    return folder / "members" / "harbour" / "policy.yaml"


def change(folder: Path, old: str, new: str, *, version: int = 2) -> Path:
    """Another version beside the federation's folder."""
    text = policy_of(folder).read_text()
    assert old in text
    path = folder.parent / "proposal.yaml"
    path.write_text(text.replace("version: 1", f"version: {version}").replace(old, new, 1))
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str) -> None:
    code, said = run(name, "--help")
    assert (code, f"narrows policy {name}" in said) == (0, True)


@pytest.mark.parametrize("name", ["check", "decide", "explain", "test"])
def test_the_example_of_a_command_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (command,) = [one for one in policy().registered_commands if one.name == name]
    assert command.callback is not None
    text = inspect.getdoc(command.callback) or ""
    example = shlex.split(text.partition("Example: narrows policy ")[2].partition("\n\n")[0])
    assert example[0] == name
    monkeypatch.chdir(LIBRARY.parents[1])
    assert run(*example)[0] == 0


def test_check_is_of_one_holder_or_all(folder: Path) -> None:
    assert run("check", folder) == (0, "0 errors\n")
    path = policy_of(folder)
    path.write_text(path.read_text().replace("literals: 1", "literals: 1", 1).replace(
        "card_number: equal", "opted_out: equal"))  # fmt: skip
    code, said = run("check", folder, "harbour")
    assert code == 0
    assert "warning  members/harbour/policy.yaml:17: `interlibrary-loan` looks up by" in said
    assert "which has few values: all of them can be tried: require a key" in said
    assert "few values" not in run("check", folder, "hilltop")[1]
    path.write_text(path.read_text().replace("version: 1", "version: one"))
    code, said = run("check", folder, "harbour", "--format", "json")
    assert (code, json.loads(said)["findings"][0]["severity"]) == (1, "error")


@pytest.mark.parametrize(
    ("words", "said"),
    [(["harbor"], "no member `harbor`"), ([], "a file is no federation")],
)
def test_check_of_what_is_not_there_is_an_error(folder: Path, words: list[str], said: str) -> None:
    place = folder if words else policy_of(folder)
    with pytest.raises(BadFederation, match=said) as caught:
        run("check", place, *words)
    assert caught.value.hint


def test_fmt_changes_once_and_check_changes_nothing(folder: Path) -> None:
    assert run("fmt", folder, "--check") == (0, "")
    path = policy_of(folder)
    tidy = path.read_text()
    path.write_text(tidy.replace("{rows: 20, literals: 1}", "{ rows: 20,\n   literals: 1 }"))
    before = path.read_text()
    assert run("fmt", folder, "--check") == (1, f"would change  {path}\n")
    assert path.read_text() == before != tidy
    assert run("fmt", path) == (0, f"changed  {path}\n")
    assert path.read_text() == tidy
    assert run("fmt", path, "--check") == (0, "")


@pytest.mark.parametrize("name", ["canada", "library"])
def test_the_examples_are_in_the_one_layout(name: str) -> None:
    assert run("fmt", LIBRARY.parent / name, "--check") == (0, "")


def test_cases_pass_fail_and_cover(folder: Path) -> None:
    code, said = run("test", folder, "harbour", "--min-coverage", "100")
    assert code == 0
    assert "harbour: 3 cases, 0 failed; 100 % of 3 clauses covered" in said
    assert run("test", folder)[0] == 0
    assert run("test", folder, "--min-coverage", "100")[0] == 1
    path = policy_of(folder)
    path.write_text(path.read_text().replace("first 3", "first 2"))
    code, said = run("test", folder, "harbour")
    assert code == 1
    assert "FAILED  members/harbour/cases/card.txt" in said
    assert "  not narrowed: patron.postal_code: first 3" in said
    code, said = run("test", folder, "hilltop", "--format", "json")
    (found,) = json.loads(said)["members"]
    assert (code, found["coverage_percent"], "never[1]" in found["uncovered"]) == (0, 0, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("as       reader-desk", "as       reader-dask", "no member `reader-dask`"),
        ("day      2026-06-01", "day      2026-06-31", "none of the calendar"),
        ("-- decision --", "-- decided --", "has not the parts"),
    ],
)
def test_a_case_with_a_slip_is_an_error(folder: Path, old: str, new: str, said: str) -> None:
    path = folder / "members" / "harbour" / "cases" / "card.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadFederation, match=said):
        run("test", folder, "harbour")


def test_a_case_whose_question_is_not_taken_fails(folder: Path) -> None:
    path = folder / "members" / "harbour" / "cases" / "card.txt"
    path.write_text(path.read_text().replace("FROM patron", "FROM patrons"))
    code, said = run("test", folder, "harbour")
    assert (code, "the question is not taken: no relation `patrons`" in said) == (1, True)
    path.write_bytes(b"\xff")
    with pytest.raises(BadFederation, match="not text in UTF-8"):
        run("test", folder, "harbour")


def test_decide_tells_decision_view_and_words(folder: Path) -> None:
    code, said = run("decide", folder, "harbour", SQL, *ASKED, "--officer", "12")
    assert code == 0
    assert "NARROWED  interlibrary-loan, never[1]" in said
    assert "LEFT(t1.postal_code, 3) AS postal_code" in said
    assert "reader-desk may ask about one card number at a time, at most 20 rows" in said
    code, said = run("decide", folder, "harbour", SQL, *ASKED)
    assert (code, "because  `interlibrary-loan` requires `officer`" in said) == (3, True)
    code, said = run("decide", folder, "harbour", SQL, *ASKED, "--officer", "1", "--format", "json")
    found = json.loads(said)
    assert (found["decision"], found["parts"][0]["narrowed"]) == (
        "NARROWED", ["patron.postal_code: first 3"],
    )  # fmt: skip


def test_decide_takes_parameters_and_says_what_concerns_nobody(folder: Path) -> None:
    sql = "SELECT full_name FROM patron WHERE card_number = :card"
    code, said = run(
        "decide", folder, "harbour", sql, *ASKED, "--officer", "1", "--param", "card=ZZ1"
    )
    assert (code, "ALLOWED" in said) == (0, True)
    elsewhere = f"{SQL} AND holder = 'hilltop'"
    code, said = run("decide", folder, "harbour", elsewhere, *ASKED, "--officer", "1")
    assert (code, "NOT ASKED" in said) == (0, True)


def test_without_sql_the_agreement_is_told(folder: Path) -> None:
    code, said = run("decide", folder, "harbour", *ASKED)
    assert (code, said.splitlines()[0][:19]) == (0, "`interlibrary-loan`")
    other = (*ASKED[:3], "recovery", *ASKED[4:])
    code, said = run("decide", folder, "harbour", *other)
    assert (code, "has no agreement with `reader-desk`" in said) == (3, True)
    code, said = run("decide", folder, "harbour", *other, "--format", "json")
    assert (code, json.loads(said)["agreements"]) == (3, [])
    with pytest.raises(MalformedRequest, match="lacks who asks"):
        run("decide", folder, "harbour", SQL)
    with pytest.raises(MalformedRequest, match="none of the calendar"):
        run("decide", folder, "harbour", SQL, *ASKED[:4], "--day", "June")
    with pytest.raises(BadFederation, match="no member `desk`"):
        run("decide", folder, "harbour", SQL, "--as", "desk", *ASKED[2:])
    with pytest.raises(BadFederation, match="no holder `reader-desk`"):
        run("decide", folder, "reader-desk", SQL, *ASKED)


def test_explain_tells_one_agreement_or_all(folder: Path) -> None:
    code, said = run("explain", folder, "harbour", "interlibrary-loan", "--format", "json")
    (one,) = json.loads(said)["agreements"]
    assert (code, one["id"]) == (0, "interlibrary-loan")
    assert "may ask about one card number of patron" in one["words"]
    with pytest.raises(MalformedRequest, match="has no agreement `lending`"):
        run("explain", folder, "harbour", "lending")


def test_versions_are_chosen_by_day(folder: Path) -> None:
    later = change(folder, "effective: 2026-01-01", "effective: 2026-07-01")
    (folder / "members" / "harbour" / "policies").mkdir()
    later.rename(folder / "members" / "harbour" / "policies" / "2026-07.yaml")
    for day, version in (("2026-06-30", 1), ("2026-07-01", 2), ("2025-01-01", 1)):
        asked = (*ASKED[:4], "--day", day, "--officer", "1")
        said = run("decide", folder, "harbour", SQL, *asked)[1]
        assert f"version {version}, on {day}" in said
    member = folder / "members" / "harbour"
    arguments = (policy_of(folder), member, "--day", "2026-07-02")
    code, said = run("diff", *arguments)
    assert (code, "is in force from 2026-07-01 instead of 2026-01-01" in said) == (0, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 2", "version: 1", "version 1 is there twice"),
        ("agency: harbour", "agency: hilltop", "another agency's"),
        ("literals: 1", "literals: one", "must be a whole number"),
    ],
)
def test_a_version_with_a_slip_is_an_error(folder: Path, old: str, new: str, said: str) -> None:
    place = folder / "members" / "harbour" / "policies"
    place.mkdir()
    text = change(folder, "keep_days: 30", "keep_days: 31").read_text()
    (place / "next.yaml").write_text(text.replace(old, new))
    code, found = run("check", folder)
    assert (code, said in found, "members/harbour/policies/next.yaml" in found) == (1, True, True)


def test_diff_tells_what_widens_with_a_question(folder: Path) -> None:
    wider = change(folder, "first 3", "first 4")
    code, said = run("diff", policy_of(folder), wider)
    assert code == 1
    assert said.startswith(
        "widens  `interlibrary-loan`, lookup: the postal code of patron is shown"
    )
    assert "asked: " in said
    assert "WHERE patron.card_number = 'ZZ1'" in said
    assert "1 change from version 1 to 2, 1 of them widening" in said
    assert run("diff", policy_of(folder), wider, "--accept-widening")[0] == 0
    code, said = run("diff", wider, policy_of(folder), "--folder", folder, "--format", "json")
    (found,) = json.loads(said)["changes"]
    assert (code, found["effect"], found["question"]["before"]) == (
        0, "narrows", "NARROWED (patron.postal_code: first 4)",
    )  # fmt: skip
    with pytest.raises(BadFederation, match="lies in no federation's folder"):
        run("diff", wider, policy_of(folder))
    other = folder / "members" / "hilltop" / "policy.yaml"
    with pytest.raises(MalformedRequest, match="of two agencies"):
        run("diff", policy_of(folder), other)
    with pytest.raises(BadFederation, match="the file is missing"):
        run("diff", policy_of(folder), folder / "none.yaml")


def test_a_change_of_words_alone_has_no_question(folder: Path) -> None:
    other = change(folder, "For lending only", "To lend only")
    code, said = run("diff", policy_of(folder), other)
    assert (code, "asked:" in said, said.startswith("changes")) == (0, False, True)
    said = run("diff", policy_of(folder), other, "--format", "json")[1]
    assert json.loads(said)["changes"][0]["question"] is None
