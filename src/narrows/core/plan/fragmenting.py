"""Scans taken out of a query into fragments, with the conditions that go down with them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from narrows.core.catalog import Catalog
from narrows.core.plan.codec import MAX_SCANS
from narrows.core.plan.draft import Draft
from narrows.core.plan.fragment import ColumnOf, Link
from narrows.core.plan.pushdown import (
    conjuncts,
    filter_of,
    holder_equality,
    holders_named,
    sources_of,
    types_compare,
)
from narrows.core.plan.regions import aliases_of, all_of, join_again, region_of, with_sides
from narrows.core.sql import tree
from narrows.core.sql.rebuild import rebuild
from narrows.core.terms import HOLDER_COLUMN, ColumnName, ColumnType, RelationName, TypedValue
from narrows.errors import UnsupportedQuery

_TRUE = TypedValue(ColumnType.BOOLEAN, value=True)


class Fragmenting:
    """One pass over a query; `drafts` are the fragments found, in order of appearance."""

    def __init__(self, catalog: Catalog) -> None:
        self.drafts: list[Draft] = []
        self._catalog = catalog
        self._inner: dict[tree.Query, tree.Query] = {}

    def query(self, query: tree.Query) -> tree.Query:
        """The query over fragments; references still name the scans."""
        ctes = tuple(replace(cte, query=self.query(cte.query)) for cte in query.ctes)
        body = query.body
        if isinstance(body, tree.SetOperation):
            both = replace(body, left=self.query(body.left), right=self.query(body.right))
            return replace(query, ctes=ctes, body=both)
        select = self._select(body)
        order = tuple(replace(key, term=self._term(key.term)) for key in query.order)
        return replace(query, ctes=ctes, body=select, order=order)

    def _select(self, select: tree.Select) -> tree.Select:
        source, where = select.source, list(conjuncts(select.where))
        if source is not None:
            source, where = self._place(source, where)
        having = None if select.having is None else self._term(select.having)
        return replace(
            select,
            source=source,
            where=all_of([self._term(condition) for condition in where]),
            items=tuple(replace(item, term=self._term(item.term)) for item in select.items),
            group=tuple(self._term(term) for term in select.group),
            having=having,
        )

    def _term(self, term: tree.Expr) -> tree.Expr:
        """The expression, its subqueries over fragments too."""
        match term:
            case tree.Exists(query):
                return tree.Exists(self._subquery(query))
            case tree.ScalarQuery(query):
                return tree.ScalarQuery(self._subquery(query))
            case tree.InQuery(inner, query):
                return tree.InQuery(self._term(inner), self._subquery(query))
        return rebuild(term, self._term)

    def _subquery(self, query: tree.Query) -> tree.Query:
        """The subquery over fragments; one that stands twice (`ORDER BY 1`) is asked once."""
        # INVARIANT: aliases are unique, so that equal subqueries are copies of one.
        found = self._inner.get(query)
        if found is None:
            found = self._inner[query] = self.query(query)
        return found

    def _place(
        self,
        source: tree.Source,
        above: Sequence[tree.Expr],
        beside: Sequence[tree.Expr] = (),
    ) -> tuple[tree.Source, list[tree.Expr]]:
        """The source over fragments, and the conditions that must stand above it.

        `above` are conditions that may soundly go into the source; rows of it that fail those
        `beside` count for nothing, but they read other sources too and stay where they are.
        """
        region = region_of(source)
        conditions = [*region.conditions, *above]
        equal = [
            pair for one in (*conditions, *beside) if (pair := holder_equality(one)) is not None
        ]
        scans = {leaf.alias: leaf.relation for leaf in region.leaves if isinstance(leaf, tree.Scan)}
        groups = _groups(scans, conditions, self._catalog)
        leaves: list[tree.Source] = []
        for leaf in region.leaves:
            if isinstance(leaf, tree.Scan):
                group = next(group for group in groups if leaf.alias in group)
                if leaf.alias == group[0]:
                    draft = self._draft({alias: scans[alias] for alias in group})
                    conditions = self._push(draft, conditions)
                    leaves.append(tree.FragmentScan(draft.name, ()))
                continue
            placed, conditions = self._leaf(leaf, conditions)
            leaves.append(placed)
        self._same_holders(frozenset(scans), equal)
        if len(leaves) == 1:
            return leaves[0], conditions
        # A subquery is better off above a join than in it; for an inner join it is the same.
        plain = [found for found in conditions if not _has_query(found)]
        rest = [found for found in conditions if _has_query(found)]
        named = self._by_fragment()
        return join_again(leaves, plain, named), rest

    def _leaf(
        self, leaf: tree.Source, conditions: list[tree.Expr]
    ) -> tuple[tree.Source, list[tree.Expr]]:
        match leaf:
            case tree.Derived():
                return replace(leaf, query=self.query(leaf.query)), conditions
            case tree.Join():
                return self._outer_join(leaf, conditions)
        return leaf, conditions

    def _outer_join(
        self, join: tree.Join, conditions: list[tree.Expr]
    ) -> tuple[tree.Source, list[tree.Expr]]:
        """An outer join over fragments.

        Conditions above go down into the preserved side only; those of `ON` into the other side
        only. What a side gives back stands above the join, or in `ON`, for the same reason.
        """
        on = list(conjuncts(join.on))
        if join.kind == "full":
            left, back = self._place(join.left, ())
            right, back_right = self._place(join.right, ())
            if back or back_right:
                raise UnsupportedQuery("a subquery stands in a condition under `FULL JOIN`")
            condition = all_of([self._term(term) for term in on])
            return replace(with_sides(join, left, right), on=condition), conditions
        is_left = join.kind == "left"
        kept, nullable = (join.left, join.right) if is_left else (join.right, join.left)
        mine = [found for found in conditions if sources_of(found) <= set(aliases_of(kept))]
        others = [found for found in conditions if found not in mine]
        below = [found for found in on if sources_of(found) <= set(aliases_of(nullable))]
        staying = [found for found in on if found not in below]
        one, above = self._place(kept, mine)
        other, back = self._place(nullable, below, beside=staying)
        condition = all_of([self._term(term) for term in (*staying, *back)])
        left, right = (one, other) if is_left else (other, one)
        always = condition or tree.Literal(_TRUE)
        return replace(with_sides(join, left, right), on=always), [*others, *above]

    def _draft(self, scans: dict[str, RelationName]) -> Draft:
        if len(scans) > MAX_SCANS:
            message = f"more than {MAX_SCANS} relations are joined at one holder"
            raise UnsupportedQuery(message, hint="ask in two questions")
        draft = Draft(f"f{len(self.drafts) + 1}", scans)
        self.drafts.append(draft)
        return draft

    def _push(self, draft: Draft, conditions: Sequence[tree.Expr]) -> list[tree.Expr]:
        """The conditions that stay above, after the fragment took those that go down."""
        return [found for found in conditions if not self._takes(draft, found)]

    def _takes(self, draft: Draft, condition: tree.Expr) -> bool:
        if not (sources := sources_of(condition)) or not sources <= set(draft.scans):
            return False
        if holder_equality(condition) is not None:
            return True
        if (holders := holders_named(condition, draft.scans, self._catalog)) is not None:
            draft.keep(holders)
            return True
        if (link := link_of(condition, draft.scans, self._catalog)) is not None:
            draft.links.add(link)
            return True
        found = filter_of(condition, draft.scans, self._catalog)
        if found is None or not types_compare(found, draft.scans, self._catalog):
            return False
        draft.filters.append(found)
        return True

    def _same_holders(self, scans: frozenset[str], equal: Sequence[tuple[str, str]]) -> None:
        """Nothing; a fragment of these scans is asked of no holder that its partner excludes."""
        drafts = {alias: draft for draft in self.drafts for alias in draft.scans}
        pairs = [pair for one, other in equal for pair in ((one, other), (other, one))]
        pairs = [pair for pair in pairs if pair[0] in scans and pair[1] in drafts]
        changed = True
        while changed:
            changed = False
            for mine, other in pairs:
                holders = drafts[other].holders
                changed |= holders is not None and drafts[mine].keep(holders)

    def _by_fragment(self) -> dict[str, frozenset[str]]:
        return {draft.name: frozenset(draft.scans) for draft in self.drafts}


def link_of(
    condition: tree.Expr, scans: Mapping[str, RelationName], catalog: Catalog
) -> Link | None:
    """The link that `a.key = b.key` makes, where both lead to one key; or None."""
    match condition:
        case tree.Binary("=", tree.Ref() as left, tree.Ref() as right):
            pass
        case _:
            return None
    if left.source == right.source or HOLDER_COLUMN in (left.column, right.column):
        return None
    if left.source not in scans or right.source not in scans:
        return None
    sides = [ColumnOf(side.source, ColumnName(side.column)) for side in (left, right)]
    domains = [catalog.key_domains.get((scans[side.alias], side.column)) for side in sides]
    if domains[0] is None or domains[0] != domains[1]:
        return None
    first, second = sorted(sides)
    return Link(first, second)


def _groups(
    scans: Mapping[str, RelationName], conditions: Sequence[tree.Expr], catalog: Catalog
) -> list[list[str]]:
    """The scans by group: joined, in one or more steps, by `holder` and by a key."""
    equal = [pair for one in conditions if (pair := holder_equality(one)) is not None]
    same_holder = _connected(list(scans), equal)
    place = {alias: number for number, group in enumerate(same_holder) for alias in group}
    links = [found for one in conditions if (found := link_of(one, scans, catalog)) is not None]
    keyed = [
        (link.left.alias, link.right.alias)
        for link in links
        if place[link.left.alias] == place[link.right.alias]
    ]
    return _connected(list(scans), keyed)


def _connected(names: list[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The names by connection, groups and members in their first order."""
    group = {name: name for name in names}
    for one, other in edges:
        if one in group and other in group:
            old, new = group[other], group[one]
            group = {name: new if found == old else found for name, found in group.items()}
    roots = dict.fromkeys(group.values())
    return [[name for name in names if group[name] == root] for root in roots]


def _has_query(term: tree.Expr) -> bool:
    return any(isinstance(one, tree.Query) for one in tree.walk(term))
