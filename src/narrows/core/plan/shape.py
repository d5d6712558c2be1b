"""What a fragment makes of its rows before they leave, so that less travels.

    Gather := group output*, measure*      one row for each combination of the group's values
    Top    := (column, direction, nulls first|last)+ n

Both work on the released rows, after masks and filters: what is made of released rows cannot say
more than they do. They name the fragment's outputs, and policy decides on those: a column that is
only summed is released all the same. `Gather` without measures drops duplicates; its group may be
empty, and no row then means that there was none. `Top` comes last, and its keys hold every column,
so that no tie is left to chance.

A measure is exact and cannot fail: `count` of rows or of values that are not NULL; `min` and `max`;
`sum` of 32-bit integers, which a bigint always holds. A column of type `double` takes part in
neither: a negative zero equals the other one, and which is kept would hang on the order of rows.
"""

from dataclasses import dataclass
from typing import TypeAlias

from narrows.core.canonical import Json
from narrows.core.terms import ColumnName, ColumnType

_NONE = ColumnName("")
MEASURES = ("count", "max", "min", "sum")
MAX_TOP = 100_000
"""The most rows that a `Top` asks for."""
Columns: TypeAlias = tuple[tuple[str, ColumnType], ...]
"""Names and types of columns, in order."""


@dataclass(frozen=True, slots=True, order=True)
class Measure:
    """One figure of a group; `column` is an output, or empty where `count` counts rows.

    >>> Measure("sum", ColumnName("t1_age")).name, Measure("count").name
    ('sum(t1_age)', 'count(*)')
    """

    op: str
    column: ColumnName = _NONE

    @property
    def name(self) -> ColumnName:
        """The column's name in the rows, which no output can have."""
        return ColumnName(f"{self.op}({self.column or '*'})")

    def gives(self, column_type: ColumnType) -> ColumnType:
        """The type of the figure, of a column of that type."""
        return column_type if self.op in ("min", "max") else ColumnType.BIGINT


@dataclass(frozen=True, slots=True)
class Gather:
    """One row for each combination of what the outputs `group` hold; both parts sorted."""

    group: tuple[ColumnName, ...]
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True, slots=True)
class TopKey:
    """One key of an order."""

    column: ColumnName
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Top:
    """The first `rows` rows by the keys, which hold every column of the rows."""

    keys: tuple[TopKey, ...]
    rows: int


def columns_after(gather: Gather | None, outputs: Columns) -> Columns:
    """The columns of the rows that leave, of a fragment with these outputs."""
    if gather is None:
        return outputs
    types = dict(outputs)
    kept = tuple(one for one in outputs if one[0] in gather.group)
    # A count of rows is of no column; its type hangs on none.
    measures = (
        (one.name, one.gives(types.get(one.column, ColumnType.BIGINT))) for one in gather.measures
    )
    return (*kept, *measures)


def why_misshapen(gather: Gather | None, top: Top | None, outputs: Columns) -> str:
    """What keeps these from standing on a fragment with these outputs; empty for nothing."""
    if gather is None and top is None:
        return ""
    if any(kind is ColumnType.DOUBLE for _, kind in outputs):
        return "gathers or ranks rows with a column of type `double`"
    if gather is not None and not _fits(gather, dict(outputs)):
        return "gathers by columns that it does not give, or by measures that it cannot take"
    names = [name for name, _ in columns_after(gather, outputs)]
    if top is not None and sorted(key.column for key in top.keys) != sorted(names):
        return "ranks rows by something else than every one of their columns, once"
    if top is not None and not 0 < top.rows <= MAX_TOP:
        return f"ranks not between 1 and {MAX_TOP} rows"
    return ""


def encode_shape(gather: Gather | None, top: Top | None) -> dict[str, Json]:
    """The fields of the canonical bytes of a fragment; none for rows as they are."""
    found: dict[str, Json] = {}
    if gather is not None:
        measures: list[Json] = [[one.op, one.column] for one in gather.measures]
        found["gather"] = {"group": list(gather.group), "measures": measures}
    if top is not None:
        keys: list[Json] = [[key.column, key.descending, key.nulls_first] for key in top.keys]
        found["top"] = {"keys": keys, "rows": top.rows}
    return found


def tell_shape(gather: Gather | None, top: Top | None) -> str:
    """What is made of the rows, as comment lines under readable SQL; empty for rows as they are.

    >>> print(tell_shape(Gather((ColumnName("t1_kind"),), (Measure("count"),)), None))
    -- then one row for each t1_kind, with count(*)
    """
    lines = [] if gather is None else [f"-- then {tell_gather(gather)}"]
    lines += [] if top is None else [f"-- then {tell_top(top)}"]
    return "\n".join(lines)


def tell_gather(gather: Gather) -> str:
    """What is made of the rows, in words."""
    measures = ", ".join(one.name for one in gather.measures)
    each = f"one row for each {', '.join(gather.group)}" if gather.group else "one row for all"
    return f"{each}{', with ' if measures else ''}{measures}"


def tell_top(top: Top) -> str:
    """Which rows are kept, in words.

    >>> tell_top(Top((TopKey(ColumnName("t1_born"), descending=True),), 3))
    'the first 3 by t1_born DESC'
    """
    keys = ", ".join(f"{key.column}{' DESC' if key.descending else ''}" for key in top.keys)
    return f"the first {top.rows} by {keys}"


def _fits(gather: Gather, types: dict[str, ColumnType]) -> bool:
    group, measures = list(gather.group), list(gather.measures)
    if group != sorted(set(group)) or measures != sorted(set(measures)):
        return False
    if not (group or measures) or not set(group) <= set(types):
        return False
    return all(_measures(one, types) for one in gather.measures)


def _measures(one: Measure, types: dict[str, ColumnType]) -> bool:
    if one.op == "count" and not one.column:
        return True
    kind = types.get(one.column)
    if one.op == "sum":
        return kind is ColumnType.INTEGER
    return kind is not None and one.op in MEASURES
