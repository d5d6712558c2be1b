"""`name_sim(a || ' ' || b, 'X') >= 0.9` as the filter `Similar`: columns, a constant, a threshold.

It goes down whole, since a holder may let a name be matched by likeness without showing it. What
is written in any other way stays above, over released names.
"""

from collections.abc import Mapping

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import ColumnOf, Similar, Slot
from narrows.core.sql import tree
from narrows.core.terms import ColumnName, ColumnType, RelationName, TypedValue

_BLANK = TypedValue(ColumnType.TEXT, " ")


def similar_of(
    term: tree.Expr, scans: Mapping[str, RelationName], catalog: Catalog
) -> Similar | None:
    """The condition as a `Similar` over columns of one of these scans; None for any other."""
    match term:
        case tree.Binary(
            ">=",
            tree.Call("name_sim", (left, right)),
            tree.Literal(TypedValue(value=int() | float() as at_least)),
        ):
            pass
        case _:
            return None
    for names, constant in ((left, right), (right, left)):
        columns, value = _columns(names), _constant(constant)
        if columns and value is not None and _are_of_one_scan(columns, scans, catalog):
            terms = tuple(ColumnOf(one.source, ColumnName(one.column)) for one in columns)
            return Similar(terms, value, float(at_least)) if 0 <= at_least <= 1 else None
    return None


def _columns(term: tree.Expr) -> tuple[tree.Ref, ...]:
    """The columns that blanks join, in order; none for any other expression."""
    match term:
        case tree.Ref():
            return (term,)
        case tree.Binary("||", tree.Binary("||", first, tree.Literal(blank)), tree.Ref() as last):
            before = _columns(first)
            return (*before, last) if before and blank == _BLANK else ()
    return ()


def _constant(term: tree.Expr) -> TypedValue | Slot | None:
    match term:
        case tree.Literal(value) if value.type is ColumnType.TEXT:
            return value
        case tree.Param(name, ColumnType.TEXT as kind):
            return Slot(name, kind)
    return None


def _are_of_one_scan(
    columns: tuple[tree.Ref, ...], scans: Mapping[str, RelationName], catalog: Catalog
) -> bool:
    sources = {column.source for column in columns}
    if len(sources) != 1 or not sources <= set(scans):
        return False
    relation = catalog.relations[scans[columns[0].source]]
    found = [relation.column(column.column) for column in columns]
    return all(one is not None and one.type is ColumnType.TEXT for one in found)
