"""The functions that a query may call, closed: what is not in the table is refused.

All are deterministic, bounded by their input, and read nothing but their arguments.

`takes` spells the kinds of the arguments, the last one repeated: `t` text, `n` number, `d` date or
timestamp, `b` boolean, `.` anything.

>>> FUNCTIONS["substr"].takes, FUNCTIONS["count"].kind
('tnn', 'aggregate')
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from narrows.core.terms import ColumnType


@dataclass(frozen=True, slots=True)
class Function:
    """One function: `scalar`, `aggregate` or `window`; how many arguments it takes, and which.

    `gives` is None where the type of the result hangs on the arguments.
    """

    kind: str
    least: int
    most: int
    takes: str = "."
    gives: ColumnType | None = None

    def takes_at(self, place: int) -> str:
        """The kind of the argument at that place."""
        return self.takes[min(place, len(self.takes) - 1)]


_TEXT, _BIGINT, _DOUBLE = ColumnType.TEXT, ColumnType.BIGINT, ColumnType.DOUBLE
_BOOLEAN = ColumnType.BOOLEAN
_MANY = 100

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        "count": Function("aggregate", 0, 1, ".", _BIGINT),
        "sum": Function("aggregate", 1, 1, "n"),
        "min": Function("aggregate", 1, 1),
        "max": Function("aggregate", 1, 1),
        "avg": Function("aggregate", 1, 1, "n", _DOUBLE),
        "stddev_pop": Function("aggregate", 1, 1, "n", _DOUBLE),
        "stddev_samp": Function("aggregate", 1, 1, "n", _DOUBLE),
        "var_pop": Function("aggregate", 1, 1, "n", _DOUBLE),
        "var_samp": Function("aggregate", 1, 1, "n", _DOUBLE),
        "bool_and": Function("aggregate", 1, 1, "b", _BOOLEAN),
        "bool_or": Function("aggregate", 1, 1, "b", _BOOLEAN),
        "upper": Function("scalar", 1, 1, "t", _TEXT),
        "lower": Function("scalar", 1, 1, "t", _TEXT),
        "substr": Function("scalar", 2, 3, "tnn", _TEXT),
        "length": Function("scalar", 1, 1, "t", _BIGINT),
        "trim": Function("scalar", 1, 2, "t", _TEXT),
        "ltrim": Function("scalar", 1, 2, "t", _TEXT),
        "rtrim": Function("scalar", 1, 2, "t", _TEXT),
        "concat": Function("scalar", 1, _MANY, ".", _TEXT),
        "strpos": Function("scalar", 2, 2, "t", _BIGINT),
        "starts_with": Function("scalar", 2, 2, "t", _BOOLEAN),
        "name_sim": Function("scalar", 2, 2, "t", _DOUBLE),
        "coalesce": Function("scalar", 1, _MANY),
        "nullif": Function("scalar", 2, 2),
        "greatest": Function("scalar", 1, _MANY),
        "least": Function("scalar", 1, _MANY),
        "abs": Function("scalar", 1, 1, "n"),
        "round": Function("scalar", 1, 2, "n"),
        "floor": Function("scalar", 1, 1, "n"),
        "ceil": Function("scalar", 1, 1, "n"),
        "year": Function("scalar", 1, 1, "d", _BIGINT),
        "month": Function("scalar", 1, 1, "d", _BIGINT),
        "day": Function("scalar", 1, 1, "d", _BIGINT),
        "date_trunc": Function("scalar", 2, 2, "td"),
        "date_diff": Function("scalar", 3, 3, "tdd", _BIGINT),
        "row_number": Function("window", 0, 0, ".", _BIGINT),
        "rank": Function("window", 0, 0, ".", _BIGINT),
        "dense_rank": Function("window", 0, 0, ".", _BIGINT),
        "ntile": Function("window", 1, 1, "n", _BIGINT),
        "lag": Function("window", 1, 3, ".n."),
        "lead": Function("window", 1, 3, ".n."),
        "first_value": Function("window", 1, 1),
        "last_value": Function("window", 1, 1),
    }
)
"""`replace` is left out: repeated, it grows a text without bound."""

DATE_PARTS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
"""What `date_trunc`, `date_diff` and `EXTRACT` know."""

FRAMES = tuple(
    f"{unit} BETWEEN {bounds}"
    for unit in ("ROWS", "RANGE")
    for bounds in (
        "UNBOUNDED PRECEDING AND CURRENT ROW",
        "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
        "CURRENT ROW AND UNBOUNDED FOLLOWING",
    )
)
"""The window frames that may be written; without one the engine's default holds."""
