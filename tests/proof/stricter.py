"""A policy made stricter in one way, such that what it then releases follows from what it did.

A new `never` tests what was shown as it is, and stays with its own relation: one that tests what
was not shown would speak of it, by what is missing. That is not a fault of the code but of such a
clause, and officers are told so.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from random import Random

from narrows.core.catalog import Catalog
from narrows.core.terms import RelationName
from tests.proof.policies import draw_tests
from tests.proof.spec import Granted, Never, Spec

_COARSER: Mapping[str, tuple[str, ...]] = {
    "first 2": ("first 1", "null"),
    "month": ("year", "null"),
    "day": ("month", "year", "null"),
    "bucket 5": ("bucket 10", "null"),
}
Way = Callable[[Random, Spec, Catalog], Spec]


def stricter(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    """The policy, stricter in one way or two."""
    for way in rng.sample(WAYS, rng.choice((1, 1, 2))):
        spec = way(rng, spec, catalog)
    return spec


def _column_dropped(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    return _each(spec, lambda grant: replace(grant, show=_dropped(rng, grant)))


def _mask_coarser(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    def coarser(grant: Granted) -> Granted:
        show = {
            name: {
                column: rng.choice(_COARSER.get(mask, ("null",))) if rng.random() < 0.4 else mask
                for column, mask in masks.items()
            }
            for name, masks in grant.show.items()
        }
        return replace(grant, show=show)

    return _each(spec, coarser)


def _never_columns(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    name = rng.choice(list(catalog.relations))
    column = rng.choice(catalog.relations[name].columns[1:]).name
    return replace(spec, never=(*spec.never, Never(name, columns=(column,))))


def _never_relation(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    return replace(spec, never=(*spec.never, Never(rng.choice(list(catalog.relations)))))


def _never_rows(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    name = rng.choice(list(catalog.relations))
    columns = [one for one in catalog.relations[name].columns[1:] if one.name in _plain(spec, name)]
    if not columns:
        return spec
    others = tuple(one for one in catalog.relations if one != name)
    never = Never(name, draw_tests(rng, columns), stays=others)
    return replace(spec, never=(*spec.never, never))


def _fewer_rows(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    def fewer(grant: Granted) -> Granted:
        return replace(grant, row_cap=min(grant.row_cap, 2), literal_cap=min(grant.literal_cap, 2))

    return _each(spec, fewer)


def _key_set_dropped(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    return _each(spec, lambda grant: replace(grant, by=grant.by[:1]))


def _link_dropped(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    return _each(spec, lambda grant: replace(grant, link=grant.link[:-1]))


def _term_over(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    over = {"from": date(2026, 1, 1), "to": date(2026, 3, 1)}
    return replace(spec, agreements=tuple(replace(one, valid=over) for one in spec.agreements))


def _more_required(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    needs = ("case_number",)
    return replace(spec, agreements=tuple(replace(one, requires=needs) for one in spec.agreements))


WAYS: tuple[Way, ...] = (
    _column_dropped,
    _mask_coarser,
    _mask_coarser,
    _never_columns,
    _never_relation,
    _never_rows,
    _never_rows,
    _never_rows,
    _fewer_rows,
    _key_set_dropped,
    _link_dropped,
    _term_over,
    _more_required,
)


def wider(rng: Random, spec: Spec, catalog: Catalog) -> Spec:
    """The policy with every linked column shown: for the negative control."""

    def more(grant: Granted) -> Granted:
        show: dict[RelationName, dict[str, str]] = {
            name: {str(one.name): "as is" for one in catalog.relations[name].columns[1:]}
            for name in grant.link
        }
        return replace(grant, show=show)

    return _each(spec, more)


def _each(spec: Spec, change: Callable[[Granted], Granted]) -> Spec:
    return replace(
        spec,
        agreements=tuple(
            replace(one, grants=tuple(change(grant) for grant in one.grants))
            for one in spec.agreements
        ),
    )


def _dropped(rng: Random, grant: Granted) -> dict[RelationName, dict[str, str]]:
    return {
        name: {column: mask for column, mask in masks.items() if rng.random() < 0.6}
        for name, masks in grant.show.items()
    }


def _plain(spec: Spec, name: RelationName) -> set[str]:
    """The columns that every grant which may give something of the relation shows as they are."""
    grants = [grant for one in spec.agreements for grant in one.grants if name in grant.relations]
    shown = [
        {column for column, mask in grant.show.get(name, {}).items() if mask == "as is"}
        for grant in grants
    ]
    never = {column for one in spec.never if one.relation == name for column in one.columns}
    return set.intersection(*shown) - never if shown else set()
