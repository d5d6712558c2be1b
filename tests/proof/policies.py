"""A generated policy: what is never seen, its agreements, and in each of them grants of the form asked."""

from collections.abc import Mapping, Sequence
from datetime import date
from random import Random

from narrows.core.catalog import Catalog, Column
from narrows.core.terms import ColumnType, RelationName
from tests.proof.schema import Place, places_of
from tests.proof.spec import Agreed, Granted, Key, Never, Spec, Tests
from tests.proof.values import CODES, TRIED

_FORMS = ("lookup", "lookup", "lookup", "list", "pointer")
_DAYS = ("today", "today - 30", "today + 1", date(1981, 3, 8), date(2026, 6, 1))


def draw_spec(rng: Random, catalog: Catalog, form: str = "") -> tuple[Spec, str]:
    """A policy, and the form in which it is asked: any one, unless it is given."""
    form = form or rng.choice(_FORMS)
    never = tuple(draw_never(rng, catalog) for _ in range(rng.choice((0, 1, 1, 2))))
    grants = tuple(draw_grant(rng, catalog, form) for _ in range(rng.choice((1, 1, 1, 2))))
    other = draw_grant(rng, catalog, rng.choice(_FORMS))
    agreements = [Agreed("main", grants, _parties(rng))]
    if rng.random() < 0.3:
        agreements.append(Agreed("lapsed", (other,), {"members": ["vpd"]}, valid=_LAPSED))
    if rng.random() < 0.3:
        agreements.append(Agreed("abroad", (other,), {"country": "FRA"}))
    if rng.random() < 0.3:
        agreements.append(Agreed("audits", (other,), {"classes": ["auditor"]}, ("audit",)))
    rng.shuffle(agreements)
    return Spec(never, tuple(agreements)), form


_LAPSED: Mapping[str, date] = {"from": date(2026, 1, 1), "to": date(2026, 5, 31)}


def draw_grant(rng: Random, catalog: Catalog, form: str) -> Granted:
    """One grant."""
    names = list(catalog.relations)
    link = tuple(rng.sample(names, rng.randint(max(1, len(names) - 1), len(names))))
    show: dict[RelationName, dict[str, str]] = {
        name: {
            str(column.name): draw_mask(rng, column)
            for column in catalog.relations[name].columns[1:]
            if rng.random() < 0.6
        }
        for name in link
    }
    rows: dict[RelationName, Tests] = {}
    if form == "list" or rng.random() < 0.12:
        name = rng.choice(link)
        rows[name] = draw_tests(rng, catalog.relations[name].columns[1:], most=5)
    key_sets = tuple(draw_key_set(rng, catalog, link) for _ in range(rng.choice((1, 1, 2))))
    first_by = [str(place) for place in rng.sample(places_of(catalog), 1)]
    return Granted(
        form,
        link,
        show,
        rows,
        by=() if form == "list" else key_sets,
        row_cap=rng.choice((1, 3, 50, 50)),
        literal_cap=rng.choice((2, 5, 10)),
        first_by=tuple(first_by) if form == "pointer" else (),
    )


def draw_mask(rng: Random, column: Column) -> str:
    """A mask that the column's type takes."""
    masks = {
        ColumnType.TEXT: ["first 2", "first 1", "pseudonym day", "pseudonym year"],
        ColumnType.INTEGER: ["bucket 5", "round 10"],
        ColumnType.BIGINT: ["bucket 5", "round 10"],
        ColumnType.DOUBLE: ["round 2"],
        ColumnType.DATE: ["year", "month"],
        ColumnType.TIMESTAMP: ["year", "month", "day"],
    }.get(column.type, [])
    taken = [mask for mask in masks if not (column.is_id and mask.startswith("first"))]
    return rng.choice(["as is", "as is", *taken, "null"])


def draw_tests(rng: Random, columns: Sequence[Column], most: int = 2) -> Tests:
    """Tests of one row, of one column or two, each of at most so many values."""
    chosen = rng.sample(list(columns), min(len(columns), rng.choice((1, 1, 1, 2))))
    return {column.name: _test(rng, column, most) for column in chosen}


