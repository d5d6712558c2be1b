"""What of a question runs above the holders, in the merge, and for each of it the reason.

Read off the merge, after everything else is planned: whatever stands there did not go down. What
the rules of the planner noted of a part (`Part.notes`) comes with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Fragment
from narrows.core.plan.pushdown import conjuncts
from narrows.core.plan.reasons import why_no_filter
from narrows.core.plan.regions import aliases_of
from narrows.core.plan.split import Split
from narrows.core.plan.steps import tell_term
from narrows.core.sql import tree
from narrows.core.sql.grouping import is_aggregate, is_window, near, queries_in
from narrows.core.sql.rebuild import rebuild

_TRUE = "true"
_BEFORE = "an outer join comes before it"
"""Why a condition is not tested at a holder that could be: else it would have gone down."""


@dataclass(frozen=True, slots=True)
class StaysAbove:
    """One thing that runs in the merge, in the words of its steps, and why."""

    what: str
    why: str


def what_stays_above(split: Split, catalog: Catalog) -> tuple[StaysAbove, ...]:
    """All that did not go down, parts first; each thing once."""
    noted = [
        StaysAbove(f"every row of {part.name}", note) for part in split.parts for note in part.notes
    ]
    found = _Above(catalog, {part.name: part.fragment for part in split.parts})
    found.query(split.merge)
    return tuple(dict.fromkeys((*noted, *found.things)))


@dataclass(slots=True)
class _Above:
    """One pass over a merge."""

    catalog: Catalog
    fragments: Mapping[str, Fragment]
    things: list[StaysAbove] = field(default_factory=list)

    def query(self, query: tree.Query) -> None:
        for cte in query.ctes:
            self.query(cte.query)
        if isinstance(query.body, tree.SetOperation):
            self.query(query.body.left)
            self.query(query.body.right)
            why = "the rows of both sides come first"
        else:
            why = self._select(query, query.body)
        if query.limit is not None and why:
            self._add(f"the first {query.limit} rows", why)

    def _select(self, query: tree.Query, select: tree.Select) -> str:
        """Why no holder takes the first rows by itself; empty where it does, or the part says."""
        if select.source is not None:
            self._source(select.source)
        own = frozenset(() if select.source is None else aliases_of(select.source))
        for one in conjuncts(select.where):
            self._condition(one, own, _BEFORE)
        for one in conjuncts(select.having):
            self._add(tell_term(_short(one)), "groups are whole only here")
        shown = [*(item.term for item in select.items), *(key.term for key in query.order)]
        for term in (*shown, *conjuncts(select.having), *select.group):
            for inner in queries_in(term):
                self.query(inner)
        windows = [call for call in _calls(shown) if is_window(call)]
        for window in windows:
            self._add(tell_term(_short(window)), "a window looks at rows of all holders")
        several = _several(select.source)
        calls = [call for call in _calls([*shown, *conjuncts(select.having)]) if is_aggregate(call)]
        if calls or select.group or select.having is not None:
            if several:
                names = ", ".join(dict.fromkeys(f"`{call.function}`" for call in calls))
                self._add(f"groups, with {names}" if names else "groups", several)
            return "groups are whole only here"
        return "a window comes first" if windows else several

    def _source(self, source: tree.Source) -> None:
        match source:
            case tree.Derived(_, query):
                self.query(query)
            case tree.Join(kind, left, right, on):
                self._source(left)
                self._source(right)
                is_outer = kind in ("left", "right", "full")
                place = "the outer join keeps a row that fails it" if is_outer else _BEFORE
                for one in conjuncts(on):
                    self._condition(one, frozenset(aliases_of(source)), place)

    def _condition(self, term: tree.Expr, own: frozenset[str], place: str) -> None:
        if isinstance(term, tree.Literal) and term.value.text == _TRUE:
            # What an outer join has for a condition when all of it went down.
            return
        for query in queries_in(term):
            self.query(query)
        self._add(tell_term(_short(term)), self._why(term, own, place))

    def _why(self, term: tree.Expr, own: frozenset[str], place: str) -> str:
        if next(queries_in(term), None) is not None:
            return "a subquery runs above"
        sources = sorted({node.source for node in near(term) if isinstance(node, tree.Ref)})
        if not sources:
            return "it reads no column"
        if not own.issuperset(sources):
            return "it reads the query around it"
        if len(sources) > 1:
            return f"rows of {_named(sources)} meet only here"
        fragment = self.fragments.get(sources[0])
        if fragment is None:
            return f"it reads what {_named(sources)} gives"
        scans = {scan.alias: scan.relation for scan in fragment.scans}
        return why_no_filter(_over_scans(term, fragment), scans, self.catalog) or place

    def _add(self, what: str, why: str) -> None:
        self.things.append(StaysAbove(what, why))


def _over_scans(term: tree.Expr, fragment: Fragment) -> tree.Expr:
    """The condition over the columns of the scans, as it was before the fragment was cut out."""
    columns = {str(output.name): output.column for output in fragment.outputs}

    def change(one: tree.Expr) -> tree.Expr:
        match one:
            case tree.Ref(_, name, kind) if name in columns:
                alias = columns[name].alias
                return tree.Ref(alias, columns[name].column, kind)
        return rebuild(one, change)

    return change(term)


def _short(term: tree.Expr) -> tree.Expr:
    """The expression with `query` in the place of each of its subqueries."""
    query = tree.Name(None, "query")
    match term:
        case tree.Exists():
            return tree.Call("exists", (query,))
        case tree.InQuery(inner):
            return tree.InList(_short(inner), (query,))
        case tree.ScalarQuery():
            return query
    return rebuild(term, _short)


def _several(source: tree.Source | None) -> str:
    """Why no holder sees all rows of a `FROM`; empty where they are those of one part."""
    match source:
        case tree.FragmentScan() | None:
            return ""
        case tree.Join():
            return f"rows of {_named(sorted(aliases_of(source)))} meet first"
        case _:
            return f"{_named(list(aliases_of(source)))} comes first"


def _calls(terms: Sequence[tree.Expr]) -> Iterator[tree.Call]:
    """Every call, those in subqueries apart."""
    for term in terms:
        yield from (node for node in near(term) if isinstance(node, tree.Call))


def _named(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)
