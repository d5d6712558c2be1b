"""What a bound fragment means, in plain Python: the reference that compiled SQL is tested against.

It follows the five steps of `bound.py` literally, over tables held in memory, with SQL's
three-valued logic (None is unknown). It is written to be read, not to be fast.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TypeAlias

from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    Missing,
    Operand,
    Opposite,
)
from narrows.core.policy.bound import (
    Anchor,
    BoundFragment,
    BoundTest,
    Keep,
    KeepUnless,
    ReleasedColumn,
)
from narrows.core.policy.model import Mask, MaskKind
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    RelationName,
    Scalar,
    TypedValue,
)
from narrows.errors import AnswerTooLarge, CheckFailed

Row: TypeAlias = Mapping[ColumnName, Scalar]
Tables: TypeAlias = Mapping[RelationName, Sequence[Row]]
Joined: TypeAlias = Mapping[str, Row]


def release_rows(bound: BoundFragment, tables: Tables) -> list[tuple[Scalar, ...]]:
    """The rows that leave, sorted by all outputs, NULL first, text by code point.

    Raises: AnswerTooLarge where anchors and links select more than the guard allows.
    """
    selected = [row for row in _joined(bound, tables) if _anchored(bound, row)]
    check_cap(bound, len(selected))
    read = [_read(bound, row) for row in selected]
    passing = [values for values in read if all(_test(f, values) is True for f in bound.filters)]
    rows = [
        tuple(None if output.withheld else values[output.column] for output in bound.outputs)
        for values in passing
    ]
    return sorted(rows, key=sort_key)


def check_cap(bound: BoundFragment, selected: int) -> None:
    """Nothing, when no more rows are selected than the guard allows. Raises: AnswerTooLarge."""
    if selected > bound.guard.rows:
        raise AnswerTooLarge(
            f"the question selects more than the {bound.guard.rows} rows that "
            f"`{bound.agreement}` gives",
            hint="match more narrowly",
        )


def sort_key(row: Sequence[Scalar]) -> tuple[tuple[bool, Scalar], ...]:
    """What rows are sorted by: every column in order, NULL first."""
    return tuple((value is not None, 0 if value is None else value) for value in row)


def keeps_row(keep: Keep, row: Row, tables: Tables) -> bool:
    """Whether the row exists for the request: unknown hides, a missing parent hides."""
    match keep:
        case KeepUnless():
            return _conjunction(_column_test(test, row) for test in keep.tests) is False
        case _:
            wanted = [row[column] for column in keep.columns]
            return None not in wanted and any(
                [parent[key] for key in keep.keys] == wanted
                and all(keeps_row(inner, parent, tables) for inner in keep.keep)
                for parent in tables.get(keep.parent, ())
            )


def coarsen(mask: Mask, value: Scalar) -> Scalar:
    """The value as the mask shows it; NULL stays NULL."""
    match mask.kind, value:
        case MaskKind.NULL, _:
            return None
        case MaskKind.FIRST, str():
            return value[: mask.length]
        case MaskKind.YEAR, datetime():
            return datetime(value.year, 1, 1)  # noqa: DTZ001 - canonical timestamps have no zone
        case MaskKind.YEAR, date():
            return date(value.year, 1, 1)
    return value


def _joined(bound: BoundFragment, tables: Tables) -> Iterator[Joined]:
    """Every combination of kept rows that the links tie together."""
    partial: list[dict[str, Row]] = [{}]
    for scan in bound.scans:
        rows = [
            row
            for row in tables.get(scan.relation, ())
            if all(keeps_row(keep, row, tables) for keep in scan.keep)
        ]
        partial = [
            extended
            for one in partial
            for row in rows
            if _linked(bound, extended := {**one, scan.alias: row})
        ]
    yield from partial


def _linked(bound: BoundFragment, row: Joined) -> bool:
    return all(
        (left := row[link.left.alias][link.left.column]) is not None
        and left == row[link.right.alias][link.right.column]
        for link in bound.links
        if link.left.alias in row and link.right.alias in row
    )


def _anchored(bound: BoundFragment, row: Joined) -> bool:
    return all(_matches(bound, anchor, row) for anchor in bound.anchors)


def _matches(bound: BoundFragment, anchor: Anchor, row: Joined) -> bool:
    value = row[anchor.column.alias][anchor.column.column]
    prefix = f"{bound.holder}:" if anchor.is_id else ""
    wanted = [found.value for found in anchor.values if found.value is not None]
    return value is not None and (f"{prefix}{value}" if prefix else value) in wanted


def _read(bound: BoundFragment, row: Joined) -> dict[ColumnOf, Scalar]:
    return {found.column: _released(bound, found, row) for found in bound.columns}


def _released(bound: BoundFragment, found: ReleasedColumn, row: Joined) -> Scalar:
    if found.column.column == HOLDER_COLUMN:
        return bound.holder
    value = coarsen(found.mask, row[found.column.alias][found.column.column])
    return f"{bound.holder}:{value}" if found.is_id and value is not None else value


def _test(found: Filter, values: Mapping[ColumnOf, Scalar]) -> bool | None:
    match found:
        case Comparison():
            return compare(found.op, _value(found.left, values), _value(found.right, values))
        case Among():
            term = values[found.term]
            return _disjunction(compare("=", term, _value(item, values)) for item in found.items)
        case Missing():
            return values[found.term] is None
        case Every():
            return _conjunction(_test(term, values) for term in found.terms)
        case AnyOf():
            return _disjunction(_test(term, values) for term in found.terms)
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            inner = _test(found.term, values)
            return None if inner is None else not inner


def _value(operand: Operand, values: Mapping[ColumnOf, Scalar]) -> Scalar:
    match operand:
        case ColumnOf():
            return values[operand]
        case TypedValue():
            return operand.value
        case _:
            raise CheckFailed("a parameter of a fragment was left without a value")


def compare(op: str, left: Scalar, right: Scalar) -> bool | None:
    """The truth of `left op right`, unknown where a side is NULL. Needs: types that compare."""
    if left is None or right is None:
        return None
    first, second = sort_key((left,)), sort_key((right,))
    match op:
        case "=":
            return first == second
        case "<>":
            return first != second
        case "<":
            return first < second
        case "<=":
            return first <= second
        case ">":
            return first > second
        case ">=":
            return first >= second
    raise CheckFailed(f"`{op}` is no comparison of a fragment")


def _column_test(test: BoundTest, row: Row) -> bool | None:
    value = row[test.column]
    match test.op:
        case "null":
            return value is None
        case "before":
            return compare("<", value, test.values[0].value)
        case _:
            return _disjunction(compare("=", value, found.value) for found in test.values)


def _conjunction(terms: Iterator[bool | None]) -> bool | None:
    found = list(terms)
    if any(term is False for term in found):
        return False
    return None if any(term is None for term in found) else True


def _disjunction(terms: Iterator[bool | None]) -> bool | None:
    found = list(terms)
    if any(term is True for term in found):
        return True
    return None if any(term is None for term in found) else False
