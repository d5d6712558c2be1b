"""Rows from an engine, bounded, and the check that each value is of its canonical type.

>>> canonical_value(ColumnType.INTEGER, 7)
7
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import isfinite

from narrows.core.terms import ColumnType, Scalar
from narrows.errors import AnswerTooLarge, CheckFailed

MAX_TEXT = 32_000_000
"""The most characters of one statement's rows. Rows are capped by the policy, a text by nothing."""
_CHUNK_ROWS = 64

_PYTHON_TYPES: dict[ColumnType, type] = {
    ColumnType.TEXT: str,
    ColumnType.BOOLEAN: bool,
    ColumnType.INTEGER: int,
    ColumnType.BIGINT: int,
    ColumnType.DOUBLE: float,
    ColumnType.DATE: date,
    ColumnType.TIMESTAMP: datetime,
}
_BOUNDS = {ColumnType.INTEGER: 2**31, ColumnType.BIGINT: 2**63}


def read_rows(
    fetch: Callable[[int], Sequence[tuple[object, ...]]],
    kinds: Sequence[ColumnType],
    convert: Callable[[ColumnType, object], Scalar],
) -> list[tuple[Scalar, ...]]:
    """All rows that `fetch` gives, a few at a time, so that no more are held than are allowed.

    Raises: AnswerTooLarge for more text than a node holds; CheckFailed for rows of another width.
    """
    found: list[tuple[Scalar, ...]] = []
    text = 0
    while chunk := fetch(_CHUNK_ROWS):
        for row in chunk:
            if len(row) != len(kinds):
                raise CheckFailed("the engine gave another number of columns than was compiled")
            text += sum(len(value) for value in row if isinstance(value, str))
            if text > MAX_TEXT:
                raise AnswerTooLarge("the rows hold too much text", hint="match more narrowly")
            found.append(tuple(map(convert, kinds, row)))
    return found


def canonical_value(kind: ColumnType, value: object) -> Scalar:
    """The value itself, when its Python type is exactly that of `kind` and it is in range.

    Raises: CheckFailed; the text names the type and never the value.
    """
    if value is None:
        return None
    if type(value) is not _PYTHON_TYPES[kind]:
        raise not_of_type(kind)
    match value:
        case bool() | str():
            return value
        case int() if -_BOUNDS[kind] <= value < _BOUNDS[kind]:
            return value
        case float() if isfinite(value):
            return value
        case datetime() if value.tzinfo is None:
            return value
        case date() if not isinstance(value, datetime):
            return value
    raise not_of_type(kind)


def not_of_type(kind: ColumnType) -> CheckFailed:
    """The error for a value that is not of its column's type."""
    return CheckFailed(f"an engine gave a value that is not a canonical `{kind}`")
