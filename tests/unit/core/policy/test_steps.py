"""A bound fragment as steps: what the holder does, in order, with the requester's own literals."""

from dataclasses import replace

from narrows.core.plan.fragment import Among, AnyOf, Comparison, Opposite
from narrows.core.plan.shape import Gather, Measure, Top, TopKey
from narrows.core.policy.bound import FirstAnchor, NormalAnchor, RangeAnchor, SimilarAnchor
from narrows.core.policy.model import Normal
from narrows.core.policy.steps import bound_steps
from narrows.core.terms import ColumnName
from tests.unit.core.policy.test_views import BORN, BOUND, IS_SECRET, NAME, SECRET


def _told(name: str, **changes: object) -> tuple[str, ...]:
    # A copy for this test alone: nothing runs it.
    steps = {step.name: step.lines for step in bound_steps(replace(BOUND, **changes))}  # type: ignore[arg-type]
    return steps.get(name, ())


def test_what_a_holder_does_stands_in_order() -> None:
    assert [step.name for step in bound_steps(BOUND)] == [
        "scan", "keep", "match", "guard", "narrow", "withhold", "filter",
    ]  # fmt: skip
    assert _told("scan") == ("thing t1",)
    assert _told("keep")[0] == "t1.born >= DATE '2000-01-01'"
    assert _told("narrow") == ("thing.thing_id: null", "thing.born: year")
    assert not any(step.inputs for step in bound_steps(BOUND))


def test_literals_of_the_question_are_spelled() -> None:
    assert _told("match") == ("t1.name IN ('ZZ123456', 'ZZ123456')",)
    assert _told("filter", filters=(Opposite(AnyOf((IS_SECRET, Among(NAME, (SECRET,))))),)) == (
        "NOT ((t1.name = 'ZZ123456' OR t1.name IN ('ZZ123456')))",
    )
    assert _told("filter", filters=(Comparison("<", BORN, SECRET),)) == (
        "DATE_TRUNC('year', t1.born) < 'ZZ123456'",
    )
    anchors = (
        RangeAnchor(NAME, SECRET, SECRET),
        FirstAnchor(NAME, 2, (SECRET,)),
        NormalAnchor(NAME, Normal.NAME, (SECRET,)),
        SimilarAnchor((NAME, NAME), SECRET, 0.9),
    )
    assert _told("match", anchors=anchors) == (
        "t1.name BETWEEN 'ZZ123456' AND 'ZZ123456'",
        "substr(t1.name, 1, 2) = 'ZZ123456'",
        "normal_name(t1.name) = 'ZZ123456'",
        "name_sim(t1.name || ' ' || t1.name, 'ZZ123456') >= 0.9",
    )


def test_what_is_made_of_the_rows_comes_last() -> None:
    name = ColumnName("t1_name")
    shaped = replace(
        BOUND, gather=Gather((name,), (Measure("count"),)), top=Top((TopKey(name),), 3)
    )
    assert [(step.name, step.lines) for step in bound_steps(shaped)][-2:] == [
        ("gather", ("one row for each t1_name, with count(*)",)),
        ("rank", ("the first 3 by t1_name",)),
    ]
