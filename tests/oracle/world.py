"""A drawn federation: relations, who holds which, rows of each holder, and its engine.

Rows have what wrong plans trip over: NULL, equal keys at several holders and at one, whole rows
that come twice, values that tie, a negative zero, first and last days, and holders without any.
Sums of what is drawn are exact in any order: numbers of type `double` are whole quarters.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from random import Random

import duckdb
import pyarrow as pa

from narrows.core.catalog import Catalog, Column, Relation
from narrows.core.normal import name_sim
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName, Scalar
from narrows.engines.arrow import schema_of
from tests.proof.pairs import Mutable
from tests.proof.schema import Place, draw_relation, is_key_of
from tests.proof.spec import Agreed, Granted, Spec, spell_policy
from tests.proof.views import Tables

NAMES = ("person", "paper", "visit", "dossier", "vehicle")
HOLDERS = tuple(map(Holder, ("east", "home", "lake", "north", "port", "west")))
KEPT = Column(ColumnName("kept"), ColumnType.BOOLEAN)
"""True in every row: a list is of the rows of a fixed filter, and this one filters nothing."""
VALUES: Mapping[ColumnType, tuple[Scalar, ...]] = {
    ColumnType.TEXT: ("Roy", "roy", "ab", "ab ", "abc", "Zoé", "", "O'Neil"),
    ColumnType.BOOLEAN: (True, False),
    ColumnType.INTEGER: (-7, 0, 1, 2, 5),
    ColumnType.BIGINT: (-7, 0, 1, 5, 2**53 + 1),
    ColumnType.DOUBLE: (-0.5, 0.0, -0.0, 1.5, 2.25),
    ColumnType.DATE: (date(1, 1, 1), date(1981, 3, 7), date(2026, 6, 1), date(9999, 12, 31)),
    ColumnType.TIMESTAMP: (
        datetime(1, 1, 1),  # noqa: DTZ001 - canonical
        datetime(2026, 6, 1, 12, 0, 0, 5),  # noqa: DTZ001 - canonical
        datetime(2026, 6, 1),  # noqa: DTZ001 - canonical
        datetime(9999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - canonical
    ),
}
_MOST_ROWS = (0, 9, 7, 5, 4, 3, 3)
"""By the number of holders, so that joins stay small."""


@dataclass(frozen=True, slots=True)
class World:
    """A catalog, what each holder holds, and on which engine."""

    catalog: Catalog
    tables: Mapping[Holder, Tables]
    engines: Mapping[Holder, str]


def draw_world(rng: Random) -> World:
    """A federation of one to six holders."""
    catalog = _catalog(rng)
    most = _MOST_ROWS[len(catalog.holds)]
    tables = {holder: _tables(rng, catalog, holder, most) for holder in catalog.holders}
    one = rng.random() < 0.4
    engines = {
        holder: "duckdb" if one else rng.choice(("duckdb", "sqlite", "sqlite", "postgresql"))
        for holder in catalog.holders
    }
    return World(catalog, tables, engines)


def policy_of(catalog: Catalog) -> Policy:
    """A policy with one grant, which lists all rows of all relations together, as they are."""
    names = tuple(catalog.relations)
    shown: dict[RelationName, dict[str, str]] = {
        n: {str(one.name): "as is" for one in catalog.relations[n].columns[1:]} for n in names
    }
    rows = {name: {"kept": {"equal": True}} for name in names}
    grant = Granted("list", names, shown, rows, row_cap=100_000)
    spec = Spec((), (Agreed("all", (grant,), {"members": ["vpd"]}),))
    first, *_ = catalog.holders
    return parse_policy(spell_policy(spec, first), catalog, "all.yaml")


def granting(policy: Policy, holder: Holder, sets: Iterable[frozenset[RelationName]]) -> Policy:
    """The policy of a holder that lists each of these sets of relations.

    Rows of a grant hold for what refers to them too, so that each set has a grant of its own, and the
    first that fits is the smallest.
    """
    (agreement,) = policy.agreements
    (whole,) = agreement.grants
    grants = tuple(
        replace(
            whole,
            link=chosen,
            show={name: whole.show[name] for name in sorted(chosen)},
            only=tuple(one for one in whole.only if one.relation in chosen),
        )
        for chosen in sorted(dict.fromkeys(sets), key=len)
    )
    return replace(policy, agency=holder, agreements=(replace(agreement, grants=grants),))


def union_of(catalog: Catalog, tables: Mapping[Holder, Tables]) -> duckdb.DuckDBPyConnection:
    """All rows of all holders in one database; ids as `holder:raw`.

    It optimizes nothing: what is pushed through an outer join there by mistake would hide, or seem
    to be, a mistake of ours.
    """
    database = duckdb.connect(":memory:", config={"threads": 1})
    database.execute("PRAGMA disable_optimizer")
    database.create_function("name_sim", name_sim, ["VARCHAR", "VARCHAR"], "DOUBLE")
    for name, relation in catalog.relations.items():
        rows = [
            {"holder": holder}
            | {
                one.name: f"{holder}:{row[one.name]}"
                if one.is_id and row[one.name] is not None
                else row[one.name]
                for one in relation.columns[1:]
            }
            for holder, found in tables.items()
            for row in found.get(name, ())
        ]
        schema = schema_of([(one.name, one.type) for one in relation.columns])
        database.register("incoming", pa.Table.from_pylist(rows, schema=schema))
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    return database


def with_kept(catalog: Catalog) -> Catalog:
    """The catalog with a column `kept` in every relation."""
    relations = {
        name: replace(found, columns=(*found.columns, KEPT))
        for name, found in catalog.relations.items()
    }
    return replace(catalog, relations=relations)


def _catalog(rng: Random) -> Catalog:
    made: list[Relation] = []
    count = rng.choice((2, 2, 3, 3, 4, 5))
    for name in NAMES[:count]:
        made.append(draw_relation(rng, name, made, last=len(made) == count - 1))
    if rng.random() < 0.2:
        # A relation without a key, of which nobody may think that its rows differ.
        made[-1] = replace(made[-1], key=(), references=made[-1].references[:0])
    every = frozenset(one.name for one in made)
    holders = rng.sample(HOLDERS, rng.choice((1, 2, 2, 3, 3, 3, 4, 5, 6)))
    holds = {
        holder: every - {rng.choice(made).name} if rng.random() < 0.25 else every
        for holder in sorted(holders)
    }
    relations = {one.name: one for one in made}
    return with_kept(Catalog("oracle", 1, "UTC", ("inquiry",), relations, holds))


def _tables(rng: Random, catalog: Catalog, holder: Holder, most: int) -> Mutable:
    is_empty = rng.random() < 0.06
    return {
        name: []
        if is_empty or rng.random() < 0.08
        else _rows(rng, catalog.relations[name], catalog, most)
        for name in catalog.relations
        if name in catalog.holds[holder]
    }


def _rows(rng: Random, relation: Relation, catalog: Catalog, most: int) -> list[dict[str, Scalar]]:
    rows = [_row(rng, relation, catalog, number) for number in range(rng.randint(1, most))]
    if rng.random() < 0.3:
        rows.append(dict(rng.choice(rows)))
    return rows


def _row(rng: Random, relation: Relation, catalog: Catalog, number: int) -> dict[str, Scalar]:
    row: dict[str, Scalar] = {}
    for place, column in enumerate(relation.columns[1:]):
        if column == KEPT:
            row[column.name] = True
        elif place == 0:
            row[column.name] = _key(column, number + 1 if rng.random() < 0.9 else 1)
        elif is_key_of(catalog, Place(relation.name, column)) or column.name.endswith("_id"):
            key = rng.choice((1, 1, 2, 2, 3, 4, 9))
            row[column.name] = None if rng.random() < 0.08 else _key(column, key)
        elif rng.random() < 0.12:
            row[column.name] = None
        else:
            row[column.name] = rng.choice(column.codes or VALUES[column.type])
    return row


def _key(column: Column, number: int) -> Scalar:
    return str(number) if column.type is ColumnType.TEXT else number
