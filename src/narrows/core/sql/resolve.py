"""Every name bound to the whole public catalog, before any policy is asked.

Scans, subqueries and common table expressions get unique names (`t1`, `c1`, …) in the order of
their appearance, stars are written out, `USING` becomes a condition, aliases and ordinals of
`GROUP BY` and `ORDER BY` become the terms that they stand for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from narrows.core.catalog import Catalog
from narrows.core.sql import tree
from narrows.core.sql.bodies import (
    group_terms,
    names_of,
    output_types,
    set_order,
    sort_terms,
    spelled_names,
)
from narrows.core.sql.grouping import check_select
from narrows.core.sql.rebuild import rebuild
from narrows.core.sql.scope import InSight, Output, Scope, Table, joined, unknown
from narrows.core.sql.types import agree, check_types, compare, expect_condition
from narrows.core.terms import ColumnType
from narrows.errors import MalformedQuery, UnsupportedQuery

MOST_COLUMNS = 256
MOST_FULL_JOINS = 4


def resolve(
    query: tree.Query, catalog: Catalog, parameters: Mapping[str, ColumnType]
) -> tree.ResolvedQuery:
    """The query with every name bound, and its output columns.

    Raises: MalformedQuery for names that mean nothing or several things, types that do not
    compare, misplaced aggregates, parameters missing or left over; UnsupportedQuery for what is
    sound SQL that the planner does not take.
    """
    resolver = _Resolver(catalog, parameters)
    found = resolver.query(query, None, {})
    for name in sorted(set(parameters) - resolver.used):
        raise MalformedQuery(f"the parameter `{name}` is given and not used")
    outputs = names_of(found)
    _check_width(outputs)
    return tree.ResolvedQuery(found, outputs)


def _check_width(names: Sequence[str]) -> None:
    """Nothing; refuses what stars have grown beyond what entries and plans can hold."""
    if len(names) > MOST_COLUMNS:
        message = f"a query has more than {MOST_COLUMNS} columns"
        raise UnsupportedQuery(message, hint="name those that are needed")


@dataclass(frozen=True, slots=True)
class _Known:
    """A common table expression in sight: its unique name and its columns."""

    name: str
    columns: tuple[Output, ...]


@dataclass(slots=True)
class _Resolver:
    catalog: Catalog
    parameters: Mapping[str, ColumnType]
    used: set[str] = field(default_factory=set)
    aliases: int = 0
    ctes: int = 0
    full_joins: int = 0

    def query(
        self, query: tree.Query, outer: Scope | None, known: Mapping[str, _Known]
    ) -> tree.Query:
        """A query within an outer scope and the common table expressions in sight."""
        known = dict(known)
        ctes = []
        for cte in query.ctes:
            if self.catalog.relation(cte.name) is not None or cte.name in known:
                message = f"`{cte.name}` would hide a relation or query of that name"
                raise UnsupportedQuery(message, hint="give it another name")
            inner = self.query(cte.query, None, known)
            self.ctes += 1
            unique = f"c{self.ctes}"
            known[cte.name] = _Known(unique, self._outputs(inner, cte.columns, cte.name))
            ctes.append(tree.Cte(unique, inner, cte.columns))
        if isinstance(query.body, tree.Select):
            body, order = self._select(query.body, query.order, outer, known)
            return replace(query, body=body, ctes=tuple(ctes), order=order)
        both = self._set_operation(query.body, outer, known)
        order = set_order(query.order, names_of(both.left))
        return replace(query, body=both, ctes=tuple(ctes), order=order)

    def _set_operation(
        self, body: tree.SetOperation, outer: Scope | None, known: Mapping[str, _Known]
    ) -> tree.SetOperation:
        left, right = self.query(body.left, outer, known), self.query(body.right, outer, known)
        kinds = output_types(left), output_types(right)
        if len(kinds[0]) != len(kinds[1]):
            raise MalformedQuery(f"the two sides of `{body.op}` differ in their number of columns")
        for one, other in zip(*kinds, strict=True):
            if not agree(one, other):
                raise MalformedQuery(f"`{body.op}` puts a `{one}` beside a `{other}`")
        return replace(body, left=left, right=right)

    def _select(
        self,
        select: tree.Select,
        order: tuple[tree.SortKey, ...],
        outer: Scope | None,
        known: Mapping[str, _Known],
    ) -> tuple[tree.Select, tuple[tree.SortKey, ...]]:
        scope, source = Scope(outer=outer), None
        if select.source is not None:
            source, scope = self._source(select.source, outer, known)
        within = _Terms(self, scope, known)
        items = spelled_names(tuple(one for item in select.items for one in within.items(item)))
        where = None if select.where is None else within.condition(select.where)
        group = tuple(
            term if is_done else within.term(term)
            for term, is_done in group_terms(select, items, scope)
        )
        having = None if select.having is None else within.condition(select.having)
        keys = tuple(
            key if is_done else replace(key, term=within.term(key.term))
            for key, is_done in sort_terms(order, items)
        )
        constants = (tree.Literal, tree.Null, tree.Param, tree.Today)
        keys = tuple(key for key in keys if not isinstance(key.term, constants))
        found = tree.Select(items, source, select.distinct, where, group, having)
        check_select(found, keys)
        if any(not any(isinstance(one, tree.Ref) for one in tree.walk(term)) for term in group):
            raise MalformedQuery("a group key names no column")
        return found, keys

    def _source(
        self, source: tree.Source, outer: Scope | None, known: Mapping[str, _Known]
    ) -> tuple[tree.Source, Scope]:
        match source:
            case tree.TableRef():
                return self._table(source, outer, known)
            case tree.Derived():
                # No outer scope: a subquery in FROM sees neither its siblings nor what is around.
                inner = self.query(source.query, None, known)
                columns = self._outputs(inner, source.columns, source.alias)
                table = Table(source.alias, self._alias(), columns)
                derived = tree.Derived(table.alias, inner, source.columns)
                return derived, Scope((table,), table.in_sight, outer)
            case tree.Join():
                return self._join(source, outer, known)
            case _:
                raise UnsupportedQuery("the query is resolved already")

    def _table(
        self, source: tree.TableRef, outer: Scope | None, known: Mapping[str, _Known]
    ) -> tuple[tree.Source, Scope]:
        alias = self._alias()
        cte = known.get(source.name)
        if cte is not None:
            table = Table(source.alias, alias, cte.columns)
            return tree.CteScan(alias, cte.name), Scope((table,), table.in_sight, outer)
        relation = self.catalog.relation(source.name)
        if relation is None:
            names = (*self.catalog.relations, *known)
            raise unknown("relation", source.name, names, source.position)
        columns = tuple(Output(column.name, column.type) for column in relation.columns)
        table = Table(source.alias, alias, columns)
        return tree.Scan(alias, relation.name), Scope((table,), table.in_sight, outer)

    def _join(
        self, source: tree.Join, outer: Scope | None, known: Mapping[str, _Known]
    ) -> tuple[tree.Join, Scope]:
        left, left_scope = self._source(source.left, outer, known)
        right, right_scope = self._source(source.right, outer, known)
        if source.kind == "full" and source.using:
            # Each is a `coalesce` around the one before, written out wherever the column is named.
            self.full_joins += 1
            if self.full_joins > MOST_FULL_JOINS:
                message = f"the query has more than {MOST_FULL_JOINS} `FULL JOIN … USING`"
                raise UnsupportedQuery(message, hint="write `ON`, or ask in two questions")
        merged: dict[str, tree.Expr] = {}
        equal: list[tree.Expr] = []
        for name in source.using:
            one, other = (
                Scope(side.tables, side.columns).find(tree.Name(None, name))
                for side in (left_scope, right_scope)
            )
            compare(one, other)
            equal.append(tree.Binary("=", one, other))
            merged[name] = _merged(source.kind, one, other)
        scope = joined(left_scope, right_scope, merged)
        on: tree.Expr | None = None
        if source.on is not None:
            on = _Terms(self, scope, known).condition(source.on)
        elif equal:
            on = equal[0] if len(equal) == 1 else tree.And(tuple(equal))
        return tree.Join(source.kind, left, right, on), scope

    def _outputs(
        self, query: tree.Query, columns: tuple[str, ...], name: str
    ) -> tuple[Output, ...]:
        names = names_of(query)
        if columns and len(columns) != len(names):
            raise MalformedQuery(f"`{name}` renames another number of columns than it has")
        names = columns or names
        _check_width(names)
        for one in names:
            if names.count(one) > 1:
                message = f"a subquery has two columns `{one}`"
                raise MalformedQuery(message, hint="give one of them another alias")
        kinds = output_types(query)
        return tuple(Output(one, kind) for one, kind in zip(names, kinds, strict=True))

    def _alias(self) -> str:
        self.aliases += 1
        return f"t{self.aliases}"


@dataclass(frozen=True, slots=True)
class _Terms:
    """Resolves the expressions of one select."""

    resolver: _Resolver
    scope: Scope
    known: Mapping[str, _Known]

    def items(self, item: tree.Item) -> tuple[tree.Item, ...]:
        """One item, or the many that a star stands for."""
        if not isinstance(item.term, tree.Star):
            return (replace(item, term=self.term(item.term)),)
        columns: tuple[InSight, ...] = self.scope.columns
        if item.term.qualifier is not None:
            table = self.scope.table(item.term.qualifier)
            if table is None:
                names = (one.name for one in self.scope.tables)
                raise unknown("source", item.term.qualifier, names, item.term.position)
            columns = table.in_sight
        if not columns:
            raise MalformedQuery("a star has no source", position=item.term.position)
        return tuple(tree.Item(one.term, one.name, from_star=True) for one in columns)

    def condition(self, term: tree.Expr) -> tree.Expr:
        """A term that is a condition."""
        found = self.term(term)
        expect_condition(found)
        return found

    def term(self, term: tree.Expr) -> tree.Expr:
        """The term with its names bound and its types checked."""
        match term:
            case tree.Name():
                return self.scope.find(term)
            case tree.Param():
                return self._parameter(term)
            case tree.InQuery() | tree.Exists() | tree.ScalarQuery():
                query = self.resolver.query(term.query, self.scope, self.known)
                if not isinstance(term, tree.Exists) and len(names_of(query)) != 1:
                    raise MalformedQuery("a subquery in the place of a value has one column")
                found: tree.Expr = replace(term, query=query)
                if isinstance(term, tree.InQuery):
                    found = tree.InQuery(self.term(term.term), query)
            case _:
                found = rebuild(term, self.term)
        try:
            check_types(found)
        except MalformedQuery as cause:
            raise MalformedQuery(
                cause.message, hint=cause.hint, position=_position_in(term)
            ) from cause
        return found

    def _parameter(self, term: tree.Param) -> tree.Param:
        kind = self.resolver.parameters.get(term.name)
        if kind is None:
            message = f"the parameter `{term.name}` is not given"
            raise MalformedQuery(message, position=term.position)
        self.resolver.used.add(term.name)
        return replace(term, type=kind)


def _merged(kind: str, left: tree.Expr, right: tree.Expr) -> tree.Expr:
    """What a column of `USING` stands for: the side that is never NULL, else the first that is not."""
    if kind == "full":
        return tree.Call("coalesce", (left, right))
    return right if kind == "right" else left


def _position_in(term: tree.Expr) -> int | None:
    """The first position that a term as written knows of."""
    for node in tree.walk(term):
        if isinstance(node, tree.Name | tree.Literal | tree.Param) and node.position is not None:
            return node.position
    return None
