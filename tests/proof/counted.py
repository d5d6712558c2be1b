"""Cubes of generated policies, and what they show, computed apart from the code under test.

A cube shows of a database how many units each cell has, where there are `k`, and the mean of each
measure where `k` of them have a value; of one that was built before, what `docs/cubes.md` says of
frozen editions. Here a mean is the bag of the units' own values: equal bags have equal means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import TypeAlias

from narrows.core.catalog import Catalog
from narrows.core.terms import ColumnType, RelationName, Scalar
from tests.proof.policies import draw_mask, draw_never
from tests.proof.schema import Place, is_key_of, places_of
from tests.proof.spec import Agreed, Counted, Granted, Never, Spec
from tests.proof.views import Asker, Row, Tables, Views, masked_value

Figure: TypeAlias = tuple[object, frozenset[str]]
"""What is shown of a cell, if it is, and the units behind it."""
Figures: TypeAlias = Mapping[tuple[str, ...], Sequence[Figure]]
"""By the values of the dimensions: the count, then a figure for each measure."""
_NUMBERS = (ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DOUBLE)


@dataclass(frozen=True, slots=True)
class CubeViews:
    """What the cube of one policy shows, after an edition of the tables `first` or as the first."""

    catalog: Catalog
    spec: Spec
    first: Tables | None = None

    @property
    def cube(self) -> Counted:
        """The policy's cube."""
        assert self.spec.cube is not None
        return self.spec.cube

    def of(self, tables: Tables) -> object:
        """The shown cells with their figures."""
        before = {} if self.first is None else self._shown(self.figures(self.first), {})
        now = self._shown(self.figures(tables), before)
        return {place: [value for value, _ in found] for place, found in now.items()}

    def figures(self, tables: Tables) -> Figures:
        """Every cell of the database, shown or not."""
        cells: dict[tuple[str, ...], dict[str, list[Mapping[RelationName, Row]]]] = {}
        for row in self._joined(tables):
            unit = row[self.cube.unit[0]][self.cube.unit[1]]
            if unit is not None:
                units = cells.setdefault(self._place(row), {})
                units.setdefault(str(unit), []).append(row)
        return {place: self._figures(units) for place, units in cells.items()}

    def _figures(self, units: Mapping[str, list[Mapping[RelationName, Row]]]) -> list[Figure]:
        count, to = len(units), self.cube.rounding
        rounded = (2 * count + to) // (2 * to) * to if to else count
        found: list[Figure] = [(rounded, frozenset(units))]
        for relation, column in self.cube.measures:
            own = {
                unit: values
                for unit, rows in units.items()
                if (
                    values := sorted(
                        repr(v) for r in rows if (v := r[relation][column]) is not None
                    )
                )
            }
            found.append((sorted(map(repr, own.values())), frozenset(own)))
        return found

    def _shown(self, now: Figures, before: Figures) -> Figures:
        """What is shown of each cell; a mean that is not is None, with no units."""
        found: dict[tuple[str, ...], Sequence[Figure]] = {}
        for place in {*now, *before}:
            nothing = [(None, frozenset[str]())] * (1 + len(self.cube.measures))
            pairs = zip(before.get(place, nothing), now.get(place, nothing), strict=True)
            turned = [self._turned(old, new) for old, new in pairs]
            if turned[0][0] is not None:
                found[place] = turned
        return found

    def _turned(self, old: Figure, new: Figure) -> Figure:
        is_frozen = old[0] is not None and len(old[1] ^ new[1]) < self.cube.k
        if is_frozen:
            return old
        return new if len(new[1]) >= self.cube.k else (None, frozenset())

    def _place(self, row: Mapping[RelationName, Row]) -> tuple[str, ...]:
        return tuple(
            _spelled(mask, row[relation][column])
            for relation, masks in sorted(self.cube.group.items())
            for column, mask in sorted(masks.items())
        )

    def _joined(self, tables: Tables) -> list[Mapping[RelationName, Row]]:
        views = Views(self.catalog, self.spec, "count", Asker())
        grant, names = self.grant, self.cube.of
        kept = [views.kept(grant, name, tables) for name in names]
        found = [dict(zip(names, rows, strict=True)) for rows in product(*kept)]
        return [row for row in found if len(names) == 1 or _is_tied(self.catalog, names, row)]

    @property
    def grant(self) -> Granted:
        """What questions may name, as a grant would say it; every one is of all relations."""
        show = {name: dict(masks) for name, masks in self.cube.group.items()}
        for relation, column in (*self.cube.measures, self.cube.unit):
            show.setdefault(relation, {})[column] = "as is"
        return Granted("count", self.cube.of, show, {name: {} for name in self.cube.of})


