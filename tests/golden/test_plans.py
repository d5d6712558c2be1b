"""Plans as people read them: each file of `plans/` is a question, and the tree that explains it."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from narrows.cli.plan_tree import WIDTH, draw_plan, plan_document
from tests.golden.case import Case, read_case
from tests.golden.plans import explained

PLANS = sorted((Path(__file__).parent / "plans").glob("*.txt"))
STEPS = {
    "scan", "keep", "link", "match", "guard", "narrow", "withhold", "filter", "gather", "rank",
    "with", "read", "join", "group", "having", "give", "distinct", "sort", "first", "query",
    "side", "union", "union all", "intersect", "intersect all", "except", "except all",
}  # fmt: skip
"""The steps that `docs/commands.md` names."""
POLICIES = [
    path.read_text() for path in (Path(__file__).parents[2] / "examples").glob("canada/**/*.yaml")
]


def _case(path: Path) -> Case:
    return read_case(path.read_text())


def _blessed(path: Path, text: str) -> str:
    """What the file says; the text itself where it is blessed."""
    if os.environ.get("NARROWS_BLESS") == "1":
        path.write_text(text)
    return path.read_text()


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
async def test_plan(path: Path, tmp_path: Path) -> None:
    given = _case(path)
    tree = draw_plan(await explained(given, tmp_path))
    text = f"{given.prose}\n\n-- request --\n{given.sections['request']}\n\n-- plan --\n{tree}\n"
    assert _blessed(path, text) == text


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
@pytest.mark.parametrize("width", [WIDTH, 60])
async def test_it_fits_its_columns(path: Path, width: int, tmp_path: Path) -> None:
    found = await explained(_case(path), tmp_path)
    lines = draw_plan(found, width=width).splitlines()
    assert [line for line in lines if len(line) > width] == []
    assert [line for line in lines if line != line.rstrip()] == []
    # Nothing is cut off to make it fit.
    words = " ".join(re.sub(r"[│├└─]", " ", line).strip() for line in lines).split()
    whole = draw_plan(found, width=10_000)
    assert words == re.sub(r"[│├└─]", " ", whole).split()


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
async def test_it_tells_no_value_but_those_of_question_and_policies(
    path: Path, tmp_path: Path
) -> None:
    given = _case(path)
    found = await explained(given, tmp_path)
    tree, document = draw_plan(found, width=10_000), json.dumps(plan_document(found))
    assert _strange(tree, given) == set()
    assert _strange(document.replace('\\"', ""), given) == set()
    assert _strange(tree + " t1.surname = 'ZZYZX'", given) == {"zzyzx"}


def _strange(told: str, given: Case) -> set[str]:
    """The texts that neither the question nor a policy spells, nor the day of the request."""
    public = "\n".join([given.sql, given.fields["day"], *POLICIES]).lower()
    # Concatenation has a text of one blank.
    texts = {text.lower() for text in re.findall(r"'([^']*)'", told)} - {" "}
    return {text for text in texts if text not in public}


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
async def test_for_programs_it_is_the_same_as_values(path: Path, tmp_path: Path) -> None:
    found = await explained(_case(path), tmp_path)
    document = json.loads(json.dumps(plan_document(found)))
    assert document.keys() == {
        "plans", "merge", "merge_at", "merge_steps", "above", "withheld_because",
    }  # fmt: skip
    for plan in document["plans"]:
        assert plan.keys() == {
            "holder", "part", "not_asked", "decision", "clauses", "reasons", "narrowed", "withheld",
            "sql", "steps", "columns",
        }  # fmt: skip
        assert bool(plan["columns"]) == (plan["decision"] in ("ALLOWED", "NARROWED"))
    steps = [
        *document["merge_steps"],
        *(one for plan in document["plans"] for one in plan["steps"]),
    ]
    tree = "".join(draw_plan(found, width=10_000).split())
    for step in _all(steps):
        assert step.keys() == {"step", "lines", "inputs"}
        assert step["step"] in STEPS
    # The tree tells of refused parts only why.
    told = [
        plan["steps"] for plan in document["plans"] if plan["decision"] in ("ALLOWED", "NARROWED")
    ]
    for step in _all([*document["merge_steps"], *(one for steps in told for one in steps)]):
        assert all("".join(line.split()) in tree for line in step["lines"])


def test_the_page_names_every_step() -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    named = {
        word
        for line in page.splitlines()
        if line.startswith("| `")
        for word in re.findall(r"`([a-z]+)`", line.split("|")[1])
    }
    told = {step.removesuffix(" all") for step in STEPS} - {"side"}
    assert told <= named
    assert "`side`" in page


def _all(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        yield from _all(step["inputs"])
