"""Cubes: a cell that is not shown shows in no answer, and equal shown cells give equal answers.

Databases are lists of persons. What differs between the two of a pair is in cells of fewer than `k`
units: who is there, how many, and with which values, hostile ones included. Each pair is asked a
question. The controls at the end must be caught, or the properties prove nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.core.policy import bind, cubes
from narrows.core.policy.cubes import Figure
from narrows.core.policy.model import Policy
from narrows.core.policy.rows import Row
from narrows.core.terms import Scalar
from tests.unit.core.policy.counting import counting, persons, publish
from tests.unit.core.policy.world import PID

K = 3
GIVEN = counting(K)
SHOWN, HIDDEN = ("CAN", "USA", None), ("canary", "O'Hara; --", "FRA")
CANARY = 77_777
QUESTIONS = (
    "SELECT * FROM person p",
    "SELECT p.country, count(*), count(DISTINCT p.pid) FROM person p GROUP BY 1",
    "SELECT count(*), sum(p.age), avg(p.age), max(p.age), min(p.weight) FROM person p",
    "SELECT count(*) FROM person p WHERE p.country = 'canary'",
    "SELECT p.country FROM person p WHERE p.country NOT IN ('CAN', 'USA')",
    "SELECT count(*) FROM person p WHERE p.age > 100 OR p.country IS NULL",
    "SELECT DISTINCT p.country, p.born FROM person p ORDER BY p.country DESC",
    "SELECT p.country, p.age FROM person p ORDER BY p.age DESC LIMIT 1",
    "SELECT a.country FROM person a WHERE NOT EXISTS "
    "(SELECT 1 FROM person b WHERE b.country = a.country AND b.age > a.age)",
    "SELECT a.country, count(*) FROM person a JOIN person b ON a.country = b.country GROUP BY 1",
    "SELECT country, rank() OVER (ORDER BY age) FROM person",
    "SELECT country FROM person UNION SELECT 'FRA' AS country EXCEPT SELECT country FROM person",
)


@st.composite
def visible(draw: st.DrawFn) -> list[Row]:
    """Persons of cells that are shown: at least `k` of each country."""
    found: list[Row] = []
    for place, country in enumerate(SHOWN):
        count = draw(st.integers(K, K + 3))
        for number in range(count):
            age = draw(st.one_of(st.none(), st.integers(0, 90)))
            found += persons(country, 100 * place + number, age=age)
    return found


@st.composite
def hidden(draw: st.DrawFn) -> list[Row]:
    """Persons of cells that are not: fewer than `k` of each, each perhaps in several rows."""
    found: list[Row] = []
    for place, country in enumerate(HIDDEN):
        for number in range(draw(st.integers(0, K - 1))):
            for _ in range(draw(st.integers(1, 3))):
                age = draw(st.sampled_from([None, -1, CANARY]))
                found += persons(country, 1000 * (place + 1) + number, age=age, weight=1e300)
    return found


def told(
    first: Sequence[Row],
    second: Sequence[Row],
    question: str = QUESTIONS[0],
    given: Policy = GIVEN,
) -> tuple[bool, str]:
    """Whether two databases can be told apart, and all that is said about the second."""
    one, other = publish(given, first), publish(given, second)
    answer = other.ask(question)
    differ = one.edition.encoded != other.edition.encoded or one.ask(question) != answer
    return differ, f"{answer} {other.edition.encoded!r}"


@settings(max_examples=100, deadline=None)
@given(visible(), hidden(), hidden(), st.sampled_from(QUESTIONS))
def test_what_is_not_shown_shows_in_no_answer(
    seen: list[Row], first: list[Row], second: list[Row], question: str
) -> None:
    differ, said = told([*seen, *first], [*second, *seen], question)
    assert not differ
    for word in ("canary", "Hara", str(CANARY), "1000"):
        # Whole: the digits of a mean go on for ever, and come to anything.
        assert not re.search(rf"(?<![0-9.]){word}(?![0-9])", said)


@settings(max_examples=100, deadline=None)
@given(visible(), st.permutations(range(50)), st.sampled_from(QUESTIONS))
def test_databases_that_agree_on_the_shown_cells_answer_alike(
    seen: list[Row], numbers: Sequence[int], question: str
) -> None:
    # Other persons, in another order, of the same cells and ages: only who they are differs.
    words = iter(numbers)
    known: dict[Scalar, str] = {one[PID]: str(next(words)) for one in seen}
    other = [{**one, PID: known[one[PID]]} for one in reversed(seen)]
    differ, _ = told(seen, other, question)
    assert not differ


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sets(st.integers(0, 9), max_size=8), min_size=2, max_size=6),
    st.sampled_from([2, 3, 4]),
)
def test_two_editions_differ_by_k_units_or_not_at_all(steps: list[set[int]], k: int) -> None:
    """Between two editions in which a cell is shown otherwise, at least `k` units differ."""
    given_k, last = counting(k), None
    shown: list[tuple[int, frozenset[str]]] = []
    for step in steps:
        last = publish(given_k, persons("CAN", *sorted(step)), last)
        for cell in last.edition.cells:
            now = frozenset(f"<nsor:{n}>" for n in step)
            behind = last.kept[0].count.units
            assert cell.count == len(behind) >= k
            assert behind == now or len(behind ^ now) < k
            shown.append((cell.count, behind))
    for (_, one), (_, other) in pairwise(shown):
        assert one == other or len(one ^ other) >= k


# --- controls: a fault in the rules must be caught ---------------------------------------------

SEEN = [*persons("CAN", 1, 2, 3, age=30), *persons("USA", 4, 5, 6)]
FEW = persons("canary", 8, 9, age=CANARY)


def test_control_a_smaller_k_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = cubes._turn
    monkeypatch.setattr(cubes, "_turn", lambda old, now, k, m: turn(old, now, k - 1, m - 1))
    differ, said = told(SEEN, [*SEEN, *FEW])
    assert differ
    assert "canary" in said


def test_control_a_mean_of_few_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    mean_of = cubes._mean_of

    def of_few(cell: cubes.Tallied, number: int) -> Figure:
        found = mean_of(cell, number)
        return replace(found, units=frozenset(cell.units))

    aged = [*persons("CAN", 1, 2, age=30), *persons("CAN", 3), *persons("CAN", 4)]
    older = [*persons("CAN", 1, 2, age=60), *persons("CAN", 3), *persons("CAN", 4)]
    assert not told(aged, older)[0]
    monkeypatch.setattr(cubes, "_mean_of", of_few)
    assert told(aged, older)[0]


def test_control_editions_that_do_not_freeze_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = cubes._turn
    first = publish(GIVEN, SEEN)
    more = [*SEEN, *persons("CAN", 7)]
    assert publish(GIVEN, more, first).shown == first.shown
    monkeypatch.setattr(cubes, "_turn", lambda old, now, k, m: turn(None, now, k, m))
    assert publish(GIVEN, more, first).shown != first.shown


def test_control_a_figure_of_one_unit_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is there shows, where a figure is not of all: the control of equal cells."""
    mean_of = cubes._mean_of

    def of_first(cell: cubes.Tallied, number: int) -> Figure:
        first = min(cell.units, default=None)
        one = {} if first is None else {first: cell.units[first]}
        return replace(mean_of(replace(cell, units=one), number), units=frozenset(cell.units))

    ages = {1: 30, 2: 60, 3: 60}
    some = [one for n, age in ages.items() for one in persons("CAN", n, age=age)]
    others = [one for n, age in ages.items() for one in persons("CAN", 4 - n, age=age)]
    assert not told(some, others)[0]
    monkeypatch.setattr(cubes, "_mean_of", of_first)
    assert told(some, others)[0]


def test_control_a_dimension_that_is_not_coarsened_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = [*persons("CAN", 1, 2, 3, born=date(1981, 3, 7))]
    others = [*persons("CAN", 1, 2, 3, born=date(1981, 9, 9))]
    assert not told(some, others)[0]
    monkeypatch.setattr(cubes, "coarsen", lambda _, value: value)
    assert told(some, others)[0]


def test_control_what_never_hides_and_is_counted_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = "never:\n  - rows: {person: {status: {in: [SEALED]}}}\n    because: the Act"
    given = counting(K, never=never)
    sealed = [*persons("CAN", 7, 8, 9, status="SEALED"), *persons("canary", 1, 2, 3, status=None)]
    seen = persons("CAN", 1, 2, 3, status="OPEN")
    assert publish(given, seen).shown
    assert not told(seen, [*seen, *sealed], given=given)[0]
    monkeypatch.setattr(bind, "keeps_of", lambda *_: ())
    differ, said = told(seen, [*seen, *sealed], given=given)
    assert differ
    assert "canary" in said
