"""Small frozen values that every floor shares: names, types, digests, typed values.

>>> TypedValue(ColumnType.DATE, date(1981, 3, 7)).text
'1981-03-07'
>>> parse_value(ColumnType.DATE, "1981-03-07").value
datetime.date(1981, 3, 7)
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from hashlib import sha256
from typing import NewType, TypeAlias

from narrows.errors import MalformedRequest

Holder = NewType("Holder", str)
"""The name of the member whose data it is; also the value of the column `holder`."""
MemberName = NewType("MemberName", str)
RelationName = NewType("RelationName", str)
ColumnName = NewType("ColumnName", str)
Purpose = NewType("Purpose", str)
Digest = NewType("Digest", bytes)
"""32 bytes of SHA-256."""
RequestId = NewType("RequestId", str)
"""32 hexadecimal digits: the first 16 bytes of the hash of a request's header."""

HOLDER_COLUMN = ColumnName("holder")
"""The column that every relation begins with; constant at each node."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Names of relations and columns: what every engine takes unquoted."""
MEMBER_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
REQUEST_ID = re.compile(r"[0-9a-f]{32}")


class ColumnType(StrEnum):
    """The canonical types, whose meaning is the same on every engine (`docs/catalog.md`).

    `TEXT` is NFC, ordered by code point; `DATE` is 0001-01-01 to 9999-12-31; `TIMESTAMP` is UTC
    with microseconds and without a zone; `DOUBLE` is finite.
    """

    TEXT = "text"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    BIGINT = "bigint"
    DOUBLE = "double"
    DATE = "date"
    TIMESTAMP = "timestamp"

    def compares_with(self, other: "ColumnType") -> bool:
        """Whether comparing the two is total and means the same on every engine.

        Two integer types compare; nothing else crosses types (a date compared with a timestamp
        raises on extreme values).
        """
        whole = (ColumnType.INTEGER, ColumnType.BIGINT)
        return self is other or (self in whole and other in whole)


Scalar: TypeAlias = str | bool | int | float | date | datetime | None


@dataclass(frozen=True, slots=True)
class TypedValue:
    """One value with its type; `None` is the NULL of that type."""

    type: ColumnType
    value: Scalar

    @property
    def text(self) -> str | None:
        """The one spelling of the value in canonical bytes; None for NULL.

        Numbers are text too, so that no reader rounds them.
        """
        match self.value:
            case None:
                return None
            case bool():
                return "true" if self.value else "false"
            case datetime():
                return self.value.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0")
            case date():
                return self.value.isoformat()
            case float():
                return repr(self.value)
            case _:
                return str(self.value)


_BOUNDS = {ColumnType.INTEGER: 2**31, ColumnType.BIGINT: 2**63}


def parse_value(kind: ColumnType, text: str | None) -> TypedValue:
    """The value that `TypedValue.text` spelled; the pair undoes itself.

    Raises: MalformedRequest, when the text is not a spelling of `kind`; the text is not repeated.
    """
    if text is None:
        return TypedValue(kind, None)
    try:
        found = TypedValue(kind, _read(kind, text))
    except ValueError:
        found = None
    if found is None or found.text != text:
        message = f"a value does not spell a `{kind}`"
        raise MalformedRequest(message, hint="see the spellings in docs/catalog.md")
    return found


def _read(kind: ColumnType, text: str) -> Scalar:
    match kind:
        case ColumnType.TEXT:
            # Engines end a text at NUL, or do not.
            return None if "\0" in text else unicodedata.normalize("NFC", text)
        case ColumnType.BOOLEAN:
            return {"true": True, "false": False}.get(text)
        case ColumnType.INTEGER | ColumnType.BIGINT:
            number = int(text)
            return number if -_BOUNDS[kind] <= number < _BOUNDS[kind] else None
        case ColumnType.DOUBLE:
            real = float(text)
            return real if abs(real) < float("inf") else None
        case ColumnType.DATE:
            return date.fromisoformat(text)
        case ColumnType.TIMESTAMP:  # pragma: no branch - INVARIANT: closed union
            return datetime.fromisoformat(text)


def type_of(value: Scalar) -> ColumnType:
    """The canonical type of a Python value, as a parameter of a query gets it.

    Raises: MalformedRequest for None (a NULL has no type of its own) and for zoned timestamps.
    """
    match value:
        case bool():
            return ColumnType.BOOLEAN
        case int():
            return ColumnType.BIGINT
        case float():
            return ColumnType.DOUBLE
        case str():
            return ColumnType.TEXT
        case datetime() if value.tzinfo is None:
            return ColumnType.TIMESTAMP
        case date() if not isinstance(value, datetime):
            return ColumnType.DATE
        case _:
            message = "a parameter is neither text, number, boolean, date nor plain timestamp"
            raise MalformedRequest(message, hint="give timestamps in UTC, without a zone")


def digest_of(*parts: bytes) -> Digest:
    """SHA-256 of the parts, one after another; callers put a domain first.

    Shape: 32 bytes.
    """
    state = sha256()
    for part in parts:
        state.update(part)
    return Digest(state.digest())
