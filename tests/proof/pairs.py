"""A database, and another one that differs from it in nothing but what a policy hides.

INVARIANT: the first database is drawn whole before anything is changed, and each change is kept
only where the release views stay equal; so what is visible never hangs on what is hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeAlias

from narrows.core.catalog import Catalog
from narrows.core.terms import ColumnType, Holder, RelationName, Scalar
from tests.proof.schema import Place, is_key_of, places_of
from tests.proof.values import hostile_value, other_tail, visible_value
from tests.proof.views import Tables

Mutable: TypeAlias = dict[RelationName, list[dict[str, Scalar]]]


class Seen(Protocol):
    """All that anybody may ever see of the tables of one holder."""

    @property
    def catalog(self) -> Catalog:
        """The relations that there are."""
        ...

    def of(self, tables: Tables) -> object:
        """What is seen, to be compared."""
        ...


@dataclass(frozen=True, slots=True)
class Pair:
    """Two databases of one holder, and in how many ways they differ."""

    one: Tables
    other: Tables
    changes: int


def draw_tables(
    rng: Random, catalog: Catalog, holder: Holder, most: int = 5, least: int = 2
) -> Mutable:
    """The rows of a holder, before anything is hidden."""
    return {
        name: [_row(rng, catalog, name, number) for number in range(rng.randint(least, most))]
        for name in catalog.relations
        if name in catalog.holds[holder]
    }


def hidden_pair(rng: Random, tables: Tables, views: Seen, steps: int = 24) -> Pair:
    """The tables, and others whose release views are the same."""
    wanted, found, changes = views.of(tables), _copied(tables), 0
    for _ in range(steps):
        tried = _copied(found)
        _change(rng, tried, views.catalog)
        if tried != found and views.of(tried) == wanted:
            found, changes = tried, changes + 1
    for rows in found.values():
        rng.shuffle(rows)
    return Pair(tables, found, changes)


def _row(rng: Random, catalog: Catalog, name: RelationName, number: int) -> dict[str, Scalar]:
    relation = catalog.relations[name]
    row: dict[str, Scalar] = {}
    for column in relation.columns[1:]:
        if column.name == relation.key[0]:
            key = number + 1 if rng.random() < 0.95 else 1
            row[column.name] = str(key) if column.type is ColumnType.TEXT else key
        elif is_key_of(catalog, Place(name, column)):
            row[column.name] = _reference(rng, column.type)
        else:
            row[column.name] = visible_value(rng, column.type, column.codes)
    return row


def _reference(rng: Random, kind: ColumnType) -> Scalar:
    if rng.random() < 0.04:
        return None
    key = rng.choice((1, 1, 1, 2, 2, 2, 3, 3, 4, 9))
    return str(key) if kind is ColumnType.TEXT else key


def _copied(tables: Tables) -> Mutable:
    return {name: [dict(row) for row in rows] for name, rows in tables.items()}


def _change(rng: Random, tables: Mutable, catalog: Catalog) -> None:
    """Nothing; one thing is another: some cells, a row more, a row less."""
    name = rng.choice(list(tables))
    rows, chance = tables[name], rng.random()
    places = [place for place in places_of(catalog) if place.relation == name]
    if chance < 0.1 and rows:
        rows.pop(rng.randrange(len(rows)))
    elif chance < 0.3:
        _add_row(rng, rows, places, catalog)
    elif chance < 0.55:
        # A whole column, as where nothing of it is shown.
        place = rng.choice(places)
        if not is_key_of(catalog, place):
            for row in rows:
                row[place.column.name] = _other(rng, place, row[place.column.name])
    elif rows:
        row = rng.choice(rows)
        for place in rng.sample(places, rng.randint(1, len(places))) if chance < 0.8 else places:
            if chance < 0.7 and is_key_of(catalog, place):
                continue
            row[place.column.name] = _other(rng, place, row[place.column.name])


def _add_row(
    rng: Random, rows: list[dict[str, Scalar]], places: Sequence[Place], catalog: Catalog
) -> None:
    """Nothing; there is one row more, often much like one that was there."""
    like = dict(rng.choice(rows)) if rows and rng.random() < 0.8 else {}
    for place in places:
        name = place.column.name
        if name not in like or (not is_key_of(catalog, place) and rng.random() < 0.4):
            like[name] = hostile_value(rng, place.column.type)
        elif is_key_of(catalog, place) and rng.random() < 0.5:
            like[name] = _reference(rng, place.column.type)
    rows.append(like)


def _other(rng: Random, place: Place, value: Scalar) -> Scalar:
    """Another value for a cell: hostile, or one that a mask may show as the same."""
    column = place.column
    if column.codes and rng.random() < 0.7:
        return rng.choice((*column.codes, None))
    if rng.random() < 0.45:
        return other_tail(rng, column.type, value)
    return hostile_value(rng, column.type)
