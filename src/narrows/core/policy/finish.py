"""From selected raw rows to the rows that leave: anchors, guard, masks, filters, outputs.

Steps 2 to 5 of `bound`, in plain Python. A node finishes so what means the same on every engine
only here; the reference evaluator (`rows`) finishes everything so; a published cube is read so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import TypeAlias

from narrows.core.normal import Likeness, normal_document, normal_name
from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy.bound import (
    Anchor,
    AnyAnchor,
    BoundFragment,
    Cap,
    Edition,
    EngineAnchor,
    First,
    FirstAnchor,
    NormalAnchor,
    RangeAnchor,
    ReleasedColumn,
    SimilarAnchor,
)
from narrows.core.policy.gather import rows_that_leave
from narrows.core.policy.model import Mask, MaskKind, Normal
from narrows.core.policy.truth import holds, is_among, row_key, sort_key
from narrows.core.terms import HOLDER_COLUMN, ColumnType, Scalar
from narrows.errors import AnswerTooLarge, CheckFailed

Reading: TypeAlias = Mapping[ColumnOf, Scalar]
"""The raw values of one joined row."""
Pseudonym: TypeAlias = Callable[[str, str], str]
"""Scope, value -> the word that stands for it; the key stays at the holder."""


def no_pseudonym(scope: str, value: str) -> str:
    """Nothing: for where no holder's key is at hand. Raises: CheckFailed."""
    raise CheckFailed("a pseudonym needs the key of its holder")


def finish_rows(
    bound: BoundFragment, readings: Iterable[Reading], pseudonym: Pseudonym = no_pseudonym
) -> list[tuple[Scalar, ...]]:
    """The rows that leave, gathered and sorted by all columns, NULL first, text by code point.

    Needs: readings that hold the columns of anchors, guard and `bound.columns`.
    Raises: AnswerTooLarge where anchors and links select more than the guard allows.
    """
    released = [row for row, _ in finish_readings(bound, readings, pseudonym)]
    return rows_that_leave(bound, released)


def finish_readings(
    bound: BoundFragment, readings: Iterable[Reading], pseudonym: Pseudonym
) -> list[tuple[tuple[Scalar, ...], Reading]]:
    """The rows before they are gathered, each with the raw reading that it is of."""
    matchers = [_matcher(bound, anchor) for anchor in bound.anchors]
    selected = [one for one in readings if all(matches(one) for matches in matchers)]
    match bound.guard:
        case Cap():
            check_cap(bound, len(selected))
        case First() as first:
            order = _order_of(bound, first, pseudonym)
            selected = sorted(selected, key=order)[:1]
        case Edition():  # pragma: no branch - INVARIANT: closed union
            raise CheckFailed("a cube is read from its edition, never from rows")
    rows = [
        (row, one)
        for one in selected
        for row in _given(bound, (read_masked(bound, one, pseudonym),))
    ]
    return sorted(rows, key=lambda pair: row_key(pair[0]))


def give_rows(bound: BoundFragment, read: Iterable[Reading]) -> list[tuple[Scalar, ...]]:
    """Of rows that are read through their masks, the outputs of those that pass, sorted."""
    return sorted(_given(bound, read), key=row_key)


def _given(bound: BoundFragment, read: Iterable[Reading]) -> Iterator[tuple[Scalar, ...]]:
    """The outputs of those that pass the filters."""
    for one in read:
        if all(holds(found, one) is True for found in bound.filters):
            yield tuple(None if output.withheld else one[output.column] for output in bound.outputs)


def check_cap(bound: BoundFragment, selected: int) -> None:
    """Nothing, when no more rows are selected than the guard allows. Raises: AnswerTooLarge."""
    if isinstance(bound.guard, Cap) and selected > bound.guard.rows:
        raise AnswerTooLarge(
            f"the question selects more than the {bound.guard.rows} rows that "
            f"`{bound.agreement}` gives",
            hint="match more narrowly",
        )


def read_masked(bound: BoundFragment, reading: Reading, pseudonym: Pseudonym) -> Reading:
    """The columns of the bound fragment as filters and outputs read them."""
    return {found.column: _released(bound, found, reading, pseudonym) for found in bound.columns}


