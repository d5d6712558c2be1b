"""Where a gap may be forgiven: fragments whose missing rows can only be missing in the answer.

They stand only under select, project, inner join, `UNION` and `DISTINCT`. Under anything else (an
aggregate, a window, `LIMIT`, `EXCEPT`, the nullable side of an outer join, a subquery in a
condition) silence would turn into a statement: a border node that is down made "no exit recorded"
true.
"""

from narrows.core.sql import tree
from narrows.core.sql.functions import FUNCTIONS
from narrows.core.sql.grouping import queries_in


def monotone_fragments(query: tree.Query) -> frozenset[str]:
    """The names of the fragments that stand in no other than monotone places."""
    pass_over = _Places()
    pass_over.query(query, steady=True)
    return frozenset(name for name, steady in pass_over.fragments.items() if steady)


class _Places:
    """One pass from the top down, in which every use of a name counts."""

    def __init__(self) -> None:
        self.fragments: dict[str, bool] = {}
        self._ctes: dict[str, bool] = {}

    def query(self, query: tree.Query, *, steady: bool) -> None:
        steady = steady and query.limit is None and query.offset is None
        body = query.body
        if isinstance(body, tree.SetOperation):
            both = steady and body.op == "union"
            self.query(body.left, steady=both)
            self.query(body.right, steady=both)
        else:
            gathers = any(_gathers(key.term) for key in query.order)
            self._select(body, steady=steady and not gathers)
        for key in query.order:
            self._conditions(key.term)
        # A query can only name the ones before it: from the last to the first, all uses are known.
        for cte in reversed(query.ctes):
            self.query(cte.query, steady=steady and self._ctes.get(cte.name, True))

    def _select(self, select: tree.Select, *, steady: bool) -> None:
        terms = [item.term for item in select.items]
        terms += [term for term in (select.where, select.having) if term is not None]
        steady = steady and not select.group and select.having is None
        steady = steady and not any(_gathers(term) for term in terms)
        if select.source is not None:
            self._source(select.source, steady=steady)
        for term in (*terms, *select.group):
            self._conditions(term)

    def _source(self, source: tree.Source, *, steady: bool) -> None:
        match source:
            case tree.FragmentScan(alias):
                self.fragments[alias] = self.fragments.get(alias, True) and steady
            case tree.CteScan(_, cte):
                self._ctes[cte] = self._ctes.get(cte, True) and steady
            case tree.Derived(_, query):
                self.query(query, steady=steady)
            case tree.Join(kind, left, right, on):  # pragma: no branch - INVARIANT: closed union
                self._source(left, steady=steady and kind in ("inner", "cross", "left"))
                self._source(right, steady=steady and kind in ("inner", "cross", "right"))
                if on is not None:
                    self._conditions(on)

    def _conditions(self, term: tree.Expr) -> None:
        for query in queries_in(term):
            self.query(query, steady=False)


def _gathers(node: tree.Node) -> bool:
    """Whether an expression, subqueries apart, holds an aggregate or a window."""
    if isinstance(node, tree.Call):
        kind = FUNCTIONS[node.function].kind
        if node.over is not None or kind != "scalar":
            return True
    return any(
        _gathers(child) for child in tree.children(node) if not isinstance(child, tree.Query)
    )
