"""Whom a row is about, and what a pointer tells: columns that a node reads for its own ledger.

They are read beside the rows that leave, and never leave with them.
"""

from collections.abc import Mapping, Sequence

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Fragment
from narrows.core.policy.finish import coarsen
from narrows.core.policy.model import Grant, Mask, MaskKind, Policy
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    RelationName,
    Scalar,
    TypedValue,
)


def subject_columns(catalog: Catalog, fragment: Fragment) -> Mapping[ColumnOf, str]:
    """The columns that name the local subjects of a row, and their fields: keys, and references.

    Of each field the first column, in the order of the scans: what is linked is equal.
    """
    found: dict[str, ColumnOf] = {}
    for scan in fragment.scans:
        relation = catalog.relations[scan.relation]
        for column in (*relation.key, *(one for ref in relation.references for one in ref.columns)):
            field = field_of(catalog, scan.relation, column)
            found.setdefault(field, ColumnOf(scan.alias, column))
    return {column: field for field, column in found.items()}


def field_of(catalog: Catalog, relation: RelationName, column: ColumnName) -> str:
    """The name of a column's field; a key and what refers to it have one."""
    return ".".join(catalog.key_domains.get((relation, column), (relation, column)))


def contact_columns(policy: Policy, fragment: Fragment, grant: Grant) -> Mapping[ColumnOf, Mask]:
    """The columns that a pointer shows, whichever of them the question asked for.

    Both units are told by them; a pseudonym or a NULL would tell nobody anything.
    """
    return {
        ColumnOf(scan.alias, column): mask
        for scan in fragment.scans
        for column, mask in grant.show.get(scan.relation, {}).items()
        if column != HOLDER_COLUMN
        and mask.kind not in (MaskKind.PSEUDONYM, MaskKind.NULL)
        and not any(never.covers(scan.relation, column) for never in policy.never_columns)
    }


def spell_contact(
    fragment: Fragment, columns: Mapping[ColumnOf, Mask], values: Sequence[Scalar]
) -> dict[str, str]:
    """What a pointer tells, by `relation.column`; without what is NULL.

    Needs: the raw values of the columns, in their order.
    """
    found = {}
    for (column, mask), value in zip(columns.items(), values, strict=True):
        shown = coarsen(mask, value)
        if shown is not None:
            name = f"{fragment.relation_of(column.alias)}.{column.column}"
            found[name] = spell_value(shown)
    return found


def spell_value(value: Scalar) -> str:
    """A value as text. Needs: one that is not NULL."""
    return TypedValue(ColumnType.TEXT, value).text or ""
