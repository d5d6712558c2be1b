"""One small catalog for all tests of plans: people, their papers, cases, and the border."""

import pytest

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.terms import ColumnName, ColumnType, Holder, RelationName


def _relation(name: str, columns: str, key: str = "", parent: str = "") -> Relation:
    parts = [text.partition(":") for text in columns.split()]
    found = tuple(Column(ColumnName(one), ColumnType(kind or "text")) for one, _, kind in parts)
    references = (Reference((ColumnName("pid"),), RelationName(parent)),) if parent else ()
    keys = (ColumnName(key),) if key else ()
    return Relation(RelationName(name), (HOLDER, *found), keys, references)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    relations = (
        _relation("person", "pid name born:date age:integer height:double", "pid"),
        _relation("paper", "pid kind number other_pid", "", "person"),
        _relation("file", "file_id pid since:date sealed:boolean", "file_id", "person"),
        _relation("crossing", "cid number crossed_at:timestamp", "cid"),
    )
    police = frozenset(RelationName(name) for name in ("person", "paper", "file"))
    return Catalog(
        federation="test",
        version=1,
        zone="UTC",
        purposes=("any",),
        relations={found.name: found for found in relations},
        holds={
            Holder("border"): frozenset([RelationName("crossing")]),
            Holder("city"): police,
            Holder("registry"): police - {RelationName("file")},
        },
    )
