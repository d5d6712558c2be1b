"""What travels and what does not: a column that the merge does not read stays where it is."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum

from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.sql.bodies import names_of
from narrows.core.sql.grouping import is_aggregate, near
from narrows.core.terms import ColumnType, TypedValue

_ONE = tree.Item(tree.Literal(TypedValue(ColumnType.BIGINT, 1)), "one")


class Need(Enum):
    """Why a column is read: it is named, or only a star brings it."""

    NAMED = 1
    STAR = 2


def prune(query: tree.Query) -> tree.Query:
    """The query without what nobody reads: outputs of subqueries, common table expressions.

    Where a subquery's star column is read by name, or compared, it counts as named: a holder that
    withholds it must refuse, since a NULL in its place would make the comparison say something
    false. Under `DISTINCT` and set operations that compare rows every column stays.
    """
    while (pruned := transform(query, _Pruning(query).change)) != query:
        query = pruned
    return query


def needed_columns(query: tree.Query) -> dict[tuple[str, str], Need]:
    """Each (alias, column) that the query reads, and why."""
    found: dict[tuple[str, str], Need] = {}
    for ref, need in _reads(query):
        key = ref.source, ref.column
        if found.get(key) is not Need.NAMED:
            found[key] = need
    return found


def _reads(node: tree.Node) -> Iterator[tuple[tree.Ref, Need]]:
    for child in tree.children(node):
        if isinstance(child, tree.Ref):
            is_star = isinstance(node, tree.Item) and node.from_star
            yield child, Need.STAR if is_star else Need.NAMED
        else:
            yield from _reads(child)


class _Pruning:
    """One round over one query: what is read of each subquery, then what of it may go."""

    def __init__(self, query: tree.Query) -> None:
        self._needs = needed_columns(query)
        self._cte_aliases: dict[str, list[str]] = {}
        for one in tree.walk(query):
            if isinstance(one, tree.CteScan):
                self._cte_aliases.setdefault(one.cte, []).append(one.alias)

    def change(self, node: tree.Node) -> tree.Node:
        match node:
            case tree.Query(tree.SetOperation()) if node.order:
                return self._without_unread(_named(node, _sorted_places(node)))
            case tree.Query():
                return self._without_unread(node)
            case tree.Derived(alias):
                return _pruned(node, self._read([alias]))
            case tree.Cte(name):
                return _pruned(node, self._read(self._cte_aliases.get(name, [])))
            case tree.Exists(query):
                return tree.Exists(_emptied(query))
            case tree.InQuery(_, query) | tree.ScalarQuery(query):
                return replace(node, query=_named(query, range(1)))
            case tree.SetOperation("intersect" | "except", _, left, right):
                every = range(len(names_of(left)))
                return replace(node, left=_named(left, every), right=_named(right, every))
        return node

    def _without_unread(self, query: tree.Query) -> tree.Query:
        return replace(query, ctes=tuple(c for c in query.ctes if c.name in self._cte_aliases))

    def _read(self, aliases: list[str]) -> Mapping[str, Need]:
        found: dict[str, Need] = {}
        for (source, column), need in self._needs.items():
            if source in aliases and found.get(column) is not Need.NAMED:
                found[column] = need
        return found


def _pruned(node: tree.Derived | tree.Cte, read: Mapping[str, Need]) -> tree.Derived | tree.Cte:
    """The subquery with its outputs read by name marked, and the unread ones gone if they may."""
    names = node.columns or names_of(node.query)
    by_name = [place for place, name in enumerate(names) if read.get(name) is Need.NAMED]
    query = _named(node.query, by_name)
    if not _is_bag(query):
        return replace(node, query=query)
    is_set = isinstance(query.body, tree.SetOperation)
    sorts = _sorted_places(query) if is_set else []
    kept = [place for place, name in enumerate(names) if name in read or place in sorts]
    if isinstance(query.body, tree.Select) and not node.columns:
        return replace(node, query=_only(query, kept or _first_aggregate(query.body)))
    # Both sides of a set operation, and names given from outside, keep at least one column.
    kept = kept or [0]
    if any(_first_aggregate(select) for select in _selects(query)):
        return replace(node, query=query)
    columns = tuple(node.columns[place] for place in kept) if node.columns else ()
    return replace(node, query=_only(query, kept), columns=columns)


def _sorted_places(query: tree.Query) -> list[int]:
    """The places of the outputs that a set operation is ordered by; these are keys by name."""
    keys = {key.term.column for key in query.order if isinstance(key.term, tree.Ref)}
    return [place for place, name in enumerate(names_of(query)) if name in keys]


def _named(query: tree.Query, places: range | list[int]) -> tree.Query:
    """The query whose outputs at these places count as named, in all its selects."""
    body = query.body
    if isinstance(body, tree.SetOperation):
        both = replace(body, left=_named(body.left, places), right=_named(body.right, places))
        return replace(query, body=both)
    items = tuple(
        replace(item, from_star=item.from_star and place not in places)
        for place, item in enumerate(body.items)
    )
    return replace(query, body=replace(body, items=items))


def _only(query: tree.Query, places: list[int]) -> tree.Query:
    """The query with the outputs at these places alone. Needs: it compares no rows."""
    body = query.body
    if isinstance(body, tree.SetOperation):
        both = replace(body, left=_only(body.left, places), right=_only(body.right, places))
        return replace(query, body=both)
    kept = tuple(item for place, item in enumerate(body.items) if place in places)
    # Without its aggregates an ungrouped select would give as many rows as it reads.
    if not any(_aggregates(item) for item in kept):
        extra = _first_aggregate(body)
        kept += tuple(body.items[place] for place in extra if place not in places)
    return replace(query, body=replace(body, items=kept or (_ONE,)))


def _is_bag(query: tree.Query) -> bool:
    """Whether rows are never compared, so that columns may go without changing their number."""
    body = query.body
    if isinstance(body, tree.Select):
        return not body.distinct
    return body.op == "union" and body.every and _is_bag(body.left) and _is_bag(body.right)


def _selects(query: tree.Query) -> Iterator[tree.Select]:
    if isinstance(query.body, tree.Select):
        yield query.body
    else:
        yield from _selects(query.body.left)
        yield from _selects(query.body.right)


def _emptied(query: tree.Query) -> tree.Query:
    """The query of an `EXISTS` with a constant for its outputs, where only rows count."""
    body = query.body
    if not isinstance(body, tree.Select) or query.offset is not None or _first_aggregate(body):
        return query
    return replace(query, body=replace(body, items=(_ONE,), distinct=False), order=())


def _first_aggregate(select: tree.Select) -> list[int]:
    """The place of the item that makes an ungrouped select give one row; none where none does."""
    if select.group or select.having is not None:
        return []
    return [place for place, item in enumerate(select.items) if _aggregates(item)][:1]


def _aggregates(item: tree.Item) -> bool:
    return any(is_aggregate(one) for one in near(item.term))
