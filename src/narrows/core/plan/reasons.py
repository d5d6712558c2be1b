"""Why a condition over the rows of one fragment is no filter that travels: static words.

A condition goes down if it is total and means the same on every engine (`pushdown.py`). The reason
names the part of it that is not so: what can fail before what engines see in different ways, and
that before what no filter has.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from narrows.core.catalog import Catalog
from narrows.core.plan.pushdown import Scans, filter_of, types_compare
from narrows.core.sql import tree
from narrows.core.sql.grouping import near
from narrows.core.sql.types import type_of_term
from narrows.core.terms import ColumnType

CAN_FAIL = "can fail, and an error would tell of rows that are not released"
NO_FILTER = "is in no filter that travels"
_CASE = "hangs on letters, and each engine has its own idea of case"
_PATTERNS = "of such a pattern: engines read it in different ways, or it may take long"
_DIFFERS: Mapping[str, str] = MappingProxyType(
    {
        "upper": _CASE,
        "lower": _CASE,
        "ILIKE": _CASE,
        "LIKE": _PATTERNS,
        "trim": "trims other blanks on each engine",
        "ltrim": "trims other blanks on each engine",
        "rtrim": "trims other blanks on each engine",
        "greatest": "treats NULL in another way on each engine",
        "least": "treats NULL in another way on each engine",
        "round": "rounds in another way on each engine",
        "floor": "rounds in another way on each engine",
        "ceil": "rounds in another way on each engine",
        "substr": "travels for the first characters of a text alone",
        "name_sim": "travels as `name_sim(…) >= n`, of a constant and texts of one relation",
    }
)
_LITTLE = "it does not compare a column with a column or with constants"
_TOTAL_CASTS = frozenset(
    # Those that `docs/engines.md` finds alike on every engine.
    (
        (ColumnType.INTEGER, ColumnType.BIGINT),
        (ColumnType.INTEGER, ColumnType.DOUBLE),
        (ColumnType.BIGINT, ColumnType.DOUBLE),
        (ColumnType.DATE, ColumnType.TIMESTAMP),
        (ColumnType.TIMESTAMP, ColumnType.DATE),
        (ColumnType.INTEGER, ColumnType.TEXT),
        (ColumnType.BIGINT, ColumnType.TEXT),
        (ColumnType.DATE, ColumnType.TEXT),
    )
)


def why_no_filter(term: tree.Expr, scans: Scans, catalog: Catalog) -> str:
    """Why the condition over these scans does not go down; empty where it could, by itself.

    Needs: no subquery in it.
    """
    found = filter_of(term, scans, catalog)
    if found is not None and types_compare(found, scans, catalog):
        return ""
    if isinstance(term.term if isinstance(term, tree.Not) else term, tree.Ref):
        return "a bare column is no filter that travels: compare it with TRUE or FALSE"
    reasons = [reason for node in near(term) for reason in _of_node(node)]
    return min(reasons, key=_rank, default=_LITTLE)


def _rank(reason: str) -> float:
    """What says most comes first; a pattern is named where nothing else is the matter."""
    order = (CAN_FAIL, NO_FILTER, _PATTERNS)
    return next((place for place, end in enumerate(order) if reason.endswith(end)), 0.5)


def _of_node(node: tree.Node) -> Iterator[str]:
    """The reasons that one node gives, those below it apart."""
    match node:
        case tree.Binary(op):
            yield from _of_binary(node, op)
        case tree.Negate():
            yield f"`-` {CAN_FAIL}"
        case tree.Call("abs", (number,)):
            is_total = type_of_term(number) is ColumnType.DOUBLE
            yield f"`abs` {NO_FILTER if is_total else CAN_FAIL}"
        case tree.Call(function):
            yield f"`{function}` {_DIFFERS.get(function, NO_FILTER)}"
        case tree.Cast(inner, kind):
            yield _of_cast(type_of_term(inner), kind)
        case tree.Extract():
            yield f"`extract` {NO_FILTER}"
        case tree.Case():
            yield f"`CASE` {NO_FILTER}"


def _of_binary(node: tree.Binary, op: str) -> Iterator[str]:
    kinds = type_of_term(node.left), type_of_term(node.right)
    if op in tree.ARITHMETIC:
        # The days between two dates are the one arithmetic that cannot fail.
        is_days = op == "-" and kinds == (ColumnType.DATE, ColumnType.DATE)
        yield f"`{op}` {NO_FILTER if is_days else CAN_FAIL}"
    elif op in _DIFFERS:
        yield f"`{op}` {_DIFFERS[op]}"
    elif op == "||" or op.startswith("IS "):
        yield f"`{op}` {NO_FILTER}"
    else:
        left, right = kinds
        if left is not None and right is not None and not left.compares_with(right):
            yield f"engines compare a `{left}` with a `{right}` in different ways"


def _of_cast(given: ColumnType | None, kind: ColumnType) -> str:
    known = given is not None and (given, kind) in _TOTAL_CASTS
    if kind is ColumnType.TEXT and not known:
        return "each engine spells such a value as `text` in its own way"
    return f"a cast to `{kind}` {NO_FILTER if known else CAN_FAIL}"
