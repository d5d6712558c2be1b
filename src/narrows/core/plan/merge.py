"""The statement that runs over released rows, once per answer, in a walled worker."""

from dataclasses import replace

from narrows.core.plan.render import render_query
from narrows.core.plan.split import Split
from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.sql.bodies import names_of
from narrows.core.terms import ColumnType, TypedValue


def merge_statement(split: Split) -> str:
    """One `SELECT` for DuckDB over tables named like the parts; parameters as `$name`.

    "Same answer" needs a total order wherever rows are counted off: all output columns are
    appended to every `ORDER BY` with a `LIMIT` or `OFFSET`.
    """
    return render_query(transform(split.merge, _order_totally))


def _order_totally(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Query) or (node.limit is None and node.offset is None):
        return node
    # By place: two outputs may have one name.
    places = range(1, len(names_of(node)) + 1)
    terms = [tree.Literal(TypedValue(ColumnType.BIGINT, place)) for place in places]
    keys = tuple(tree.SortKey(term, descending=False, nulls_first=False) for term in terms)
    return replace(node, order=(*node.order, *keys))
