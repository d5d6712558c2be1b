"""What a `never` on rows reaches: its relation, and what hangs on that by the catalog's references.

A row that references a hidden row is hidden too, transitively, by a semi-join that fails closed:
a reference that is NULL, or that leads to no row, hides. Without the cascade, every suspect of a
sealed case came out through `involvement` (111 of 111 in a trial).
"""

from collections.abc import Iterable
from datetime import date

from narrows.core.catalog import Catalog, Reference
from narrows.core.policy.bound import BoundTest, Keep, KeepUnless, KeepWithParent
from narrows.core.policy.model import Day, NeverRows, Policy
from narrows.core.terms import ColumnName, ColumnType, RelationName, TypedValue


def keeps_of(
    policy: Policy, catalog: Catalog, relation: RelationName, day: date
) -> tuple[Keep, ...]:
    """What every row of the relation must pass: clause by clause, in the policy's order."""
    return tuple(
        keep
        for never in policy.never
        for keep in _keeps(never, catalog, relation, day, frozenset())
    )


def restricted_by(
    policy: Policy, catalog: Catalog, relations: Iterable[RelationName]
) -> tuple[str, ...]:
    """The ids of the `never` clauses that reach one of the relations."""
    wanted = sorted(relations)
    return tuple(
        never.clause
        for never in policy.never
        if any(reaches(never, catalog, relation) for relation in wanted)
    )


def reaches(never: NeverRows, catalog: Catalog, relation: RelationName) -> bool:
    """Whether the clause hides rows of the relation, itself or by the cascade."""
    return bool(_keeps(never, catalog, relation, date.min, frozenset()))


def _keeps(
    never: NeverRows,
    catalog: Catalog,
    relation: RelationName,
    day: date,
    above: frozenset[RelationName],
) -> tuple[Keep, ...]:
    found: list[Keep] = []
    if never.relation == relation:
        found.append(
            KeepUnless(
                tuple(_fill(test.column, test.op, test.values, day) for test in never.test.tests)
            )
        )
    if relation in never.stays or relation in above:
        # INVARIANT: a cycle of references ends at the relation that is met twice; its own rows
        # are tested where it was met first.
        return tuple(found)
    for reference in catalog.relations[relation].references:
        inner = _keeps(never, catalog, reference.relation, day, above | {relation})
        if inner:
            found.append(_with_parent(catalog, reference, inner))
    return tuple(found)


def _with_parent(catalog: Catalog, reference: Reference, keep: tuple[Keep, ...]) -> KeepWithParent:
    keys = catalog.relations[reference.relation].key
    return KeepWithParent(reference.columns, reference.relation, keys, keep)


def _fill(column: str, op: str, values: tuple[TypedValue | Day, ...], day: date) -> BoundTest:
    filled = tuple(
        TypedValue(ColumnType.DATE, day) if isinstance(value, Day) else value for value in values
    )
    return BoundTest(ColumnName(column), op, filled)
