"""The cells of a published cube, of raw unit rows; and what of them an edition shows.

A cube has finest cells only: each combination of its dimensions, through their masks, NULL being a
value like any other. A cell is shown with at least `k` distinct units, and its mean of a measure
with at least `k` units that have a value. There are no margins, hence nothing to subtract from.

Between editions figures are frozen, so that nobody finds one unit in the difference of two:

- a figure that is shown changes only when at least `k` units changed against those behind what is
  shown; until then it stays as it was;
- it disappears only when at least `k` changed and fewer than `k` are left;
- one that was never shown appears with `k` units; one that was shown before is compared with what
  was shown last.

Where a policy changes `k`, the larger of both is what must have changed, and a figure of fewer units
than the new `k` is not shown. A measure that the edition before did not have, with the same bounds,
begins anew.

With noise there is no freezing: whether it holds would itself be told without noise. Each unit then
counts in one cell alone, the first in order, so that one unit moves one count by one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol, TypeAlias

from narrows.core.catalog import Catalog, Column
from narrows.core.policy.finish import coarsen
from narrows.core.policy.model import ColumnPath, Cube, Mask, Measure
from narrows.core.policy.truth import sort_key
from narrows.core.terms import ColumnType, Scalar, TypedValue, parse_value
from narrows.errors import CheckFailed, MalformedRequest

Token: TypeAlias = Callable[[str], str]
"""A unit's raw value -> a word that stands for it; the key stays at the holder."""
Place: TypeAlias = tuple[Scalar, ...]
"""The values of all dimensions, coarsened."""


class Noise(Protocol):
    """What draws noise for the figures of one edition."""

    def integer(self, value: int, scale: float) -> int:
        """The value with discrete Laplace noise of that scale."""
        ...


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension of a cube. An id is coarsened by nothing, and leaves as `holder:raw`."""

    path: ColumnPath
    type: ColumnType
    mask: Mask


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a cube's raw rows, in order: the unit, the dimensions, the measures."""

    unit: ColumnPath
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]

    @property
    def paths(self) -> tuple[ColumnPath, ...]:
        """Every column, in order."""
        dimensions = (one.path for one in self.dimensions)
        return (self.unit, *dimensions, *((one.relation, one.column) for one in self.measures))


