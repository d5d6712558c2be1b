"""Which of two parts of policies gives more: partial orders, never a guess.

Each function says True only where it can be shown; False says nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from narrows.core.policy.model import (
    ColumnTest,
    Cube,
    DaysFromToday,
    Form,
    Grant,
    KeyColumn,
    KeyKind,
    KeySet,
    Mask,
    MaskKind,
    NeverColumns,
    NeverRows,
    OnlyRows,
    RowTest,
    Said,
    TestValue,
)
from narrows.core.terms import TypedValue

_PERIODS = {"day": 1, "month": 2, "year": 3}
_TIMES = {MaskKind.DAY: 3, MaskKind.MONTH: 2, MaskKind.YEAR: 1}


def mask_tells(one: Mask, other: Mask) -> bool:
    """Whether what `other` shows can be worked out from what `one` shows of the same column.

    A pseudonym that stands for longer ties more answers together.
    """
    if MaskKind.AS_IS is one.kind or MaskKind.NULL is other.kind or one == other:
        return True
    if one.kind in _TIMES and other.kind in _TIMES:
        return _TIMES[one.kind] >= _TIMES[other.kind]
    if one.kind is not other.kind:
        return False
    match one.kind:
        case MaskKind.FIRST:
            return one.amount >= other.amount
        case MaskKind.BUCKET:
            return other.amount % one.amount == 0
        case MaskKind.PSEUDONYM:
            return _PERIODS[one.period] >= _PERIODS[other.period]
    return False


# --- tests of rows -------------------------------------------------------------------------


def row_test_implies(one: RowTest, other: RowTest) -> bool:
    """Whether every row for which all of `one` is true passes all of `other` too."""
    return all(any(_implies(mine, test) for mine in one.tests) for test in other.tests)


def _implies(one: ColumnTest, other: ColumnTest) -> bool:
    if one == other:
        return True
    if (one.column, one.op) != (other.column, other.op):
        return False
    if one.op == "in":
        return set(one.values) <= set(other.values)
    return _is_tighter(one.op, one.values[0], other.values[0])


def _is_tighter(op: str, one: TestValue, other: TestValue) -> bool:
    """Whether a day that passes `op one` passes `op other`."""
    first, second = _ordinal(one), _ordinal(other)
    if first is None or second is None or first[0] != second[0]:
        return False
    return first[1] >= second[1] if op == "from" else first[1] <= second[1]


def _ordinal(value: TestValue) -> tuple[str, int] | None:
    """A kind of day, and its place among days of that kind; None for what is no day."""
    match value:
        case Said.TODAY:
            return "today", 0
        case DaysFromToday(days):
            return "today", days
        case TypedValue(_, date() as day):
            return "fixed", day.toordinal()
    return None


def never_covers(one: NeverRows, other: NeverRows) -> bool:
    """Whether all that `other` hides, `one` hides too.

    A row is hidden unless some test is known to be false: the fewer tests and the wider, the more
    is hidden; and the fewer relations stay, the further it reaches.
    """
    return (
        one.relation == other.relation
        and one.stays <= other.stays
        and row_test_implies(other.test, one.test)
    )


def columns_cover(every: Iterable[NeverColumns], other: NeverColumns) -> bool:
    """Whether all that `other` takes away, these clauses take away together."""
    mine = [one for one in every if one.relation == other.relation]
    if any(not one.columns for one in mine):
        return True
    return bool(other.columns) and other.columns <= {c for one in mine for c in one.columns}


# --- keys ----------------------------------------------------------------------------------


def key_set_takes(one: KeySet, other: KeySet) -> bool:
    """Whether each question that matches `other` matches `one`.

    But for a question that matches one key twice, which asks nothing more by it.
    """
    mine = {(key.relation, key.columns): key for key in one}
    theirs = {(key.relation, key.columns): key for key in other}
    return mine.keys() == theirs.keys() and all(
        _takes(mine[place], theirs[place]) for place in mine
    )


def _takes(one: KeyColumn, other: KeyColumn) -> bool:
    same_kind = one.kind is other.kind or (one.kind, other.kind) == (KeyKind.IN, KeyKind.EQUAL)
    return (
        same_kind
        and (one.optional or not other.optional)
        and one.at_most >= other.at_most
        and one.days >= other.days
        and (one.length, one.at_least) == (other.length, other.at_least)
        and (one.normal, one.region) == (other.normal, other.region)
        and one.min_length <= other.min_length
    )


# --- grants --------------------------------------------------------------------------------


def accepts(one: Grant, other: Grant) -> bool:
    """Whether each question that `other` gives, `one` gives too, coarsely or not.

    A grant over a cube accepts what the very same cube accepts; cubes are compared by their ids.
    """
    if one.form is not other.form or bool(one.to) != bool(other.to):
        return False
    return (
        other.to <= one.to
        and one.cube == other.cube
        and one.link >= other.link
        and all(other.show[name].keys() <= one.show.get(name, {}).keys() for name in other.show)
        and all(any(key_set_takes(mine, by) for mine in one.by) for by in other.by)
        and one.literal_cap >= other.literal_cap
        and {only.relation for only in one.only} <= {only.relation for only in other.only}
    )


def gives_as_much(one: Grant, other: Grant) -> bool:
    """Whether what `other` gives of a question that both accept can be had from `one`."""
    masks = (
        mask_tells(one.show[name][column], mask)
        for name, shown in other.show.items()
        for column, mask in shown.items()
        if column in one.show.get(name, {})
    )
    return (
        all(masks)
        and (one.form is Form.POINTER or one.row_cap >= other.row_cap)
        and all(only_implied(other.only, only) for only in one.only)
        and one.first_by == other.first_by
        and one.notify <= other.notify
        and one.cube == other.cube
    )


def only_implied(every: Iterable[OnlyRows], wanted: OnlyRows) -> bool:
    """Whether some of these keep no row but what `wanted` keeps."""
    return any(
        one.relation == wanted.relation and row_test_implies(one.test, wanted.test) for one in every
    )


def is_within(olds: Iterable[Grant], news: Sequence[Grant], place: int) -> bool:
    """Whether the old grants of one form gave all that the new one at that place gives.

    The first grant that accepts a question counts. So an old one that comes first must not give
    less of it, unless a new one that comes first takes all those questions.
    """
    new = news[place]
    for old in olds:
        if not _may_meet(old, new):
            continue
        if not gives_as_much(old, new):
            if not any(accepts(before, old) for before in news[:place]):
                return False
        elif accepts(old, new):
            return True
    return False


def _may_meet(one: Grant, other: Grant) -> bool:
    """Whether some question could be accepted by both; with other keys it would read what is hidden.

    What one takes as a key is a filter to the other, which only what is shown may be.
    """
    return not (one.by and other.by) or any(
        _can_read(mine, theirs, other) and _can_read(theirs, mine, one)
        for mine in one.by
        for theirs in other.by
    )


def _can_read(keys: KeySet, own: KeySet, grant: Grant) -> bool:
    """Whether a grant asked by `own` could take what `keys` require as filters."""
    taken = {(key.relation, column) for key in own for column in key.columns}
    shown = {(name, column) for name, masks in grant.show.items() for column in masks}
    required = {
        (key.relation, column) for key in keys if not key.optional for column in key.columns
    }
    return required <= (taken if grant.form is Form.POINTER else taken | shown)


def cube_gives_less(old: Cube, new: Cube) -> bool:
    """Whether the new cube's cells can be had from the old one's.

    Coarser dimensions are no proof: they may show what the finest cells left out.
    """
    same = (old.relations, old.unit, old.group, old.only) == (
        new.relations,
        new.unit,
        new.group,
        new.only,
    )
    return (
        same
        and new.k >= old.k
        and set(new.measures) <= set(old.measures)
        and (old.rounding is None or old.rounding == new.rounding)
        and _is_at_most(new.epsilon, old.epsilon)
        and _is_at_most(new.epsilon_a_year, old.epsilon_a_year)
    )


def _is_at_most(new: float | None, old: float | None) -> bool:
    """None is without noise, which tells most."""
    return old is None or (new is not None and new <= old)
