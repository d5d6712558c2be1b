"""Cubes over real processes: every example of `docs/cubes.md`, and what surrounds them."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from narrows.core.policy.check import Severity, check_policy
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.folder.load import load_folder
from tests.system.processes import (
    CANADA,
    LIBRARY,
    ROOT,
    Running,
    by_card,
    copy_of,
    outcomes,
    running,
)

pytestmark = pytest.mark.system
PAGE = (ROOT / "docs" / "cubes.md").read_text(encoding="utf-8")
JOINED = "FROM patron p JOIN loan l USING (holder, patron_id)"
COUNT = f"SELECT p.holder, count(DISTINCT p.patron_id) AS n {JOINED} GROUP BY p.holder"
TIME = re.compile(r"edition \d+ |\d{4}-\d\d-\d\dT[0-9:.]+(\+00:00)?")


def blocks(language: str) -> list[str]:
    """The examples of the page in that language."""
    return re.findall(rf"```{re.escape(language)}\n(.*?)```", PAGE, re.DOTALL)


def with_cube(text: str) -> str:
    """A policy of the example with the page's cube and agreement."""
    (cube,), (agreement,) = blocks("yaml cube"), blocks("yaml agreement")
    text = text.replace("agreements:\n", f"{cube}\nagreements:\n", 1)
    return text.replace("    caveats:", f"{agreement}    caveats:", 1)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Three libraries, each with the cube of the page; nobody has built one."""
    where = tmp_path_factory.mktemp("cubes")
    folder = copy_of(LIBRARY, where / "library")
    for file in folder.glob("members/*/policy.yaml"):
        file.write_text(with_cube(file.read_text()))
    with running(folder, where / "state") as found:
        yield found


def test_the_examples_say_what_the_language_takes(tmp_path: Path) -> None:
    folder = copy_of(LIBRARY, tmp_path / "library")
    file = folder / "members" / "riverside" / "policy.yaml"
    file.write_text(with_cube(file.read_text()))
    library = load_folder(folder)
    for member in library.members.values():
        if member.node is not None:
            assert not [
                one
                for one in check_policy(member.node.policy, library.catalog)
                if "cube" in one.message
            ]
    catalog = load_folder(CANADA).catalog
    for kind in ("measure", "noise"):
        (cube,) = blocks(f"yaml {kind}")
        given = parse_policy(
            f"agency: nsor\nversion: 1\neffective: 2026-01-01\n{cube}", catalog, "p"
        )
        assert isinstance(given, Policy)
        # A cube that no agreement gives is the one thing to say of an example of a cube.
        assert [one.severity for one in check_policy(given, catalog)] == [Severity.NOTE]


def test_what_the_page_shows_is_what_is_printed(counted: Running) -> None:
    shown = blocks("console")
    assert len(shown) == 3
    for block in shown:
        command, _, expected = block.partition("\n")
        words = shlex.split(command.removeprefix("$ narrows "))
        printed = TIME.sub("TIME", counted.narrows(*words)).replace("\r\n", "\n")
        assert [line.rstrip() for line in printed.splitlines()] == [
            line.rstrip() for line in TIME.sub("TIME", expected).splitlines()
        ]


def test_only_holders_with_an_edition_answer_and_the_others_say_so(counted: Running) -> None:
    counted.narrows("cube", "build", "riverside", "readers")
    answer = counted.ask(by_card(sql=COUNT, form="count"))
    assert outcomes(answer)["hilltop"] == "refused"
    (reason,) = next(one.reasons for one in answer.agencies if one.holder == "hilltop")
    assert reason == "no edition of the cube `readers` was built yet"
    assert "could say something false" in answer.withheld_because
    for name in ("harbour", "hilltop"):
        counted.narrows("cube", "build", name, "readers")
    whole = counted.ask(by_card(sql=COUNT, form="count"))
    assert set(outcomes(whole).values()) == {"answered"}
    assert [row["holder"] for row in whole.table.to_pylist()] == ["harbour", "hilltop", "riverside"]
    assert any("totals are sums of shown cells" in one for one in whole.caveats)


def test_a_restarted_node_shows_the_same_edition(counted: Running) -> None:
    before = json.loads(
        counted.narrows("cube", "build", "riverside", "readers", "--format", "json")
    )
    counted.down("riverside")
    counted.up()
    after = json.loads(counted.narrows("cube", "show", "riverside", "readers", "--format", "json"))
    assert after == before
    entries = [one for one in counted.entries("riverside") if one.kind.value == "edition"]
    assert len(entries) == before["number"]


def test_what_cannot_be_is_told(counted: Running) -> None:
    for words, said in (
        (("cube", "show", "riverside", "nosuch"), "no such cube: readers"),
        (("cube", "show", "reader-desk", "readers"), "`reader-desk` has no node"),
    ):
        code = 2 if "nosuch" in words else 1
        assert said in counted.narrows(*words, code=code)


def test_a_lookup_still_needs_its_anchor(counted: Running) -> None:
    answer = counted.ask(by_card(sql=COUNT))
    assert set(outcomes(answer).values()) == {"refused"}
