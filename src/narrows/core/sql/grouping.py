"""Where aggregates and windows may stand, and which columns a grouped query may name."""

from collections.abc import Iterator

from narrows.core.sql import tree
from narrows.core.sql.functions import FUNCTIONS
from narrows.errors import MalformedQuery, UnsupportedQuery


def check_select(select: tree.Select, order: tuple[tree.SortKey, ...]) -> None:
    """Nothing; aggregates, windows and ungrouped columns stand where they may.

    Needs: `select` is resolved, its group keys are the terms themselves.
    Raises: MalformedQuery, naming the function or column.
    """
    own = aliases_of(select.source)
    for term in conditions_of(select):
        forbid(term, "aggregate", "a condition or a group key")
        forbid(term, "window", "a condition or a group key")
    if select.having is not None:
        forbid(select.having, "window", "`having`")
    shown = (*(item.term for item in select.items), *(key.term for key in order))
    terms = (*shown, *(() if select.having is None else (select.having,)))
    for term in terms:
        _check_calls(term, own)
    is_grouped = bool(select.group) or select.having is not None
    if is_grouped or any(is_aggregate(one) for term in shown for one in near(term)):
        for term in terms:
            _check_grouped(term, select.group, own)
    _check_distinct(select, order)


def conditions_of(select: tree.Select) -> Iterator[tree.Expr]:
    """The terms that are evaluated before grouping: joins, `WHERE`, group keys."""
    yield from (join.on for join in joins_of(select.source) if join.on is not None)
    if select.where is not None:
        yield select.where
    yield from select.group


def joins_of(source: tree.Source | None) -> Iterator[tree.Join]:
    """Every join of one `FROM`, without those of subqueries."""
    if isinstance(source, tree.Join):
        yield source
        yield from joins_of(source.left)
        yield from joins_of(source.right)


def aliases_of(source: tree.Source | None) -> frozenset[str]:
    """The unique aliases of one `FROM`."""
    if source is None:
        return frozenset()
    if isinstance(source, tree.Join):
        return aliases_of(source.left) | aliases_of(source.right)
    return frozenset((source.alias,))


def near(term: tree.Node) -> Iterator[tree.Node]:
    """A term and all below it, without the inside of subqueries."""
    yield term
    for child in tree.children(term):
        if not isinstance(child, tree.Query):
            yield from near(child)


def queries_in(node: tree.Node) -> Iterator[tree.Query]:
    """The topmost queries inside a term."""
    for child in tree.children(node):
        if isinstance(child, tree.Query):
            yield child
        else:
            yield from queries_in(child)


def is_aggregate(node: tree.Node) -> bool:
    """Whether a node is a call that groups: an aggregate without `OVER`."""
    return (
        isinstance(node, tree.Call)
        and node.over is None
        and FUNCTIONS[node.function].kind == "aggregate"
    )


def is_window(node: tree.Node) -> bool:
    """Whether a node is a call with `OVER`, or one that needs it."""
    return isinstance(node, tree.Call) and (
        node.over is not None or FUNCTIONS[node.function].kind == "window"
    )


def forbid(term: tree.Node, kind: str, place: str) -> None:
    """Nothing; refuses a term with an aggregate, or a window, anywhere outside subqueries."""
    test = is_aggregate if kind == "aggregate" else is_window
    for node in near(term):
        if isinstance(node, tree.Call) and test(node):
            raise MalformedQuery(f"`{node.function}` stands in {place}", hint=f"no {kind} may")


def _check_calls(term: tree.Expr, own: frozenset[str]) -> None:
    for node in near(term):
        if not isinstance(node, tree.Call):
            continue
        if FUNCTIONS[node.function].kind == "window" and node.over is None:
            raise MalformedQuery(f"`{node.function}` needs `over`")
        inside = list(tree.children(node))
        if is_window(node):
            for child in inside:
                forbid(child, "window", f"`{node.function}`")
        if is_aggregate(node):
            for child in inside:
                forbid(child, "aggregate", f"`{node.function}`")
                forbid(child, "window", f"`{node.function}`")
                _check_local(child, own)


def _check_local(term: tree.Node, own: frozenset[str]) -> None:
    """Nothing; engines disagree on which query an aggregate over outer columns belongs to."""
    for node in tree.walk(term):
        if isinstance(node, tree.Query):
            raise UnsupportedQuery("a subquery stands inside an aggregate")
        if isinstance(node, tree.Ref) and node.source not in own:
            message = f"an aggregate reads `{node.column}` of an outer query"
            raise UnsupportedQuery(message, hint="aggregate columns of its own query only")


def _check_grouped(term: tree.Node, keys: tuple[tree.Expr, ...], own: frozenset[str]) -> None:
    if term in keys or is_aggregate(term):
        return
    if isinstance(term, tree.Ref) and term.source in own:
        hint = "add it to `group by`, or aggregate it"
        raise MalformedQuery(f"`{term.column}` is neither grouped nor aggregated", hint=hint)
    if isinstance(term, tree.Query):
        for node in tree.walk(term):
            if isinstance(node, tree.Ref) and node not in keys:
                _check_grouped(node, keys, own)
        return
    for child in tree.children(term):
        _check_grouped(child, keys, own)


def _check_distinct(select: tree.Select, order: tuple[tree.SortKey, ...]) -> None:
    shown = [item.term for item in select.items]
    if select.distinct and any(key.term not in shown for key in order):
        hint = "add it to the select list"
        raise MalformedQuery("`distinct` is ordered by what it does not show", hint=hint)
