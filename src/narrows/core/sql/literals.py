"""Literals with their canonical types, and the types that a cast may name."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from sqlglot import exp

from narrows.core.sql import tree
from narrows.core.sql.grammar import malformed, parts_of, position_of
from narrows.core.terms import ColumnType, Scalar, TypedValue
from narrows.errors import UnsupportedQuery

_TYPES: Mapping[exp.DType, ColumnType] = MappingProxyType(
    {
        exp.DType.TEXT: ColumnType.TEXT,
        exp.DType.VARCHAR: ColumnType.TEXT,
        exp.DType.BOOLEAN: ColumnType.BOOLEAN,
        exp.DType.INT: ColumnType.INTEGER,
        exp.DType.BIGINT: ColumnType.BIGINT,
        exp.DType.DOUBLE: ColumnType.DOUBLE,
        exp.DType.DATE: ColumnType.DATE,
        exp.DType.TIMESTAMP: ColumnType.TIMESTAMP,
        exp.DType.TIMESTAMPNTZ: ColumnType.TIMESTAMP,
    }
)

MOST_DIGITS = 40


def number_literal(spelled: str, node: exp.Expr) -> tree.Literal:
    """A whole number as `bigint`, any other as `double`.

    Raises: MalformedQuery when it does not fit.
    """
    whole = spelled.removeprefix("-").isdigit()
    if whole and len(spelled) > MOST_DIGITS:
        # Python refuses to read much longer ones, in an error of its own.
        raise malformed("a number does not fit its type", node)
    value: int | float = int(spelled) if whole else float(spelled)
    if not abs(value) < (2**63 if whole else float("inf")):
        raise malformed("a number does not fit its type", node)
    kind = ColumnType.BIGINT if whole else ColumnType.DOUBLE
    return tree.Literal(TypedValue(kind, value), position_of(node))


def read_type(node: exp.Expr) -> ColumnType:
    """The canonical type that a cast names, without length or precision."""
    found = node.args.get("this") if type(node) is exp.DataType else None
    if not isinstance(found, exp.DType) or found not in _TYPES:
        names = ", ".join(f"`{kind}`" for kind in ColumnType)
        raise UnsupportedQuery(
            "a cast names no canonical type",
            hint=f"use one of {names}",
            position=position_of(node),
        )
    parts_of(node, "this")
    return _TYPES[found]


def cast_literal(term: tree.Expr, to: ColumnType, node: exp.Expr) -> tree.Literal | None:
    """The literal that `DATE '…'` or `TIMESTAMP '…'` spells; None when it is no such literal.

    Raises: MalformedQuery when the text spells no date or timestamp.
    """
    if not isinstance(term, tree.Literal) or not isinstance(term.value.value, str):
        return None
    if to not in (ColumnType.DATE, ColumnType.TIMESTAMP):
        return None
    try:
        value = _read_moment(term.value.value, to)
    except ValueError as cause:
        hint = "write DATE '2026-01-31' or TIMESTAMP '2026-01-31 13:45:00', in UTC"
        raise malformed(f"a text does not spell a `{to}`", node, hint) from cause
    return tree.Literal(TypedValue(to, value), term.position)


def _read_moment(text: str, to: ColumnType) -> Scalar:
    if to is ColumnType.DATE:
        if len(text) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(text)
    found = datetime.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError
    return found
