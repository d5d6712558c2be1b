"""Averages of whole numbers: the quotient of their sum and their count.

Written so, an average can be put together from parts, and is the same wherever it is computed: both
are exact, and one division rounds them.
"""

from dataclasses import replace

from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.sql.types import type_of_term
from narrows.core.terms import ColumnType

_WHOLE = (ColumnType.INTEGER, ColumnType.BIGINT)


def whole_averages(query: tree.Query) -> tree.Query:
    """The query with each `avg` of an integer as a quotient; those with `OVER` stay."""
    return transform(query, _quotient)


def _quotient(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Call) or node.function != "avg" or node.over is not None:
        return node
    if type_of_term(node.arguments[0]) not in _WHOLE:
        return node
    total = tree.Cast(replace(node, function="sum"), ColumnType.DOUBLE)
    return tree.Binary("/", total, replace(node, function="count"))