def coarsen(mask: Mask, value: Scalar) -> Scalar:
    """The value as the mask shows it; NULL stays NULL. A pseudonym is none of this function's."""
    match mask.kind, value:
        case MaskKind.NULL, _:
            return None
        case MaskKind.FIRST, str():
            return value[: mask.amount]
        case MaskKind.YEAR | MaskKind.MONTH | MaskKind.DAY, datetime() | date():
            return _start(mask.kind, value)
        case MaskKind.BUCKET, int():
            return max(value - value % mask.amount, -(2**63))
        case MaskKind.ROUND, int() | float():
            return _rounded(value, mask.amount)
    return value


def _matcher(bound: BoundFragment, anchor: AnyAnchor) -> Callable[[Reading], bool]:
    """Whether the anchor matches a row; what is NULL matches nothing."""
    if isinstance(anchor, SimilarAnchor):
        return _likeness_matcher(anchor)
    return lambda reading: _matches(bound, anchor, reading)


def _likeness_matcher(anchor: SimilarAnchor) -> Callable[[Reading], bool]:
    wanted = anchor.value.value
    likeness = Likeness("" if wanted is None else str(wanted))

    def matches(reading: Reading) -> bool:
        texts = [reading[column] for column in anchor.columns]
        if None in texts or wanted is None:
            return False
        return likeness.to(" ".join(map(str, texts))) >= anchor.at_least

    return matches


def _matches(bound: BoundFragment, anchor: EngineAnchor | NormalAnchor, reading: Reading) -> bool:
    match anchor:
        case Anchor():
            value = reading[anchor.column]
            own = f"{bound.holder}:{value}" if anchor.is_id and value is not None else value
            return is_among(own, anchor.values) is True
        case RangeAnchor():
            day, low, high = reading[anchor.column], anchor.low.value, anchor.high.value
            if not isinstance(day, date) or low is None or high is None:
                return False
            return sort_key((low,)) <= sort_key((day,)) <= sort_key((high,))
        case FirstAnchor():
            text = reading[anchor.column]
            return isinstance(text, str) and is_among(text[: anchor.length], anchor.values) is True
        case NormalAnchor():  # pragma: no branch - INVARIANT: closed union
            text = reading[anchor.column]
            reduce = normal_name if anchor.normal is Normal.NAME else normal_document
            return isinstance(text, str) and is_among(reduce(text), anchor.values) is True


def _released(
    bound: BoundFragment, found: ReleasedColumn, reading: Reading, pseudonym: Pseudonym
) -> Scalar:
    if found.column.column == HOLDER_COLUMN:
        return bound.holder
    if found.mask.kind is MaskKind.NULL:
        return None
    value = reading[found.column]
    if found.mask.kind is MaskKind.PSEUDONYM and value is not None:
        value = pseudonym(found.scope, str(value))
    value = coarsen(found.mask, value)
    if found.type is ColumnType.INTEGER and isinstance(value, int):
        # What a mask reaches beyond the type stays at its bound, or no batch could hold it.
        value = max(-(2**31), min(value, 2**31 - 1))
    return f"{bound.holder}:{value}" if found.is_id and value is not None else value


def _order_of(
    bound: BoundFragment, first: First, pseudonym: Pseudonym
) -> Callable[[Reading], tuple[object, object]]:
    """What the first row is found by: ascending, NULL last; then what is shown, as it is sorted."""

    def order(reading: Reading) -> tuple[object, object]:
        values = [reading[column] for column in first.by]
        by = tuple((value is None, 0 if value is None else value) for value in values)
        shown = (_released(bound, found, reading, pseudonym) for found in first.then)
        return by, row_key(tuple(shown))

    return order


def _start(kind: MaskKind, value: date) -> date:
    month = 1 if kind is MaskKind.YEAR else value.month
    day = value.day if kind is MaskKind.DAY else 1
    if isinstance(value, datetime):
        return datetime(value.year, month, day)  # noqa: DTZ001 - canonical timestamps have no zone
    return date(value.year, month, day)


def _rounded(value: float, amount: int) -> int | float:
    """The nearest multiple, half away from zero; what has none in its type stays at the bound."""
    if isinstance(value, int):
        size = (2 * abs(value) + amount) // (2 * amount) * amount
        return max(-(2**63), min(size if value >= 0 else -size, 2**63 - 1))
    share = abs(value) / amount
    whole = float(int(share)) + (1.0 if share - int(share) >= 0.5 else 0.0)
    size_real = whole * amount
    kept = abs(value) if size_real == float("inf") else size_real
    return kept if value >= 0 else -kept
