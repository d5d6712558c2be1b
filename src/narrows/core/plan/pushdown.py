"""What may go down into a fragment: conjuncts that are total and mean the same on every engine.

That is comparisons of types that compare, also of the day or year of a column with a constant,
`IN` and `BETWEEN` with constants, `LIKE` with a constant pattern, the first characters of a text,
`IS NULL`, and `AND`, `OR`, `NOT` of those (`docs/engines.md`). Everything else runs in the merge, over rows already
released, where an error can speak of nothing hidden.
"""

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import (
    Among,
    AnyOf,
    ColumnOf,
    Comparison,
    Every,
    Filter,
    FirstAmong,
    Like,
    Missing,
    Operand,
    Opposite,
    Similar,
    Slot,
    columns_of,
)
from narrows.core.plan.likeness import similar_of
from narrows.core.plan.patterns import goes_down, matches
from narrows.core.plan.restate import restated
from narrows.core.sql import tree
from narrows.core.terms import (
    HOLDER_COLUMN,
    ColumnName,
    ColumnType,
    Holder,
    RelationName,
    TypedValue,
)

TODAY_SLOT = ":today"
MAX_FIRST = 100
"""The most characters of a prefix that goes down."""
_COMPARE: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {
        "=": operator.eq,
        "<>": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
        "is distinct from": operator.ne,
        "is not distinct from": operator.eq,
    }
)
Scans = Mapping[str, RelationName]
"""The relation of each scan of one fragment, by alias."""


def conjuncts(term: tree.Expr | None) -> tuple[tree.Expr, ...]:
    """The terms of a top-level `AND`, flattened; none for no condition."""
    match term:
        case None:
            return ()
        case tree.And():
            return tuple(one for inner in term.terms for one in conjuncts(inner))
        case tree.Between(value, low, high):
            return (tree.Binary(">=", value, low), tree.Binary("<=", value, high))
    return (term,)


def sources_of(term: tree.Expr) -> frozenset[str]:
    """The aliases that a condition reads, subqueries included."""
    return frozenset(one.source for one in tree.walk(term) if isinstance(one, tree.Ref))


def filter_of(  # noqa: C901 - one arm a class
    term: tree.Expr, scans: Scans, catalog: Catalog
) -> Filter | None:
    """The condition as a filter over these scans, or None where it must stay above."""
    if (found_alike := similar_of(term, scans, catalog)) is not None:
        return found_alike
    if (plain := restated(term)) is not None:
        return filter_of(plain, scans, catalog)
    match term:
        case tree.Binary("=", tree.Call("substr") as call, item):
            return _first_among(call, (item,), scans, catalog)
        case tree.InList(tree.Call("substr") as call, items):
            return _first_among(call, items, scans, catalog)
        case tree.Binary(op, left, right) if op.lower() in _COMPARE:
            sides = _operand(left, scans, catalog), _operand(right, scans, catalog)
            return _comparison(op.lower(), *sides)
        case tree.Binary("LIKE", tree.Ref() as column, tree.Literal(value)) if goes_down(value):
            return Like(ColumnOf(column.source, _name(column)), value)
        case tree.Between():
            return _joined(conjuncts(term), scans, catalog, disjoint=False)
        case tree.InList(tree.Ref() as column, items):
            return _among(column, items, scans, catalog)
        case tree.IsNull(tree.Ref() as column):
            found = _operand(column, scans, catalog)
            return None if found is None else Missing(ColumnOf(column.source, _name(column)))
        case tree.And(terms) | tree.Or(terms):
            return _joined(terms, scans, catalog, disjoint=isinstance(term, tree.Or))
        case tree.Not(inner):
            found_inner = filter_of(inner, scans, catalog)
            return None if found_inner is None else Opposite(found_inner)
    return None


def _first_among(
    call: tree.Call, items: tuple[tree.Expr, ...], scans: Scans, catalog: Catalog
) -> FirstAmong | None:
    """`substr(column, 1, n) IN (items)`; None for any other `substr`."""
    match call.arguments:
        case (tree.Ref() as column, tree.Literal(start), tree.Literal(length)):
            pass
        case _:
            return None
    count = length.value
    if start.value != 1 or not isinstance(count, int) or not 0 < count <= MAX_FIRST:
        return None
    among = _among(column, items, scans, catalog)
    return None if among is None else FirstAmong(among.term, count, among.items)


def holder_equality(term: tree.Expr) -> tuple[str, str] | None:
    """The two aliases of `a.holder = b.holder`, or None."""
    match term:
        case tree.Binary("=", tree.Ref() as left, tree.Ref() as right):
            if left.column == right.column == HOLDER_COLUMN:
                return left.source, right.source
    return None


