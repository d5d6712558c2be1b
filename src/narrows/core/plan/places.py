"""Keys of `GROUP BY` and `ORDER BY` that repeat a subquery of the select list, by its place.

`resolve` puts the term for which an alias or ordinal stands in its place. A subquery in it would be
taken out into fragments twice, under the same aliases.
"""

from collections.abc import Sequence
from dataclasses import replace

from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.terms import ColumnType, TypedValue


def keys_by_place(query: tree.Query) -> tree.Query:
    """The query in which no key repeats a subquery that the select list has.

    Needs: nothing is dropped from a select list afterwards.
    """
    return transform(query, _placed)


def _placed(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Query) or not isinstance(node.body, tree.Select):
        return node
    terms = [item.term for item in node.body.items]
    group = tuple(_place(term, terms) for term in node.body.group)
    order = tuple(replace(key, term=_place(key.term, terms)) for key in node.order)
    return replace(node, body=replace(node.body, group=group), order=order)


def _place(term: tree.Expr, shown: Sequence[tree.Expr]) -> tree.Expr:
    if term not in shown or not any(isinstance(one, tree.Query) for one in tree.walk(term)):
        return term
    return tree.Literal(TypedValue(ColumnType.BIGINT, shown.index(term) + 1))
