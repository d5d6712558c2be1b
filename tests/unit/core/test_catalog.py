"""The digest of a catalog, and which columns may be linked."""

from dataclasses import replace

import pytest

from narrows.core.canonical import Json, canonical_bytes, parse_canonical
from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation, decode_catalog
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName, digest_of
from narrows.errors import MalformedRequest

PERSON, IDENTIFIER, ALERT = map(RelationName, ("person", "identifier", "alert"))
ID, VALUE = ColumnName("person_id"), ColumnName("ident_value")


def key_column(name: ColumnName = ID) -> Column:
    return Column(name, ColumnType.TEXT, is_id=True)


CATALOG = Catalog(
    federation="test",
    version=1,
    zone="UTC",
    purposes=("licensing", "audit"),
    relations={
        PERSON: Relation(PERSON, (HOLDER, key_column()), (ID,)),
        IDENTIFIER: Relation(
            IDENTIFIER,
            (HOLDER, key_column(), Column(VALUE, ColumnType.TEXT, codes=("A", "B"))),
            (ID,),
            (Reference((ID,), PERSON),),
        ),
        ALERT: Relation(ALERT, (HOLDER, key_column()), (), (Reference((ID,), IDENTIFIER),)),
    },
    holds={Holder("vpd"): frozenset({PERSON}), Holder("nsor"): frozenset({PERSON, ALERT})},
)


def with_relation(found: Relation) -> Catalog:
    return replace(CATALOG, relations={**CATALOG.relations, found.name: found})


def test_the_digest_is_that_of_the_canonical_bytes() -> None:
    assert CATALOG.digest == digest_of(CATALOG.encoded)
    assert CATALOG.encoded.startswith(b'{"federation":"test","holds":{"nsor":["alert","person"],')


def test_order_and_meanings_are_no_part_of_the_digest() -> None:
    turned = replace(
        CATALOG,
        purposes=tuple(reversed(CATALOG.purposes)),
        relations=dict(reversed(list(CATALOG.relations.items()))),
        holds=dict(reversed(list(CATALOG.holds.items()))),
    )
    assert turned.digest == CATALOG.digest
    told = replace(CATALOG.relations[PERSON], meaning="who is known")
    assert with_relation(told).digest == CATALOG.digest


IDENTIFIERS = CATALOG.relations[IDENTIFIER]


@pytest.mark.parametrize(
    "other",
    [
        replace(CATALOG, federation="other"),
        replace(CATALOG, version=2),
        replace(CATALOG, zone="America/Toronto"),
        replace(CATALOG, purposes=("licensing",)),
        replace(CATALOG, holds={Holder("vpd"): frozenset({PERSON})}),
        with_relation(replace(IDENTIFIERS, key=())),
        with_relation(replace(IDENTIFIERS, references=())),
        with_relation(replace(IDENTIFIERS, columns=IDENTIFIERS.columns[:2])),
        with_relation(
            replace(IDENTIFIERS, columns=(*IDENTIFIERS.columns[:2], Column(VALUE, ColumnType.DATE)))
        ),
        with_relation(replace(IDENTIFIERS, columns=(*IDENTIFIERS.columns[:2], key_column(VALUE)))),
    ],
)
def test_everything_else_is_part_of_the_digest(other: Catalog) -> None:
    assert other.digest != CATALOG.digest


def test_names_are_found_or_not() -> None:
    assert CATALOG.relation("person") is CATALOG.relations[PERSON]
    assert CATALOG.relation("people") is None
    assert IDENTIFIERS.column("ident_value") == IDENTIFIERS.columns[2]
    assert IDENTIFIERS.column("nothing") is None
    assert CATALOG.holders == ("nsor", "vpd")


def test_references_are_followed_to_their_end() -> None:
    assert CATALOG.key_domains == {
        (PERSON, ID): ("person", "person_id"),
        (IDENTIFIER, ID): ("person", "person_id"),
        (ALERT, ID): ("person", "person_id"),
    }


def test_a_column_that_is_no_key_has_no_domain() -> None:
    assert (IDENTIFIER, VALUE) not in CATALOG.key_domains


def test_a_cycle_of_references_ends_alike_from_everywhere() -> None:
    there = replace(CATALOG.relations[PERSON], references=(Reference((ID,), IDENTIFIER),))
    domains = set(with_relation(there).key_domains.values())
    assert domains == {("identifier", "person_id")}


def test_a_catalog_comes_back_from_its_canonical_bytes() -> None:
    found = decode_catalog(CATALOG.encoded)
    assert found.digest == CATALOG.digest
    assert found.relations[IDENTIFIER].references == CATALOG.relations[IDENTIFIER].references
    assert found.holds == CATALOG.holds


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("v", "narrows/catalog/v2"),
        ("version", "1"),
        ("version", True),
        ("zone", 1),
        ("purposes", "audit"),
        ("purposes", ["licensing", "audit"]),
        ("holds", []),
        ("more", 1),
        ("relations", {"person": {"columns": [], "key": []}}),
        (
            "relations",
            {"person": {"columns": [{"name": "a", "type": "uuid"}], "key": [], "references": []}},
        ),
        (
            "relations",
            {
                "person": {
                    "columns": [{"name": "a", "type": "text", "id": 1, "codes": []}],
                    "key": [],
                    "references": [],
                }
            },
        ),
    ],
)
def test_a_catalog_of_another_form_is_refused(name: str, value: Json) -> None:
    fields = parse_canonical(CATALOG.encoded)
    assert isinstance(fields, dict)
    with pytest.raises(MalformedRequest):
        decode_catalog(canonical_bytes({**fields, name: value}))