def draw_counting(rng: Random, catalog: Catalog) -> Spec:
    """A policy that publishes a cube, and who may see it."""
    of = _relations(rng, catalog)
    open_places = [
        place
        for place in places_of(catalog)
        if place.relation in of and not is_key_of(catalog, place)
    ]
    dimensions = rng.sample(open_places, rng.choice((1, 1, 2)))
    group: dict[RelationName, dict[str, str]] = {}
    for place in dimensions:
        group.setdefault(place.relation, {})[place.column.name] = _coarse(rng, place)
    numbers = [
        (place.relation, str(place.column.name))
        for place in open_places
        if place not in dimensions and place.column.type in _NUMBERS
    ]
    counted = rng.choice(of)
    cube = Counted(
        of,
        (counted, catalog.relations[counted].key[0]),
        rng.choice((2, 2, 3)),
        group,
        tuple(rng.sample(numbers, min(len(numbers), rng.choice((0, 1, 1))))),
        rng.choice((0, 0, 0, 5)),
    )
    never = tuple(_never(rng, catalog) for _ in range(rng.choice((0, 1, 1, 2))))
    return Spec(never, (Agreed("main", (), {"members": ["vpd"]}, counts=True),), cube)


def _relations(rng: Random, catalog: Catalog) -> tuple[RelationName, ...]:
    name = rng.choice(list(catalog.relations))
    parents = [one.relation for one in catalog.relations[name].references if one.relation != name]
    return (name, rng.choice(parents)) if parents and rng.random() < 0.5 else (name,)


def _coarse(rng: Random, place: Place) -> str:
    """A mask of a dimension, which is no pseudonym, and mostly leaves few values."""
    masks = [draw_mask(rng, place.column) for _ in range(3)]
    return next((one for one in masks if not one.startswith(("pseudonym", "as is"))), "as is")


def _never(rng: Random, catalog: Catalog) -> Never:
    """Rows that are never seen, whoever asks: a cube is the same for everybody."""
    while True:
        found = draw_never(rng, catalog)
        if found.tests and not any("equal_to" in one for one in found.tests.values()):
            return found


def _spelled(mask: str, value: Scalar) -> str:
    """A value of a dimension: what a mask brings beyond its type is NULL, and zero has no sign."""
    found = masked_value(mask, value)
    head, _, tail = mask.partition(" ")
    match head, found:
        case "round", (bool(is_less), int(near)) if near * int(tail) > 2**31 - 1 + is_less:
            return "None"
        case "bucket", int(near) if near * int(tail) < -(2**31):
            return "None"
        case "round", (_, near) if near == 0:
            return "0"
        case _, float() if found == 0:
            return "0"
    return repr(found)


def _is_tied(
    catalog: Catalog, names: Sequence[RelationName], row: Mapping[RelationName, Row]
) -> bool:
    child, parent = names
    (reference,) = (one for one in catalog.relations[child].references if one.relation == parent)
    keys = catalog.relations[parent].key
    return all(
        row[child][own] is not None and row[child][own] == row[parent][key]
        for own, key in zip(reference.columns, keys, strict=True)
    )
