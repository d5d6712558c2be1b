"""The check that a value from an engine is of its canonical type.

>>> canonical_value(ColumnType.INTEGER, 7)
7
"""

from datetime import date, datetime
from math import isfinite

from narrows.core.terms import ColumnType, Scalar
from narrows.errors import CheckFailed

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
