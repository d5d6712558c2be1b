"""What runs over released rows, once per answer: one `SELECT`, or a mere choice of columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from narrows.core.plan.render import render_query
from narrows.core.plan.transform import transform
from narrows.core.sql import tree
from narrows.core.sql.bodies import names_of
from narrows.core.terms import ColumnType, TypedValue


@dataclass(frozen=True, slots=True)
class Renaming:
    """A merge that only names columns of one part: `columns` of `part`, in the answer's order."""

    part: str
    columns: tuple[str, ...]


def merge_statement(merge: tree.Query) -> str:
    """One `SELECT` for DuckDB over tables named like the parts; parameters as `$name`.

    "Same answer" needs a total order wherever rows are counted off: all output columns are
    appended to every `ORDER BY` with a `LIMIT` or `OFFSET`.
    """
    return render_query(transform(merge, _order_totally))


def find_renaming(merge: tree.Query, outputs: Sequence[str]) -> Renaming | None:
    """The renaming that the merge is; None where it does anything else to rows.

    Most look-ups are one, and need no database: what one part released is the answer.
    """
    body = merge.body
    if merge.ctes or merge.order or merge.limit is not None or merge.offset is not None:
        return None
    if not isinstance(body, tree.Select) or not isinstance(body.source, tree.FragmentScan):
        return None
    if body.distinct or body.where or body.group or body.having:
        return None
    columns = [
        item.term.column
        for item in body.items
        if isinstance(item.term, tree.Ref) and item.term.source == body.source.alias
    ]
    if len(columns) != len(body.items) or len(set(outputs)) != len(outputs):
        return None
    return Renaming(body.source.alias, tuple(columns))


def _order_totally(node: tree.Node) -> tree.Node:
    if not isinstance(node, tree.Query) or (node.limit is None and node.offset is None):
        return node
    # By place: two outputs may have one name.
    places = range(1, len(names_of(node)) + 1)
    terms = [tree.Literal(TypedValue(ColumnType.BIGINT, place)) for place in places]
    keys = tuple(tree.SortKey(term, descending=False, nulls_first=False) for term in terms)
    return replace(node, order=(*node.order, *keys))
