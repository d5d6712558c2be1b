"""Conditions on the day or the year of a column, restated as comparisons of the column itself.

    CAST(seen_at AS date) = DATE '2026-06-01'   ->  seen_at > TIMESTAMP '2026-05-31 23:59:59.999999'
                                                    AND seen_at < TIMESTAMP '2026-06-02 00:00:00'
    year(born) < 1990                           ->  born < DATE '1990-01-01'

Both sides mean the same in three values. Engines spell these expressions differently or lack them,
and all compare dates.

INVARIANT: what comes out are strict comparisons, and no policy anchors on those (`policy/anchors`):
a question that is written so is never taken for a look-up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from narrows.core.sql import tree
from narrows.core.terms import ColumnType, Scalar, TypedValue

_MOMENTS = (ColumnType.DATE, ColumnType.TIMESTAMP)


@dataclass(frozen=True, slots=True)
class _Period:
    """A day or a year of a column: the last moments before and of it, the first of and after it."""

    column: tree.Ref
    before: Scalar
    first: Scalar
    last: Scalar
    after: Scalar

    def is_past(self, moment: Scalar) -> tree.Expr:
        """The column is later than the moment."""
        return tree.Binary(">", self.column, self._literal(moment))

    def is_before(self, moment: Scalar) -> tree.Expr:
        """The column is earlier than the moment."""
        return tree.Binary("<", self.column, self._literal(moment))

    def _literal(self, moment: Scalar) -> tree.Literal:
        kind = ColumnType.TIMESTAMP if isinstance(moment, datetime) else ColumnType.DATE
        return tree.Literal(TypedValue(kind, moment))


_RESTATED: Mapping[str, Callable[[_Period], tree.Expr]] = MappingProxyType(
    {
        "<": lambda it: it.is_before(it.first),
        "<=": lambda it: it.is_before(it.after),
        ">": lambda it: it.is_past(it.last),
        ">=": lambda it: it.is_past(it.before),
        "=": lambda it: tree.And((it.is_past(it.before), it.is_before(it.after))),
        "<>": lambda it: tree.Or((it.is_before(it.first), it.is_past(it.last))),
    }
)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}


def restated(term: tree.Expr) -> tree.Expr | None:
    """The condition without the expression; None for any other condition.

    Also None at the ends of the calendar, where a day before or after does not exist.
    """
    match term:
        case tree.Binary(op, tree.Literal(value), side) if op in _TURNED:
            op = _TURNED[op]
        case tree.Binary(op, side, tree.Literal(value)) if op in _RESTATED:
            pass
        case _:
            return None
    period = _period(side, value.value)
    return None if period is None else _RESTATED[op](period)


def _period(side: tree.Expr, value: Scalar) -> _Period | None:
    """The period of a column that such an expression is compared with."""
    match side, value:
        case (
            tree.Cast(tree.Ref(type=ColumnType.TIMESTAMP) as column, ColumnType.DATE),
            date() as day,
        ):
            return _between(column, day, day)
        case (
            tree.Call("year", (tree.Ref() as column,)) | tree.Extract("year", tree.Ref() as column),
            int() as year,
        ) if column.type in _MOMENTS and date.min.year <= year <= date.max.year:
            return _between(column, date(year, 1, 1), date(year, 12, 31))
    return None


def _between(column: tree.Ref, first: date, last: date) -> _Period | None:
    if first == date.min or last == date.max:
        return None
    before, after = first - timedelta(days=1), last + timedelta(days=1)
    if column.type is ColumnType.DATE:
        return _Period(column, before, first, last, after)
    starts, ends = time.min, time.max
    return _Period(
        column,
        datetime.combine(before, ends),
        datetime.combine(first, starts),
        datetime.combine(last, ends),
        datetime.combine(after, starts),
    )