def holders_named(term: tree.Expr, scans: Scans, catalog: Catalog) -> frozenset[Holder] | None:
    """The holders that pass a condition on `holder` and constants alone; None for any other.

    The column is never NULL and one at each holder, so the planner can tell without asking.
    """
    found = filter_of(term, scans, catalog)
    if found is None or not types_compare(found, scans, catalog):
        return None
    if any(column.column != HOLDER_COLUMN for column in columns_of(found)):
        return None
    passed = {holder: _passes(found, holder) for holder in catalog.holders}
    if None in passed.values():
        return None
    return frozenset(holder for holder, passes in passed.items() if passes)


def _passes(found: Filter, holder: Holder) -> bool | None:
    """Whether a holder passes; None where that hangs on a parameter."""
    match found:
        case Comparison():
            left, right = _at(found.left, holder), _at(found.right, holder)
            return None if left is None or right is None else _COMPARE[found.op](left, right)
        case Among():
            items = [_at(item, holder) for item in found.items]
            return None if None in items else holder in items
        case FirstAmong():
            items = [_at(item, holder) for item in found.items]
            return None if None in items else holder[: found.length] in items
        case Like():
            return matches(str(found.pattern.value), holder)
        case Similar():
            return None
        case Missing():
            return False
        case Every() | AnyOf():
            terms = [_passes(term, holder) for term in found.terms]
            if None in terms:
                return None
            return all(terms) if isinstance(found, Every) else any(terms)
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            inner = _passes(found.term, holder)
            return None if inner is None else not inner


def _at(operand: Operand, holder: Holder) -> str | None:
    if isinstance(operand, ColumnOf):
        return holder
    return operand.text if isinstance(operand, TypedValue) else None


def _joined(
    terms: tuple[tree.Expr, ...], scans: Scans, catalog: Catalog, *, disjoint: bool
) -> Filter | None:
    found = [filter_of(term, scans, catalog) for term in terms]
    kept = tuple(one for one in found if one is not None)
    if len(kept) != len(found):
        return None
    return AnyOf(kept) if disjoint else Every(kept)


def _comparison(op: str, left: Operand | None, right: Operand | None) -> Filter | None:
    if left is None or right is None:
        return None
    if not isinstance(left, ColumnOf) and not isinstance(right, ColumnOf):
        return None
    return Comparison(op, left, right)


def _among(
    column: tree.Ref, items: tuple[tree.Expr, ...], scans: Scans, catalog: Catalog
) -> Among | None:
    kind = column_type(column, scans, catalog)
    values = [_constant(item) for item in items]
    fitting = tuple(
        value
        for value in values
        if value is not None and kind is not None and kind.compares_with(value.type)
    )
    if len(fitting) != len(items):
        return None
    return Among(ColumnOf(column.source, _name(column)), fitting)


def _operand(term: tree.Expr, scans: Scans, catalog: Catalog) -> Operand | None:
    if isinstance(term, tree.Ref):
        known = column_type(term, scans, catalog)
        return None if known is None else ColumnOf(term.source, _name(term))
    return _constant(term)


def _constant(term: tree.Expr) -> TypedValue | Slot | None:
    match term:
        case tree.Literal(value):
            return value
        case tree.Param(name, kind) if kind is not None:
            return Slot(name, kind)
        case tree.Today():
            return Slot(TODAY_SLOT, ColumnType.DATE)
    return None


def column_type(column: tree.Ref, scans: Scans, catalog: Catalog) -> ColumnType | None:
    """The type of a column of one of these scans; None for any other column."""
    relation = scans.get(column.source)
    found = None if relation is None else catalog.relations[relation].column(column.column)
    return None if found is None else found.type


def operand_type(operand: Operand, scans: Scans, catalog: Catalog) -> ColumnType | None:
    """The type of an operand of a filter over these scans."""
    if isinstance(operand, ColumnOf):
        return column_type(tree.Ref(operand.alias, operand.column), scans, catalog)
    return operand.type


def types_compare(found: Filter, scans: Scans, catalog: Catalog) -> bool:
    """Whether every comparison of a filter is of types that compare."""
    match found:
        case Comparison():
            left = operand_type(found.left, scans, catalog)
            right = operand_type(found.right, scans, catalog)
            return left is not None and right is not None and left.compares_with(right)
        case Among():
            kind = operand_type(found.term, scans, catalog)
            return kind is not None and all(kind.compares_with(item.type) for item in found.items)
        case FirstAmong():
            of_text = all(item.type is ColumnType.TEXT for item in found.items)
            return of_text and operand_type(found.term, scans, catalog) is ColumnType.TEXT
        case Like():
            return operand_type(found.term, scans, catalog) is ColumnType.TEXT
        case Similar():
            operands: tuple[Operand, ...] = (*found.terms, found.value)
            kinds = {operand_type(operand, scans, catalog) for operand in operands}
            return kinds == {ColumnType.TEXT}
        case Missing():
            return operand_type(found.term, scans, catalog) is not None
        case Every() | AnyOf():
            return all(types_compare(term, scans, catalog) for term in found.terms)
        case Opposite():  # pragma: no branch - INVARIANT: closed union
            return types_compare(found.term, scans, catalog)


def _name(column: tree.Ref) -> ColumnName:
    return ColumnName(column.column)
