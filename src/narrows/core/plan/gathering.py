"""Rows that need not travel one by one: parts of aggregates, distinct rows, the first of an order.

Three rules, each for a fragment that stands where its rows are used up at once:

- `SELECT kind, count(*) … GROUP BY kind` over one fragment takes a count for each kind from each
  holder, and sums the counts. Every column that is read otherwise becomes one of the group, so that
  any expression, `FILTER` or condition over it is computed above, on whole groups.
- Where a row that comes twice counts once (`DISTINCT`, `UNION`, `EXISTS`, `IN`, `min`, `max`), it
  travels once.
- `ORDER BY … LIMIT n` over one fragment takes the first n of each holder, in the same total order.

What stays above is noted, with the reason: notes are static words and names of functions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from narrows.core.catalog import Catalog
from narrows.core.plan.draft import Draft
from narrows.core.plan.needs import needed_columns
from narrows.core.plan.pushdown import column_type
from narrows.core.plan.regions import all_of
from narrows.core.plan.shape import MAX_TOP, Measure, Top, TopKey
from narrows.core.sql import tree
from narrows.core.sql.grouping import is_aggregate, is_window, near
from narrows.core.sql.rebuild import rebuild
from narrows.core.terms import HOLDER_COLUMN, ColumnName, ColumnType, TypedValue

_ZERO = tree.Literal(TypedValue(ColumnType.BIGINT, 0))
_ONCE = ("min", "max", "bool_and", "bool_or")
"""The aggregates to which a value that comes twice is as one."""


@dataclass(slots=True)
class Gathering:
    """One pass over a query, which notes in each draft what becomes of its rows."""

    drafts: Mapping[str, Draft]
    catalog: Catalog

    def query(self, query: tree.Query, *, once: bool = False) -> tree.Query:
        """The query over gathered rows; `once` says that rows which come twice count once."""
        ctes = tuple(replace(cte, query=self.query(cte.query)) for cte in query.ctes)
        query = replace(query, ctes=ctes)
        once = once and query.limit is None and query.offset is None
        body = query.body
        if not isinstance(body, tree.SetOperation):
            return self._select(query, body, once=once)
        once = (once or not body.every) if body.op == "union" else not body.every
        left, right = self.query(body.left, once=once), self.query(body.right, once=once)
        return replace(query, body=replace(body, left=left, right=right))

    def _select(self, query: tree.Query, select: tree.Select, *, once: bool) -> tree.Query:
        alone = self._alone(select.source)
        shown = [*(item.term for item in select.items), *(key.term for key in query.order)]
        calls = _calls((*shown, *(() if select.having is None else (select.having,))))
        if select.group or select.having is not None or calls:
            if alone is not None and (parts := self._partial(query, alone, calls)) is not None:
                return self._within(parts, once=False)
            once = all(call.distinct or call.function in _ONCE for call in calls)
        else:
            once = once or select.distinct
            if alone is not None:
                self._rank(query, select, alone)
        if any(is_window(node) for term in shown for node in near(term)):
            once = False
        return self._within(query, once=once)

    def _within(self, query: tree.Query, *, once: bool) -> tree.Query:
        """The select with what stands inside it gathered too; its fragments where `once`."""
        select = query.body
        assert isinstance(select, tree.Select)  # INVARIANT: asked of selects alone
        having = None if select.having is None else self._term(select.having)
        where = None if select.where is None else self._term(select.where)
        source = None if select.source is None else self._source(select.source, once=once)
        body = replace(
            select,
            items=tuple(replace(item, term=self._term(item.term)) for item in select.items),
            source=source,
            where=where,
            group=tuple(self._term(term) for term in select.group),
            having=having,
        )
        order = tuple(replace(key, term=self._term(key.term)) for key in query.order)
        return replace(query, body=body, order=order)

    def _term(self, term: tree.Expr) -> tree.Expr:
        match term:
            case tree.Exists(query):
                return tree.Exists(self.query(query, once=True))
            case tree.InQuery(inner, query):
                return tree.InQuery(self._term(inner), self.query(query, once=True))
            case tree.ScalarQuery(query):
                # A second row is an error there, and so it must come.
                return tree.ScalarQuery(self.query(query))
        return rebuild(term, self._term)

    def _source(self, source: tree.Source, *, once: bool) -> tree.Source:
        match source:
            case tree.FragmentScan(alias):
                self.drafts[alias].gathers |= once
            case tree.Derived(_, query):
                return replace(source, query=self.query(query, once=once))
            case tree.Join(_, left, right, on):
                return replace(
                    source,
                    left=self._source(left, once=once),
                    right=self._source(right, once=once),
                    on=None if on is None else self._term(on),
                )
        return source

    def _alone(self, source: tree.Source | None) -> Draft | None:
        """The fragment that is all of a `FROM`."""
        return self.drafts[source.alias] if isinstance(source, tree.FragmentScan) else None

    # --- parts of aggregates -----------------------------------------------------------------

    def _partial(
        self, query: tree.Query, draft: Draft, calls: tuple[tree.Call, ...]
    ) -> tree.Query | None:
        """The query over one row a group and holder; None where each row must come."""
        found = _Parts(draft, self.catalog)
        swapped: dict[tree.Expr, tree.Expr] = {}
        for call in calls:
            if (part := found.of(call)) is None:
                draft.notes.append(f"`{call.function}` of these values needs every row")
                return None
            swapped[call] = part

        def swap(term: tree.Expr) -> tree.Expr:
            return swapped[term] if term in swapped else rebuild(term, swap)

        select = query.body
        assert isinstance(select, tree.Select)  # INVARIANT: asked of selects alone
        parts = replace(
            query,
            body=replace(
                select,
                items=tuple(replace(item, term=swap(item.term)) for item in select.items),
                having=None if select.having is None else swap(select.having),
            ),
            order=tuple(replace(key, term=swap(key.term)) for key in query.order),
        )
        group = {ref for ref in needed_columns(parts) if ref[0] in draft.scans}
        if not group and not found.measures:
            return None
        if why := draft.why_each_row(group | found.columns, group, self.catalog):
            draft.notes.append(why)
            return None
        draft.measures = tuple(sorted(found.measures))
        draft.measured = frozenset(found.columns)
        draft.gathers = True
        return parts

    # --- the first of an order ---------------------------------------------------------------

    def _rank(self, query: tree.Query, select: tree.Select, draft: Draft) -> None:
        """Nothing; the draft is ranked, where the order hangs on its columns alone."""
        if query.limit is None:
            return
        if select.where is not None:
            draft.notes.append("what is tested above comes before the first rows")
            return
        rows = query.limit + (query.offset or 0)
        keys = [(key.term, key.descending, key.nulls_first) for key in query.order]
        keys += [(item.term, False, False) for item in select.items]
        refs = [term for term, _, _ in keys if isinstance(term, tree.Ref)]
        if len(refs) != len(keys) or not all(ref.source in draft.scans for ref in refs):
            draft.notes.append("the order hangs on more than columns")
            return
        kinds = [column_type(ref, draft.scans, self.catalog) for ref in refs]
        if not 0 < rows <= MAX_TOP:
            draft.notes.append(f"not between 1 and {MAX_TOP} rows are asked for")
            return
        if ColumnType.DOUBLE in kinds:
            draft.notes.append("values of type `double` are ranked where all are")
            return
        found: dict[ColumnName, TopKey] = {}
        for ref, (_, descending, nulls_first) in zip(refs, keys, strict=True):
            name = draft.output_name(ref.source, ref.column)
            found.setdefault(name, TopKey(name, descending, nulls_first))
        draft.top = Top(tuple(found.values()), rows)


@dataclass(slots=True)
class _Parts:
    """The measures that some aggregates over one fragment are put together from."""

    draft: Draft
    catalog: Catalog
    measures: set[Measure] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)

    def of(self, call: tree.Call) -> tree.Expr | None:
        """The aggregate over the parts, or None where there are none of it."""
        assert not call.order  # INVARIANT: the parser takes no aggregate with an order of its own
        column = self._column(call)
        kind = None if column is None else column_type(column, self.draft.scans, self.catalog)
        if call.function in _ONCE or call.distinct:
            # Of a bare column each holder gives its own least; of anything else, all there are.
            is_least = call.function in ("min", "max") and kind is not None
            if column is None or not is_least or kind is ColumnType.DOUBLE:
                return call
            measure = self._measure(call.function, column)
            return replace(call, arguments=(self._ref(measure),), distinct=False)
        if call.function == "count":
            if column is not None:
                return self._total(self._measure("count", column), call.only)
            only = [] if call.only is None else [call.only]
            only += [tree.Not(tree.IsNull(term)) for term in call.arguments]
            return self._total(self._measure("count"), all_of(only))
        if call.function == "sum" and column is not None and kind is ColumnType.INTEGER:
            return replace(call, arguments=(self._ref(self._measure("sum", column)),))
        return None

    def _column(self, call: tree.Call) -> tree.Ref | None:
        """The column of the fragment that is all of the arguments."""
        match call.arguments:
            case (tree.Ref(source, column) as found,) if source in self.draft.scans:
                return None if column == HOLDER_COLUMN else found
        return None

    def _measure(self, op: str, column: tree.Ref | None = None) -> Measure:
        if column is None:
            found = Measure(op)
        else:
            found = Measure(op, self.draft.output_name(column.source, column.column))
            self.columns.add((column.source, column.column))
        self.measures.add(found)
        return found

    def _ref(self, measure: Measure) -> tree.Ref:
        return tree.Ref(self.draft.name, measure.name)

    def _total(self, measure: Measure, only: tree.Expr | None) -> tree.Expr:
        """The sum of counts: zero, and a bigint, also of no holder's rows."""
        total = tree.Call("sum", (self._ref(measure),), only=only)
        return tree.Cast(tree.Call("coalesce", (total, _ZERO)), ColumnType.BIGINT)


def _calls(terms: tuple[tree.Expr, ...]) -> tuple[tree.Call, ...]:
    """Every aggregate of one select, once."""
    return tuple(dict.fromkeys(_aggregates(terms)))


def _aggregates(terms: tuple[tree.Expr, ...]) -> Iterator[tree.Call]:
    for term in terms:
        for node in near(term):
            if isinstance(node, tree.Call) and is_aggregate(node):
                yield node
