"""A generated catalog: one to four relations with keys, references, every type, and codes."""

from dataclasses import dataclass
from random import Random

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName
from tests.proof.values import CODES

HOLDERS = (Holder("nsor"), Holder("osor"))
PURPOSES = ("audit", "inquiry", "licensing")
_NAMES = ("person", "paper", "visit", "dossier")
_KINDS = {
    "txt": ColumnType.TEXT,
    "nam": ColumnType.TEXT,
    "num": ColumnType.INTEGER,
    "big": ColumnType.BIGINT,
    "dbl": ColumnType.DOUBLE,
    "day": ColumnType.DATE,
    "ats": ColumnType.TIMESTAMP,
    "yes": ColumnType.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Place:
    """One column of one relation."""

    relation: RelationName
    column: Column

    def __str__(self) -> str:
        """As a policy spells it."""
        return f"{self.relation}.{self.column.name}"


def draw_catalog(rng: Random) -> Catalog:
    """A catalog in which each relation may refer to earlier ones."""
    count = rng.choice((1, 2, 2, 3, 3, 4))
    made: list[Relation] = []
    for name in _NAMES[:count]:
        made.append(draw_relation(rng, name, made, last=len(made) == count - 1))
    every = frozenset(one.name for one in made)
    fewer = every - {rng.choice(made).name} if count > 1 and rng.random() < 0.2 else every
    return Catalog(
        federation="proof",
        version=1,
        zone="UTC",
        purposes=PURPOSES,
        relations={one.name: one for one in made},
        holds={HOLDERS[0]: every, HOLDERS[1]: fewer},
    )


def places_of(catalog: Catalog) -> list[Place]:
    """Every column of every relation, but for `holder`."""
    return [
        Place(one.name, column) for one in catalog.relations.values() for column in one.columns[1:]
    ]


def is_key_of(catalog: Catalog, place: Place) -> bool:
    """Whether the column is a key, or refers to one."""
    relation = catalog.relations[place.relation]
    referring = {column for one in relation.references for column in one.columns}
    return place.column.name in {*relation.key, *referring}


def draw_relation(rng: Random, name: str, earlier: list[Relation], *, last: bool) -> Relation:
    """A relation that may refer to earlier ones; the last may have a key of two columns."""
    is_id = rng.random() < 0.7
    key = Column(ColumnName(f"{name}_id"), ColumnType.TEXT if is_id else ColumnType.BIGINT, is_id)
    columns, references, keys = [HOLDER, key], [], [key.name]
    if last and earlier and rng.random() < 0.15:
        part = Column(ColumnName("part"), ColumnType.BIGINT)
        columns.append(part)
        keys.append(part.name)
    parents = rng.sample(earlier, min(len(earlier), rng.choice((0, 1, 1, 1, 2))))
    for parent in parents or earlier[:1] * (rng.random() < 0.7):
        (parent_key,) = parent.key
        found = parent.column(parent_key)
        assert found is not None
        columns.append(found)
        references.append(Reference((parent_key,), parent.name))
    if rng.random() < 0.15:
        chief = Column(ColumnName("chief_id"), key.type, key.is_id)
        columns.append(chief)
        if len(keys) == 1:
            references.append(Reference((chief.name,), RelationName(name)))
    kinds = rng.sample(sorted(_KINDS), rng.randint(3, 5))
    columns += [Column(ColumnName(kind), _KINDS[kind]) for kind in kinds]
    if rng.random() < 0.6:
        columns.append(Column(ColumnName("state"), ColumnType.TEXT, codes=CODES))
    return Relation(RelationName(name), tuple(columns), tuple(keys), tuple(references))
