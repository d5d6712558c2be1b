"""Which rows exist for a request: what `never` reaches, and the rows that a grant is about.

A row that references a hidden row is hidden too, transitively, by a semi-join that fails closed:
a reference that is NULL, or that leads to no row, hides. Without the cascade, every suspect of a
sealed case came out through `involvement` (111 of 111 in a trial).
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime

from narrows.core.catalog import Catalog, Reference
from narrows.core.policy.bound import BoundTest, Keep, KeepOnly, KeepUnless, KeepWithParent
from narrows.core.policy.decision import Circumstances
from narrows.core.policy.model import (
    ColumnTest,
    DaysFromToday,
    NeverRows,
    OnlyRows,
    Policy,
    Said,
    TestValue,
)
from narrows.core.terms import ColumnType, RelationName, TypedValue


def keeps_of(
    policy: Policy, catalog: Catalog, relation: RelationName, circumstances: Circumstances
) -> tuple[Keep, ...]:
    """What every row of the relation must pass: clause by clause, in the policy's order."""
    kinds = _Filling(catalog, circumstances)
    return tuple(
        keep for never in policy.never for keep in _keeps(never, kinds, relation, frozenset())
    )


def only_of(
    only: Iterable[OnlyRows],
    catalog: Catalog,
    relation: RelationName,
    asked: Collection[RelationName],
    circumstances: Circumstances,
) -> tuple[Keep, ...]:
    """What a grant about some rows asks of the rows of the relation.

    Where the relation that says which is not `asked` for itself, the rows that refer to one of
    them by the catalog's references stay.
    """
    kinds = _Filling(catalog, circumstances)
    return tuple(
        keep
        for one in only
        if one.relation == relation or one.relation not in asked
        for keep in _onlys(one, kinds, relation, frozenset())
    )


def without_hidden_parents(
    keeps: Iterable[Keep], policy: Policy, catalog: Catalog, circumstances: Circumstances
) -> tuple[Keep, ...]:
    """The keeps of a grant's rows, by no parent that a `never` hides.

    Where what refers to a hidden row stays, a test of that row would tell of it, by who is given.
    """
    return tuple(
        KeepWithParent(
            keep.columns,
            keep.parent,
            keep.keys,
            (
                *keeps_of(policy, catalog, keep.parent, circumstances),
                *without_hidden_parents(keep.keep, policy, catalog, circumstances),
            ),
        )
        if isinstance(keep, KeepWithParent)
        else keep
        for keep in keeps
    )


def restricted_by(
    policy: Policy, catalog: Catalog, relations: Iterable[RelationName]
) -> tuple[str, ...]:
    """The ids of the `never` clauses on rows that reach one of the relations."""
    wanted = sorted(relations)
    return tuple(
        never.clause
        for never in policy.never
        if any(reaches(never, catalog, relation) for relation in wanted)
    )


def reaches(never: NeverRows, catalog: Catalog, relation: RelationName) -> bool:
    """Whether the clause hides rows of the relation, itself or by the cascade."""
    return _reaches(never, catalog, relation, frozenset())


def leads_to(catalog: Catalog, relation: RelationName, wanted: RelationName) -> bool:
    """Whether rows of the relation are rows of `wanted`, or refer to such, directly or not."""
    return _leads_to(catalog, relation, wanted, frozenset())


def _leads_to(
    catalog: Catalog,
    relation: RelationName,
    wanted: RelationName,
    above: frozenset[RelationName],
) -> bool:
    return relation == wanted or (
        relation not in above
        and any(
            _leads_to(catalog, one.relation, wanted, above | {relation})
            for one in catalog.relations[relation].references
        )
    )


def _reaches(
    never: NeverRows, catalog: Catalog, relation: RelationName, above: frozenset[RelationName]
) -> bool:
    if never.relation == relation:
        return True
    if relation in never.stays or relation in above:
        return False
    references = catalog.relations[relation].references
    return any(_reaches(never, catalog, one.relation, above | {relation}) for one in references)


class _Filling:
    """Fills in what is known only when a request comes."""

    def __init__(self, catalog: Catalog, circumstances: Circumstances) -> None:
        self.catalog = catalog
        self._circumstances = circumstances

    def tests(self, relation: RelationName, tests: Iterable[ColumnTest]) -> tuple[BoundTest, ...]:
        types = {column.name: column.type for column in self.catalog.relations[relation].columns}
        return tuple(
            BoundTest(
                test.column,
                test.op,
                tuple(self._value(value, types[test.column]) for value in test.values),
            )
            for test in tests
        )

    def _value(self, value: TestValue, kind: ColumnType) -> TypedValue:
        match value:
            case TypedValue():
                return value
            case Said.COUNTRY:
                return TypedValue(ColumnType.TEXT, self._circumstances.requester.country)
            case Said.MEMBER:
                return TypedValue(ColumnType.TEXT, self._circumstances.requester.member)
            case Said.TODAY:
                return self._day(0, kind)
            case DaysFromToday(days):  # pragma: no branch - INVARIANT: closed union
                return self._day(days, kind)

    def _day(self, days: int, kind: ColumnType) -> TypedValue:
        day = _shifted(self._circumstances.day, days)
        if kind is ColumnType.TIMESTAMP:
            midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - canonical
            return TypedValue(kind, midnight)
        return TypedValue(ColumnType.DATE, day)


def _keeps(
    never: NeverRows,
    filling: _Filling,
    relation: RelationName,
    above: frozenset[RelationName],
) -> tuple[Keep, ...]:
    found: list[Keep] = []
    if never.relation == relation:
        found.append(KeepUnless(filling.tests(relation, never.test.tests)))
    if relation in never.stays or relation in above:
        # INVARIANT: a cycle of references ends at the relation that is met twice; its own rows
        # are tested where it was met first.
        return tuple(found)
    for reference in filling.catalog.relations[relation].references:
        inner = _keeps(never, filling, reference.relation, above | {relation})
        if inner:
            found.append(_with_parent(filling.catalog, reference, inner))
    return tuple(found)


def _onlys(
    only: OnlyRows,
    filling: _Filling,
    relation: RelationName,
    above: frozenset[RelationName],
) -> tuple[Keep, ...]:
    if only.relation == relation:
        return (KeepOnly(filling.tests(relation, only.test.tests)),)
    if relation in above:
        return ()
    found: list[Keep] = []
    for reference in filling.catalog.relations[relation].references:
        inner = _onlys(only, filling, reference.relation, above | {relation})
        if inner:
            found.append(_with_parent(filling.catalog, reference, inner))
    return tuple(found)


def _with_parent(catalog: Catalog, reference: Reference, keep: tuple[Keep, ...]) -> KeepWithParent:
    keys = catalog.relations[reference.relation].key
    return KeepWithParent(reference.columns, reference.relation, keys, keep)


def _shifted(day: date, days: int) -> date:
    """The day so many days later; the calendar's end where it would lie beyond."""
    ordinal = min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal())
    return date.fromordinal(ordinal)
