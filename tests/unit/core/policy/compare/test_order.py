"""Which of two parts gives more: only what can be shown."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from narrows.core.policy.compare.order import (
    accepts,
    columns_cover,
    cube_gives_less,
    is_within,
    mask_tells,
    never_covers,
    row_test_implies,
)
from narrows.core.policy.model import (
    AS_IS,
    ColumnTest,
    DaysFromToday,
    Mask,
    MaskKind,
    NeverColumns,
    RowTest,
    Said,
    TestValue,
)
from narrows.core.terms import ColumnName, ColumnType, RelationName, Scalar, TypedValue
from tests.unit.core.policy.rich import PERSON, POLICY, VAULT

MIDNIGHT, EARLIER = (datetime.fromisoformat(f"2026-01-0{day}") for day in (2, 1))
DAY, NULL = Mask(MaskKind.DAY), Mask(MaskKind.NULL)
MONTH, YEAR = Mask(MaskKind.MONTH), Mask(MaskKind.YEAR)


def first(amount: int) -> Mask:
    return Mask(MaskKind.FIRST, amount)


def word(period: str) -> Mask:
    return Mask(MaskKind.PSEUDONYM, period=period)


@pytest.mark.parametrize(
    ("one", "other", "tells", "back"),
    [
        (AS_IS, first(3), True, False),
        (first(3), NULL, True, False),
        (first(3), first(2), True, False),
        (DAY, MONTH, True, False),
        (MONTH, YEAR, True, False),
        (YEAR, first(4), False, False),
        (Mask(MaskKind.BUCKET, 5), Mask(MaskKind.BUCKET, 10), True, False),
        (Mask(MaskKind.BUCKET, 6), Mask(MaskKind.BUCKET, 10), False, False),
        (Mask(MaskKind.ROUND, 5), Mask(MaskKind.ROUND, 10), False, False),
        (Mask(MaskKind.ROUND, 5), Mask(MaskKind.ROUND, 5), True, True),
        (word("year"), word("day"), True, False),
    ],
)
def test_masks(one: Mask, other: Mask, tells: bool, back: bool) -> None:
    assert (mask_tells(one, other), mask_tells(other, one)) == (tells, back)


def row_test(op: str, *values: Scalar | TestValue) -> RowTest:
    typed = tuple(
        value
        if isinstance(value, Said | DaysFromToday | TypedValue)
        else TypedValue(ColumnType.TEXT, value)
        for value in values
    )
    return RowTest((ColumnTest(ColumnName("born"), op, typed),))


@pytest.mark.parametrize(
    ("one", "other", "implies", "back"),
    [
        (row_test("in", "A"), row_test("in", "A", "B"), True, False),
        (row_test("in", "A"), row_test("null"), False, False),
        (row_test("before", date(2026, 1, 1)), row_test("before", date(2026, 1, 2)), True, False),
        (row_test("to", date(2026, 1, 1)), row_test("to", date(2026, 1, 2)), True, False),
        (row_test("from", date(2026, 1, 2)), row_test("from", date(2026, 1, 1)), True, False),
        (row_test("before", Said.TODAY), row_test("before", DaysFromToday(3)), True, False),
        (row_test("before", Said.TODAY), row_test("before", date(2026, 1, 1)), False, False),
        (
            row_test("from", MIDNIGHT),
            row_test("from", EARLIER),
            True,
            False,
        ),
        (row_test("before", Said.MEMBER), row_test("before", "x"), False, False),
    ],
)
def test_tests_of_rows(one: RowTest, other: RowTest, implies: bool, back: bool) -> None:
    assert (row_test_implies(one, other), row_test_implies(other, one)) == (implies, back)


def test_fewer_tests_keep_more() -> None:
    both = RowTest((*row_test("in", "A").tests, *row_test("null").tests))
    assert row_test_implies(both, row_test("null"))
    assert not row_test_implies(row_test("null"), both)
    (clause, *_) = POLICY.never
    tighter = replace(clause, test=RowTest((*clause.test.tests, *row_test("null").tests)))
    assert never_covers(clause, tighter)
    assert not never_covers(tighter, clause)
    assert not never_covers(replace(clause, stays=frozenset({VAULT})), clause)
    assert not never_covers(replace(clause, relation=VAULT), clause)


def never_of(relation: RelationName, *columns: str) -> NeverColumns:
    return NeverColumns("never[1]", 1, relation, frozenset(map(ColumnName, columns)), "the Act")


def test_columns_that_several_clauses_take_away() -> None:
    both = never_of(PERSON, "a", "b")
    assert columns_cover([never_of(PERSON, "a"), never_of(PERSON, "b")], both)
    assert not columns_cover([never_of(PERSON, "a"), never_of(VAULT, "b")], both)
    assert columns_cover([never_of(PERSON)], both)
    assert not columns_cover([both], never_of(PERSON))


def test_grants_of_two_forms_or_places_share_no_question() -> None:
    lookup, _ = POLICY.agreements[0].grants
    (pointer,) = POLICY.agreements[1].grants
    assert not accepts(lookup, pointer)
    assert accepts(pointer, pointer)
    assert not accepts(replace(pointer, to=frozenset()), pointer)
    assert not accepts(pointer, replace(pointer, to=frozenset()))


def test_noise_is_never_taken_off() -> None:
    _, noisy = POLICY.cubes
    bare = replace(noisy, epsilon=None, epsilon_a_year=None)
    assert cube_gives_less(bare, noisy)
    assert not cube_gives_less(noisy, bare)
    assert cube_gives_less(noisy, noisy)


def test_what_no_old_grant_accepts_is_not_within_them() -> None:
    lookup, other = POLICY.agreements[0].grants
    assert is_within([lookup, other], [lookup, other], 1)
    assert not is_within([], [lookup], 0)
    # The old one gives as much of what it takes, and takes less.
    assert not is_within([replace(lookup, literal_cap=1)], [lookup], 0)