@dataclass(frozen=True, slots=True)
class Figure:
    """A count, or a mean in hundredths, and the units behind what was last shown of it."""

    value: int
    units: frozenset[str] = frozenset()
    is_shown: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """A cell that was ever shown; a mean that never was is None. It stays at the holder."""

    place: Place
    count: Figure
    means: tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an edition is frozen against: what was kept of another, its `k`, and its measures."""

    kept: tuple[Kept, ...] = ()
    k: int = 0
    measures: tuple[Measure, ...] = ()

    def under(self, measures: Sequence[Measure]) -> dict[Place, Kept]:
        """The kept cells with the means of these measures; one that it lacks was never shown."""
        places = [self.measures.index(one) if one in self.measures else None for one in measures]
        return {
            one.place: replace(
                one, means=tuple(None if n is None else one.means[n] for n in places)
            )
            for one in self.kept
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """A shown cell: its count, and the mean of each measure in hundredths, or None."""

    place: Place
    count: int
    means: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Tallied:
    """One cell as the database has it: for each unit its own mean of each measure, or None."""

    place: Place
    units: Mapping[str, tuple[Fraction | None, ...]]


def layout_of(cube: Cube, catalog: Catalog) -> Layout:
    """The columns that a cube is made of; its dimensions by relation and name."""
    dimensions = (
        Dimension((relation, column), column_at(catalog, (relation, column)).type, mask)
        for relation, masks in sorted(cube.group.items())
        for column, mask in sorted(masks.items())
    )
    return Layout(cube.unit, tuple(dimensions), cube.measures)


def column_at(catalog: Catalog, path: ColumnPath) -> Column:
    """The column at that place. Raises: CheckFailed where the catalog has none."""
    found = catalog.relations[path[0]].column(path[1])
    if found is None:
        raise CheckFailed(f"the catalog has no column `{path[1]}` where a cube names it")
    return found


def tally(
    layout: Layout, rows: Iterable[Sequence[Scalar]], token: Token, *, is_once: bool = False
) -> tuple[Tallied, ...]:
    """The cells of raw rows, in order. A row without a unit counts nowhere.

    Needs: rows in the order of `layout.paths`. With `is_once`, a unit stays in its first cell only.
    """
    width = len(layout.dimensions)
    spelled = [_Spelling(dimension) for dimension in layout.dimensions]
    cells: dict[Place, dict[str, list[list[Fraction]]]] = {}
    for unit, *rest in rows:
        if unit is None:
            continue
        place = tuple(one(value) for one, value in zip(spelled, rest[:width], strict=True))
        units = cells.setdefault(place, {})
        values = units.setdefault(token(str(unit)), [[] for _ in layout.measures])
        for measure, found, value in zip(layout.measures, values, rest[width:], strict=True):
            if isinstance(value, int | float):
                found.append(_clamped(measure, Fraction(value)))
    seen: set[str] = set()
    tallied = []
    for place in sorted(cells, key=sort_key):
        own = {unit: found for unit, found in cells[place].items() if unit not in seen}
        if is_once:
            seen |= own.keys()
        means = {unit: tuple(_mean(found) for found in values) for unit, values in own.items()}
        tallied.append(Tallied(place, means))
    return tuple(tallied)


def freeze(cube: Cube, cells: Sequence[Tallied], before: Earlier) -> tuple[Kept, ...]:
    """What of the cells is shown beside what was shown before, in order of their places.

    Needs: `before` of a cube of the same shape (`definition.shape_of`).
    """
    earlier = before.under(cube.measures)
    now = {one.place: one for one in cells}
    moved = max(cube.k, before.k)
    found = (
        _frozen(cube, now.get(place, Tallied(place, {})), earlier.get(place), moved)
        for place in sorted(earlier.keys() | now.keys(), key=sort_key)
    )
    return tuple(one for one in found if one is not None)


def draw(cube: Cube, cells: Sequence[Tallied], noise: Noise) -> tuple[Kept, ...]:
    """The cells whose noisy count is at least `k`; nothing is kept of the units behind them.

    Half of `epsilon` is for the counts, or all of it where there are no measures; the other half
    is shared by the measures. A measure's unit counts as its distance from the middle of its
    bounds, so that one unit moves a sum by half of their width; without a value, as the middle.
    Needs: a cube with `epsilon`, whose measures have bounds; cells tallied with `is_once`.
    """
    assert cube.epsilon is not None  # INVARIANT: the caller asks for such cubes
    of_counts = cube.epsilon / 2 if cube.measures else cube.epsilon
    found = []
    for cell in cells:
        count = noise.integer(len(cell.units), 1 / of_counts)
        sums = [
            _noisy_sum(cell, number, measure, cube, noise)
            for number, measure in enumerate(cube.measures)
        ]
        if count >= cube.k:
            means = tuple(
                Figure(_noisy_mean(measure, total, count))
                for measure, total in zip(cube.measures, sums, strict=True)
            )
            found.append(Kept(cell.place, Figure(count), means))
    return tuple(found)


def shown_cells(kept: Iterable[Kept]) -> tuple[Cell, ...]:
    """The cells as everybody may see them, in the same order."""
    return tuple(
        Cell(
            one.place,
            one.count.value,
            tuple(mean.value if mean is not None and mean.is_shown else None for mean in one.means),
        )
        for one in kept
        if one.count.is_shown
    )


class _Spelling:
    """The coarsened values of one dimension; what does not spell its type counts as NULL."""

    def __init__(self, dimension: Dimension) -> None:
        self._dimension = dimension
        self._known: dict[Scalar, Scalar] = {}

    def __call__(self, value: Scalar) -> Scalar:
        if value not in self._known:
            kind = self._dimension.type
            coarse = coarsen(self._dimension.mask, value)
            try:
                found = parse_value(kind, TypedValue(kind, coarse).text).value
            except MalformedRequest:
                found = None
            # A zero has no sign here: else the first row that is met would choose it.
            self._known[value] = found + 0.0 if isinstance(found, float) else found
        return self._known[value]


def _frozen(cube: Cube, cell: Tallied, before: Kept | None, moved: int) -> Kept | None:
    """The cell as it is shown from now on; None while it never was."""
    units = frozenset(cell.units)
    count = _turn(
        None if before is None else before.count,
        Figure(_rounded(len(units), cube.rounding), units),
        cube.k,
        moved,
    )
    if count is None:
        return None
    earlier = (None,) * len(cube.measures) if before is None else before.means
    means = tuple(
        _turn(old, _mean_of(cell, number), cube.k, moved) for number, old in enumerate(earlier)
    )
    return Kept(cell.place, count, means)


def _turn(before: Figure | None, now: Figure, k: int, moved: int) -> Figure | None:
    """The figure from now on, by the rules of freezing; it changes when `moved` units did."""
    is_enough = len(now.units) >= k
    if before is None:
        return now if is_enough else None
    if len(before.units ^ now.units) >= moved:
        return now if is_enough else replace(before, is_shown=False)
    is_shown = (before.is_shown or is_enough) and len(before.units) >= k
    return replace(before, is_shown=is_shown)


def _mean_of(cell: Tallied, number: int) -> Figure:
    """The mean of one measure, over the units that have a value."""
    found = {
        unit: value for unit, values in cell.units.items() if (value := values[number]) is not None
    }
    return Figure(_hundredths(_mean(list(found.values())) or Fraction()), frozenset(found))


def _noisy_sum(cell: Tallied, number: int, measure: Measure, cube: Cube, noise: Noise) -> int:
    """The sum of the distances from the middle, in hundredths, with noise."""
    assert cube.epsilon is not None
    low, high = _bounds(measure)
    middle = Fraction(low + high, 2)
    distances = (
        _hundredths(value - middle)
        for values in cell.units.values()
        if (value := values[number]) is not None
    )
    scale = (high - low) * 50 / (cube.epsilon / 2 / len(cube.measures))
    return noise.integer(sum(distances), scale)


def _noisy_mean(measure: Measure, total: int, count: int) -> int:
    """The mean in hundredths, within the bounds."""
    low, high = _bounds(measure)
    mean = _hundredths(Fraction(low + high, 2) + Fraction(total, 100 * count))
    return min(max(mean, 100 * low), 100 * high)


def _bounds(measure: Measure) -> tuple[int, int]:
    assert measure.low is not None  # INVARIANT: the language asks for bounds where there is noise
    assert measure.high is not None
    return measure.low, measure.high


def _clamped(measure: Measure, value: Fraction) -> Fraction:
    if measure.low is None or measure.high is None:
        return value
    return min(max(value, Fraction(measure.low)), Fraction(measure.high))


def _mean(values: Sequence[Fraction]) -> Fraction | None:
    return sum(values, Fraction()) / len(values) if values else None


def _hundredths(value: Fraction) -> int:
    return round(100 * value)


def _rounded(count: int, to: int | None) -> int:
    """The nearest multiple, half upwards."""
    return count if to is None else (2 * count + to) // (2 * to) * to
