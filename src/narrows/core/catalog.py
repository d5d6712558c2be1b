"""The catalog: relations, columns, keys, and who holds what. One snapshot, one digest.

The catalog is public within the federation; only rows are not. Every relation begins with the
column `holder`, which is constant at each node, so keys and references here leave it out: they
hold within one holder. A column marked as id is a local key, and leaves the node as
`holder:raw` (`nsor:1234`), so that equal raw keys of two holders never look alike.

The canonical bytes are those of this document (RFC 8785), relations and holders by name:

    {"v": "narrows/catalog/v1", "federation": "canada", "version": 1, "zone": "America/Toronto",
     "purposes": ["licensing", ...], "holds": {"nsor": ["person", ...], ...},
     "relations": {"person": {"columns": [{"name": "person_id", "type": "text", "id": true,
     "codes": []}, ...], "key": ["person_id"], "references": []}, ...}}

A column that holds the days between two others says so, `"same_as": ["depart_on", "notified_on"]`,
and only such a column has that key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    RelationName,
    digest_of,
)
from narrows.errors import MalformedRequest

CATALOG_FORMAT = "narrows/catalog/v1"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a relation; `codes` lists the values it may take, empty when it is open.

    `same_as` names two columns of days of which it is the first less the second, in days.
    """

    name: ColumnName
    type: ColumnType
    is_id: bool = False
    codes: tuple[str, ...] = ()
    meaning: str = ""
    same_as: tuple[ColumnName, ...] = ()


HOLDER = Column(HOLDER_COLUMN, ColumnType.TEXT, meaning="the member whose row it is")


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns that name a row of `relation` by its key, within the same holder."""

    columns: tuple[ColumnName, ...]
    relation: RelationName


@dataclass(frozen=True, slots=True)
class Relation:
    """A table of the federation. `columns` begins with `holder`; `key` leaves it out."""

    name: RelationName
    columns: tuple[Column, ...]
    key: tuple[ColumnName, ...] = ()
    references: tuple[Reference, ...] = ()
    meaning: str = ""

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Catalog:
    """What can be asked of a federation, and of whom. Has no `__slots__`: the digest is kept."""

    federation: str
    version: int
    zone: str
    purposes: tuple[str, ...]
    relations: Mapping[RelationName, Relation]
    holds: Mapping[Holder, frozenset[RelationName]]

    def relation(self, name: str) -> Relation | None:
        """The relation of that name, or None."""
        return self.relations.get(RelationName(name))

    @cached_property
    def holders(self) -> tuple[Holder, ...]:
        """Every holder, by name."""
        return tuple(sorted(self.holds))

    @cached_property
    def digest(self) -> Digest:
        """SHA-256 of the canonical bytes: what a request says it was made for."""
        return digest_of(self.encoded)

    @cached_property
    def encoded(self) -> bytes:
        """The canonical bytes; meanings are documentation and no part of them."""
        return canonical_bytes(
            {
                "v": CATALOG_FORMAT,
                "federation": self.federation,
                "version": self.version,
                "zone": self.zone,
                "purposes": sorted(self.purposes),
                "holds": {holder: sorted(names) for holder, names in self.holds.items()},
                "relations": {name: _encode(found) for name, found in self.relations.items()},
            }
        )

    @cached_property
    def key_domains(self) -> Mapping[tuple[RelationName, ColumnName], tuple[str, str]]:
        """For each key or referencing column, the key column that it takes its values from.

        Two columns of one domain may be linked: `identifier.person_id` and `alert.person_id`
        both lead to `person.person_id`. References are followed to their end; a cycle is
        named by the first of its columns, by name.
        """
        direct = {
            (name, column): (reference.relation, self.relations[reference.relation].key[place])
            for name, relation in self.relations.items()
            for reference in relation.references
            for place, column in enumerate(reference.columns)
        }
        keys = {
            (name, key): (name, key) for name, found in self.relations.items() for key in found.key
        }
        return {start: _follow(start, direct) for start in (*keys, *direct)}


def _follow(
    start: tuple[RelationName, ColumnName],
    direct: Mapping[tuple[RelationName, ColumnName], tuple[RelationName, ColumnName]],
) -> tuple[str, str]:
    seen = [start]
    while (onward := direct.get(seen[-1])) is not None and onward not in seen:
        seen.append(onward)
    # Only the cycle names itself: what leads into it would else give it another name.
    return seen[-1] if onward is None else min(seen[seen.index(onward) :])


def _encode(relation: Relation) -> Json:
    return {
        "columns": [_encode_column(column) for column in relation.columns],
        "key": list(relation.key),
        "references": [
            {"columns": list(reference.columns), "relation": reference.relation}
            for reference in relation.references
        ],
    }


def _encode_column(column: Column) -> Json:
    found: dict[str, Json] = {
        "name": column.name,
        "type": column.type.value,
        "id": column.is_id,
        "codes": list(column.codes),
    }
    return found | {"same_as": list(column.same_as)} if column.same_as else found


def decode_catalog(data: bytes) -> Catalog:
    """The catalog that these canonical bytes spell, without meanings; `Catalog.encoded` undoes it.

    Raises: MalformedRequest for anything but exactly the published format.
    """
    try:
        found = _decode(parse_canonical(data))
        is_exact = found.encoded == data
    except (TypeError, KeyError, ValueError) as cause:
        raise MalformedRequest("the catalog is not of the published format") from cause
    # What spells itself as the same bytes has no field of another type, none more and none less.
    if not is_exact:
        raise MalformedRequest(f"the catalog is not of format `{CATALOG_FORMAT}`")
    return found


def _decode(value: Json) -> Catalog:
    fields = _object(value)
    return Catalog(
        federation=_text(fields["federation"]),
        version=_whole(fields["version"]),
        zone=_text(fields["zone"]),
        purposes=tuple(_text(purpose) for purpose in _list(fields["purposes"])),
        relations={
            RelationName(name): _decode_relation(name, _object(found))
            for name, found in _object(fields["relations"]).items()
        },
        holds={
            Holder(holder): frozenset(RelationName(_text(name)) for name in _list(names))
            for holder, names in _object(fields["holds"]).items()
        },
    )


def _decode_relation(name: str, fields: Mapping[str, Json]) -> Relation:
    return Relation(
        name=RelationName(name),
        columns=tuple(_decode_column(_object(column)) for column in _list(fields["columns"])),
        key=tuple(ColumnName(_text(column)) for column in _list(fields["key"])),
        references=tuple(
            Reference(
                tuple(ColumnName(_text(column)) for column in _list(_object(found)["columns"])),
                RelationName(_text(_object(found)["relation"])),
            )
            for found in _list(fields["references"])
        ),
    )


def _decode_column(fields: Mapping[str, Json]) -> Column:
    return Column(
        ColumnName(_text(fields["name"])),
        ColumnType(_text(fields["type"])),
        is_id=fields["id"] is True,
        codes=tuple(_text(code) for code in _list(fields["codes"])),
        same_as=tuple(ColumnName(_text(name)) for name in _list(fields.get("same_as", []))),
    )


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value
