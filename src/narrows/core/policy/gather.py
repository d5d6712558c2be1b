"""Released rows made fewer: `shape.Gather` and `shape.Top`, in plain Python for every engine.

One piece of code for all nodes, so that a figure means the same wherever it is counted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from narrows.core.plan.shape import Columns, Gather, Measure, Top, TopKey, columns_after
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.truth import row_key, sort_key
from narrows.core.terms import Scalar

Row: TypeAlias = tuple[Scalar, ...]
Made: TypeAlias = tuple[Row, tuple[int, ...]]
"""A row that leaves, and the places of the released rows that it is made of."""


def gather_rows(bound: BoundFragment, rows: Sequence[Row]) -> list[Made]:
    """What leaves of released rows, sorted by all columns. Needs: rows of `bound.outputs`."""
    made: list[Made] = [(row, (place,)) for place, row in enumerate(rows)]
    outputs = bound.output_columns
    if bound.gather is not None:
        made = list(_gathered(bound.gather, outputs, rows))
    if bound.top is not None:
        made = _first(bound.top, columns_after(bound.gather, outputs), made)
    return sorted(made, key=lambda one: row_key(one[0]))


def rows_that_leave(bound: BoundFragment, rows: Sequence[Row]) -> list[Row]:
    """As `gather_rows`, without what they are made of."""
    return [row for row, _ in gather_rows(bound, rows)]


def _gathered(gather: Gather, outputs: Columns, rows: Sequence[Row]) -> Iterable[Made]:
    places = {name: place for place, (name, _) in enumerate(outputs)}
    kept = [place for name, place in places.items() if name in gather.group]
    groups: dict[Row, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(tuple(row[place] for place in kept), []).append(number)
    for group, members in groups.items():
        figures = (_figure(one, places, [rows[n] for n in members]) for one in gather.measures)
        yield (*group, *figures), tuple(members)


def _figure(measure: Measure, places: Mapping[str, int], rows: Sequence[Row]) -> Scalar:
    if not measure.column:
        return len(rows)
    place = places[measure.column]
    values = [value for row in rows if (value := row[place]) is not None]
    if measure.op == "count":
        return len(values)
    return _FIGURES[measure.op](values) if values else None


def _least(values: Sequence[Scalar]) -> Scalar:
    return min(values, key=lambda value: sort_key((value,)))


def _most(values: Sequence[Scalar]) -> Scalar:
    return max(values, key=lambda value: sort_key((value,)))


def _sum(values: Sequence[Scalar]) -> Scalar:
    return sum(value for value in values if isinstance(value, int))


_FIGURES: Mapping[str, Callable[[Sequence[Scalar]], Scalar]] = MappingProxyType(
    {"min": _least, "max": _most, "sum": _sum}
)


def _first(top: Top, columns: Columns, made: list[Made]) -> list[Made]:
    places = {name: place for place, (name, _) in enumerate(columns)}
    # Sorting is stable: from the last key to the first.
    for key in reversed(top.keys):
        made = _ordered(key, places[key.column], made)
    return made[: top.rows]


def _ordered(key: TopKey, place: int, made: list[Made]) -> list[Made]:
    nulls = [one for one in made if one[0][place] is None]
    others = [one for one in made if one[0][place] is not None]
    others.sort(key=lambda one: sort_key((one[0][place],)), reverse=key.descending)
    return [*nulls, *others] if key.nulls_first else [*others, *nulls]
