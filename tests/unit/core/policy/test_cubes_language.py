"""Cubes as the language reads them; each mistake with its line."""

import pytest

from narrows.core.policy.model import Policy
from narrows.errors import BadFederation
from tests.unit.core.policy.world import AGREEMENT, ask, form, policy

CUBE = {
    "of": "[file, person]",
    "unit": "file.file_no",
    "units": "files",
    "at_least": "10",
    "group": "{file: {opened: year}, person: {country: as is}}",
}


def reading(count: str = "files", **changes: str) -> Policy:
    lines = "".join(f"    {key}: {value}\n" for key, value in (CUBE | changes).items())
    return policy(f"cubes:\n  - id: files\n{lines}agreements:\n{AGREEMENT}    count: {count}\n")


def test_a_cube_is_read_whole() -> None:
    found = reading(
        measure="{person: {age: {between: [0, 120]}}}",
        rows="{person: {status: {in: [OPEN]}}}",
        noise="{epsilon: 0.5, a_year: 2}",
    )
    cube = found.cube("files")
    assert cube is not None
    assert (cube.k, cube.unit, cube.unit_name) == (10, ("file", "file_no"), "files")
    (measure,) = cube.measures
    assert (measure.low, measure.high) == (0, 120)
    assert (cube.epsilon, cube.epsilon_a_year, cube.rounding) == (0.5, 2.0, None)
    assert found.agreements[0].grants[0].cube == "files"
    assert reading(round="5").cubes[0].rounding == 5
    assert reading(measure="{person: {age: null}}").cubes[0].measures[0].low is None
    assert reading("[files]").cube("other") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"of": "[]"},
        {"of": "[nothing]"},
        {"unit": "file.nothing"},
        {"unit": "paper.number"},
        {"at_least": "1"},
        {"group": "{paper: {kind: as is}}"},
        {"measure": "{person: {surname: null}}"},
        {"measure": "{person: {age: {between: [9, 9]}}}"},
        {"measure": "{person: {age: {between: [9]}}}"},
        {"measure": "{person: {age: null}}", "noise": "{epsilon: 1, a_year: 1}"},
        {"noise": "{epsilon: 1, a_year: 1}", "round": "5"},
        {"noise": "{epsilon: 0, a_year: 1}"},
        {"rows": "{paper: {kind: {equal: A}}}"},
        {"round": "1"},
    ],
)
def test_a_cube_that_cannot_be_built_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(BadFederation) as caught:
        reading(**changes)
    assert caught.value.line in range(5, 14)


def test_an_agreement_counts_over_a_cube_that_there_is_or_gives_nothing() -> None:
    with pytest.raises(BadFederation, match="no cube `other`: files"):
        reading("other")
    with pytest.raises(BadFederation, match="declare it under `cubes`"):
        policy(f"agreements:\n{AGREEMENT}    count: other\n")
    with pytest.raises(BadFederation, match="`one` gives nothing"):
        policy(f"agreements:\n{AGREEMENT}")


def test_an_id_stands_once() -> None:
    lines = "".join(f"    {key}: {value}\n" for key, value in CUBE.items())
    twice = f"cubes:\n  - id: files\n{lines}  - id: files\n{lines}"
    with pytest.raises(BadFederation, match="stands twice"):
        policy(twice)
    with pytest.raises(BadFederation, match="no field `nobody`"):
        policy(
            f"agreements:\n{AGREEMENT}    emergency: {{requires: [nobody]}}\n    count: files\n"
            f"cubes:\n  - id: files\n{lines}"
        )


def test_a_budget_and_a_hold_are_read() -> None:
    lines = "".join(f"    {key}: {value}\n" for key, value in CUBE.items())
    found = policy(
        f"cubes:\n  - id: files\n{lines}agreements:\n{AGREEMENT}    count: files\n"
        "    budget: {per: [officer], a_day: {requests: 9, same_person: 2}}\n"
        "    answer_ticks_ms: 50\n"
    ).agreements[0]
    assert found.budget is not None
    assert (found.budget.requests, found.budget.literals, found.budget.same_person) == (9, None, 2)
    assert (sorted(found.budget.per), found.answer_ticks_ms) == (["officer"], 50)


def test_a_question_of_the_cube_is_no_lookup() -> None:
    sql = "SELECT f.opened FROM file f JOIN person p USING (holder, pid)"
    assert ask(reading(), sql, asked=form("lookup")).decision.reasons
    assert ask(reading(), sql, asked=form("count")).decision.releases
