"""Columns, literals and filters of a bound fragment as SQL text in one dialect.

Every literal is a parameter; texts are compared by code point.
"""

from collections.abc import Iterable

from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    FirstAmong,
    Like,
    Missing,
    Operand,
    Opposite,
    Similar,
)
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.model import MaskKind
from narrows.core.terms import HOLDER_COLUMN, ColumnType, Scalar, TypedValue
from narrows.engines.protocol import Dialect
from narrows.errors import CheckFailed

TRUE = "(1 = 1)"
FALSE = "(1 = 0)"
_OPERATORS = frozenset(("=", "<>", "<", "<=", ">", ">="))
_DISTINCT = {"is distinct from": "NOT ", "is not distinct from": ""}


class Terms:
    """The terms of one statement; `parameters` collects their literals on the way."""

    def __init__(self, bound: BoundFragment, dialect: Dialect) -> None:
        self.bound = bound
        self.dialect = dialect
        self.parameters: list[Scalar] = []

    def released(self, column: ColumnOf) -> str:
        """The column through its mask, an id with its holder."""
        if column.column == HOLDER_COLUMN:
            return self.raw(column)
        found, term = self.bound.released(column), self.raw(column)
        match found.mask.kind:
            case MaskKind.NULL:
                return f"CAST(NULL AS {self.dialect.type_name(found.type)})"
            case MaskKind.FIRST:
                if found.type is not ColumnType.TEXT:
                    raise CheckFailed("a mask of characters is on a column that is no text")
                term = f"substr({term}, 1, {found.mask.amount})"
            case MaskKind.YEAR | MaskKind.MONTH | MaskKind.DAY:
                if found.type not in (ColumnType.DATE, ColumnType.TIMESTAMP):
                    raise CheckFailed("a mask of periods is on a column that is no date")
                term = self.dialect.start(term, found.type, found.mask.kind)
            case MaskKind.AS_IS:
                pass
            case _:
                raise CheckFailed("a mask of the node's own was given to an engine")
        if found.is_id:
            prefix = self.literal(TypedValue(ColumnType.TEXT, f"{self.bound.holder}:"))
            term = f"{prefix} || {term}"
        return f"({term})"

    def raw(self, column: ColumnOf) -> str:
        """The column as the mapping gives it; `holder` is no column of a mapping."""
        if column.column == HOLDER_COLUMN:
            return self.literal(TypedValue(ColumnType.TEXT, self.bound.holder))
        return f"{quote(column.alias)}.{quote(column.column)}"

    def literal(self, value: TypedValue) -> str:
        """The place of a parameter with that value."""
        self.parameters.append(value.value)
        return self.dialect.placeholder(len(self.parameters), value.type)

    def filter(self, found: Filter) -> str:  # noqa: C901 - one arm a node of a closed tree
        """A filter over masked columns."""
        match found:
            case Comparison():
                left, right = self.operand(found.left), self.operand(found.right)
                if found.op in _DISTINCT:
                    return f"({_DISTINCT[found.op]}{self.dialect.same(left, right)})"
                if found.op not in _OPERATORS:
                    raise CheckFailed(f"`{found.op}` is no comparison of a fragment")
                return f"({left} {found.op} {right})"
            case Among(items=()) | FirstAmong(items=()):
                # Before the term, whose parameter no text would use.
                return FALSE
            case Among():
                return among(self.operand(found.term), [self.operand(i) for i in found.items])
            case FirstAmong():
                first = self.dialect.collated(
                    f"substr({self.released(found.term)}, 1, {found.length})"
                )
                return among(first, [self.operand(item) for item in found.items])
            case Like():
                pattern = self.dialect.pattern(str(found.pattern.value))
                term = self.operand(found.term)
                literal = self.literal(TypedValue(ColumnType.TEXT, pattern))
                return f"({self.dialect.like(term, literal)})"
            case Similar():
                raise CheckFailed("likeness was given to an engine")
            case Missing():
                return f"({self.released(found.term)} IS NULL)"
            case Every():
                return every(self.filter(term) for term in found.terms)
            case AnyOf():
                return f"({' OR '.join(map(self.filter, found.terms)) or FALSE})"
            case Opposite():
                return f"(NOT {self.filter(found.term)})"

    def operand(self, operand: Operand) -> str:
        """A column or value, texts compared by code point."""
        match operand:
            case ColumnOf():
                return self.compared(self.released(operand), self.bound.released(operand).type)
            case TypedValue():
                return self.literal(operand)
            case _:
                raise CheckFailed("a parameter of a fragment was left without a value")

    def compared(self, term: str, kind: ColumnType) -> str:
        """The term as a side of a comparison."""
        return self.dialect.collated(term) if kind is ColumnType.TEXT else term


def quote(name: str) -> str:
    """The name as an identifier, the same in every dialect."""
    return '"' + name.replace('"', '""') + '"'


def every(terms: Iterable[str]) -> str:
    """All of the terms; true for none."""
    return f"({' AND '.join(terms) or TRUE})"


def among(term: str, items: list[str]) -> str:
    """Whether the term is one of the items."""
    return f"({term} IN ({', '.join(items)}))"
