"""The statement that runs over released rows, once per answer, in a walled worker."""

from dataclasses import replace

from narrows.core.plan.render import render_query
from narrows.core.plan.split import Split
from narrows.core.plan.transform import transform
from narrows.core.sql import tree


def merge_statement(split: Split) -> str:
    """One `SELECT` for DuckDB over tables named like the parts; parameters as `$name`.

    "Same answer" needs a total order wherever rows are counted off: all output columns are
    appended to every `ORDER BY` with a `LIMIT` or `OFFSET`.
    """
    return render_query(transform(split.merge, _order_totally))


def _order_totally(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Query) or (node.limit is None and node.offset is None):
        return node
    keys = tuple(tree.SortKey(term, descending=False, nulls_first=False) for term in _outputs(node))
    return replace(node, order=(*node.order, *keys))


def _outputs(query: tree.Query) -> tuple[tree.Expr, ...]:
    body = query.body
    if isinstance(body, tree.Select):
        constants = tree.Literal | tree.Null | tree.Param | tree.Today
        return tuple(item.term for item in body.items if not isinstance(item.term, constants))
    first = body.left
    while isinstance(first.body, tree.SetOperation):
        first = first.body.left
    return tuple(tree.Ref("", item.name) for item in first.body.items)