def _test(rng: Random, column: Column, most: int) -> dict[str, object]:
    chance = rng.random()
    if chance < 0.06:
        return {"null": True}
    if column.type in (ColumnType.DATE, ColumnType.TIMESTAMP):
        if chance < 0.3:
            return {"from": "today - 365", "to": rng.choice(_DAYS)}
        return {rng.choice(("before", "from", "to")): rng.choice(_DAYS)}
    if column.codes:
        return {"in": rng.sample(CODES, min(most, 2))}
    if column.is_id:
        return {"in": rng.sample(("1", "2", "3", "4"), min(most, 4))}
    if column.type is ColumnType.TEXT and chance < 0.25:
        return {"equal_to": rng.choice(("requester", "requester country"))}
    values = TRIED[column.type]
    if chance < 0.5 and most < 3:
        return {"equal": rng.choice(values)}
    return {"in": rng.sample(values, min(len(values), most))}


def draw_never(rng: Random, catalog: Catalog) -> Never:
    """What is never seen: rows, columns, or a whole relation."""
    names = list(catalog.relations)
    name, chance = rng.choice(names), rng.random()
    relation = catalog.relations[name]
    if chance < 0.06:
        return Never(name)
    if chance < 0.2:
        return Never(name, columns=(rng.choice(relation.columns[1:]).name,))
    tests = draw_tests(rng, relation.columns[1:])
    return Never(name, tests, stays=tuple(one for one in names if rng.random() < 0.12))


def _parties(rng: Random) -> Mapping[str, object]:
    fits: list[Mapping[str, object]] = [
        {"members": ["vpd"]},
        {"classes": ["municipal", "federal"]},
        {"classes": ["municipal"], "country": "CAN"},
        {"country": ["CAN", "USA"]},
    ]
    return rng.choice(fits) if rng.random() < 0.97 else {"classes": ["federal"]}


# --- keys ------------------------------------------------------------------------------------


def draw_key_set(rng: Random, catalog: Catalog, link: Sequence[RelationName]) -> tuple[Key, ...]:
    """One to three keys, of linked relations, the first one not optional."""
    places = [place for place in places_of(catalog) if place.relation in link]
    if rng.random() < 0.75:
        name = rng.choice(link)
        places = [place for place in places if place.relation == name]
    chosen = rng.sample(places, min(len(places), rng.choice((1, 1, 2, 3))))
    keys = [_key(rng, place, is_first=n == 0) for n, place in enumerate(chosen)]
    texts = [
        place.column.name
        for place in places
        if place.relation == chosen[0].relation and _is_open_text(place)
    ]
    if len(texts) > 1 and rng.random() < 0.4:
        keys = [Key(chosen[0].relation, tuple(texts[:2]), _ALIKE), *keys[1:]]
    used = {column for key in keys[:1] for column in key.columns}
    rest = [k for k in keys[1:] if k.relation != keys[0].relation or not used & {*k.columns}]
    return (keys[0], *rest)


_ALIKE: Mapping[str, object] = {"similar": "name_sim", "at_least": 0.8}


def _key(rng: Random, place: Place, *, is_first: bool) -> Key:
    options: list[str | Mapping[str, object]] = ["equal", {"in": 3}]
    if not is_first:
        options.append("optional equal")
    if place.column.type is ColumnType.DATE:
        options += [{"within_days": 2}, {"within_days": 2}]
    if _is_open_text(place):
        options += [
            {"first": 2},
            {"first": 1, "in": 3},
            {"normal": "name"},
            {"normal": "document", "in": 3},
            {"normal": "phone CA"},
            {"in": 3, "min_length": 2},
            _ALIKE,
        ]
    return Key(place.relation, (place.column.name,), rng.choice(options))


def _is_open_text(place: Place) -> bool:
    column = place.column
    return column.type is ColumnType.TEXT and not column.is_id and not column.codes
