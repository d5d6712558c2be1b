"""What a `never` reaches: chains, missing references, what stays, and circles."""

from datetime import date

import pytest

from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.policy.bound import KeepUnless, KeepWithParent
from narrows.core.policy.cascade import keeps_of, reaches, restricted_by
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.model import ColumnTest, NeverRows, Policy, RowTest, Said
from narrows.core.policy.rows import Row, Tables, keeps_row
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Digest,
    Holder,
    MemberName,
    Purpose,
    RelationName,
    Scalar,
    TypedValue,
)

CASE, ROLE, NOTE, LOOSE = map(RelationName, ("case_file", "involvement", "remark", "loose"))
CASE_ID, ROLE_ID, STATUS, UNTIL = map(ColumnName, ("case_id", "role_id", "status", "until"))
DAY = date(2026, 6, 1)
ASKED = Circumstances(
    Requester(MemberName("vpd"), "municipal", "CAN"),
    Purpose("licensing"),
    "lookup",
    DAY,
    frozenset(),
)


def relation(
    name: RelationName, columns: tuple[ColumnName, ...], *references: Reference
) -> Relation:
    found = (HOLDER, *(Column(column, ColumnType.TEXT) for column in columns))
    return Relation(name, found, columns[:1], references)


def catalog_of(*relations: Relation) -> Catalog:
    return Catalog("test", 1, "UTC", (), {found.name: found for found in relations}, {})


CATALOG = catalog_of(
    relation(CASE, (CASE_ID, STATUS, UNTIL)),
    relation(ROLE, (ROLE_ID, CASE_ID), Reference((CASE_ID,), CASE)),
    relation(NOTE, (ColumnName("remark_id"), ROLE_ID), Reference((ROLE_ID,), ROLE)),
    relation(LOOSE, (ColumnName("loose_id"),)),
)
SEALED = ColumnTest(STATUS, "in", (TypedValue(ColumnType.TEXT, "SEALED"),))


def never(*stays: RelationName, tests: tuple[ColumnTest, ...] = (SEALED,)) -> NeverRows:
    return NeverRows("never[1]", 4, CASE, RowTest(tests), "the Act", frozenset(stays))


def policy_of(*clauses: NeverRows) -> Policy:
    return Policy(Holder("vpd"), 1, date(2026, 1, 1), clauses, (), Digest(bytes(32)))


def row(**values: Scalar) -> Row:
    return {ColumnName(name): value for name, value in values.items()}


TABLES: Tables = {
    CASE: [
        row(case_id="open", status="OPEN", until=None),
        row(case_id="sealed", status="SEALED", until=None),
        row(case_id="odd", status=None, until=None),
    ],
    ROLE: [
        row(role_id=name, case_id=name) for name in ("open", "sealed", "odd", "orphan")
    ] + [row(role_id="none", case_id=None)],
    NOTE: [
        row(remark_id="1", role_id=name)
        for name in ("open", "sealed", "odd", "orphan", "none", "nowhere", None)
    ],
}  # fmt: skip


def kept(name: RelationName, key: ColumnName, policy: Policy, catalog: Catalog) -> list[Scalar]:
    keeps = keeps_of(policy, catalog, name, ASKED)
    return [
        found[key]
        for found in TABLES[name]
        if all(keeps_row(keep, found, TABLES) for keep in keeps)
    ]


@pytest.mark.parametrize(("name", "key"), [(CASE, CASE_ID), (ROLE, ROLE_ID), (NOTE, ROLE_ID)])
def test_a_hidden_row_hides_all_that_hangs_on_it_and_unknown_hides_too(
    name: RelationName, key: ColumnName
) -> None:
    assert kept(name, key, policy_of(never()), CATALOG) == ["open"]
    assert len(kept(name, key, policy_of(), CATALOG)) == len(TABLES[name])


def test_a_chain_is_a_nest_of_semi_joins() -> None:
    (found,) = keeps_of(policy_of(never()), CATALOG, NOTE, ASKED)
    assert isinstance(found, KeepWithParent)
    assert (found.columns, found.parent, found.keys) == ((ROLE_ID,), ROLE, (ROLE_ID,))
    (inner,) = found.keep
    assert isinstance(inner, KeepWithParent)
    assert inner.parent == CASE
    assert isinstance(inner.keep[0], KeepUnless)


def test_what_stays_is_left_alone_with_all_behind_it() -> None:
    clause = never(ROLE)
    assert [reaches(clause, CATALOG, name) for name in (CASE, ROLE, NOTE)] == [True, False, False]
    clause = never(NOTE)
    assert [reaches(clause, CATALOG, name) for name in (CASE, ROLE, NOTE)] == [True, True, False]
    assert kept(CASE, CASE_ID, policy_of(never(CASE)), CATALOG) == ["open"]


def test_what_references_nothing_is_not_reached() -> None:
    policy = policy_of(never())
    assert not keeps_of(policy, CATALOG, LOOSE, ASKED)
    assert restricted_by(policy, CATALOG, (LOOSE,)) == ()
    assert restricted_by(policy, CATALOG, (LOOSE, NOTE)) == ("never[1]",)


def test_a_circle_of_references_comes_to_an_end() -> None:
    circle = catalog_of(
        relation(CASE, (CASE_ID, STATUS, UNTIL, ROLE_ID), Reference((ROLE_ID,), ROLE)),
        relation(ROLE, (ROLE_ID, CASE_ID), Reference((CASE_ID,), CASE)),
    )
    assert reaches(never(), circle, CASE)
    assert reaches(never(), circle, ROLE)
    (found,) = keeps_of(policy_of(never()), circle, ROLE, ASKED)
    assert isinstance(found, KeepWithParent)
    assert isinstance(found.keep[0], KeepUnless)


def test_today_is_the_day_of_the_request() -> None:
    past = never(tests=(ColumnTest(UNTIL, "before", (Said.TODAY,)),))
    (found,) = keeps_of(policy_of(past), CATALOG, CASE, ASKED)
    assert isinstance(found, KeepUnless)
    assert found.tests[0].values == (TypedValue(ColumnType.DATE, DAY),)


def test_every_clause_counts() -> None:
    missing = never(tests=(ColumnTest(UNTIL, "null"),))
    assert kept(CASE, CASE_ID, policy_of(never(), missing), CATALOG) == []
    assert len(keeps_of(policy_of(never(), missing), CATALOG, NOTE, ASKED)) == 2
