"""What travels and what does not: a column that the merge does not read stays where it is."""

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.terms import ColumnType, TypedValue

_ONE = tree.Item(tree.Literal(TypedValue(ColumnType.BIGINT, 1)), "one")


class Need(Enum):
    """Why a column is read: it is named, or only a star brings it."""

    NAMED = 1
    STAR = 2


def prune(query: tree.Query) -> tree.Query:
    """The query without outputs of subqueries that nobody reads.

    Where a subquery's star column is read by name, it counts as named; under `DISTINCT` and set
    operations every column takes part in the comparison of rows, and stays.
    """
    while (pruned := transform(query, _Pruning(query).change)) != query:
        query = pruned
    return query


def needed_columns(query: tree.Query) -> dict[tuple[str, str], Need]:
    """Each (alias, column) that the query reads, and why."""
    by_star: set[tuple[str, str]] = set()
    found: dict[tuple[str, str], Need] = {}
    star_terms = {
        id(one.term)
        for one in tree.walk(query)
        if isinstance(one, tree.Item) and one.from_star and isinstance(one.term, tree.Ref)
    }
    for one in tree.walk(query):
        if not isinstance(one, tree.Ref):
            continue
        key = one.source, one.column
        if id(one) in star_terms:
            by_star.add(key)
        else:
            found[key] = Need.NAMED
    return {**dict.fromkeys(sorted(by_star), Need.STAR), **found}


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
            case tree.Derived(alias, query, columns) if not columns:
                return replace(node, query=self._pruned(query, self._read([alias])))
            case tree.Cte(name, query, columns) if not columns:
                read = self._read(self._cte_aliases.get(name, []))
                return replace(node, query=self._pruned(query, read))
            case tree.Exists(query):
                return replace(node, query=self._emptied(query))
        return node

    def _read(self, aliases: list[str]) -> Mapping[str, Need]:
        found: dict[str, Need] = {}
        for (source, column), need in self._needs.items():
            if source in aliases and found.get(column) is not Need.NAMED:
                found[column] = need
        return found

    def _pruned(self, query: tree.Query, read: Mapping[str, Need]) -> tree.Query:
        body = query.body
        if not isinstance(body, tree.Select):
            return query
        items = tuple(
            replace(item, from_star=item.from_star and read.get(item.name) is not Need.NAMED)
            for item in body.items
            if body.distinct or item.name in read
        )
        return replace(query, body=replace(body, items=items or (_ONE,)))

    def _emptied(self, query: tree.Query) -> tree.Query:
        body = query.body
        if not isinstance(body, tree.Select) or body.group or body.having is not None:
            return query
        if query.offset is not None or _aggregates(body):
            return query
        return replace(query, body=replace(body, items=(_ONE,), distinct=False), order=())


def _aggregates(body: tree.Node) -> bool:
    return any(isinstance(one, tree.Call) for one in tree.walk(body))
