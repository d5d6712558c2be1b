"""How sqlglot keeps the arguments of each accepted function, and the frames of windows.

A shape names the parts that hold arguments, in our order. `silent` parts are flags that sqlglot
sets by dialect and that say nothing. `spelled` are the names under which a query may write it:
sqlglot folds many names of many dialects into one class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlglot import exp

from narrows.core.sql.functions import FRAMES, FUNCTIONS
from narrows.core.sql.grammar import node_in, nodes_in, parts_of, position_of, refusal
from narrows.errors import UnsupportedQuery


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one class of sqlglot keeps what our `Call` needs."""

    name: str
    arguments: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()


_ONE = ("this",)
_LIST = ("this", "expressions")

CALLS: Mapping[type[exp.Expr], Shape] = MappingProxyType(
    {
        exp.Count: Shape("count", _ONE, ("big_int",)),
        exp.Sum: Shape("sum", _ONE),
        exp.Min: Shape("min", _ONE),
        exp.Max: Shape("max", _ONE),
        exp.Avg: Shape("avg", _ONE),
        exp.StddevPop: Shape("stddev_pop", _ONE),
        exp.StddevSamp: Shape("stddev_samp", _ONE),
        exp.VariancePop: Shape("var_pop", _ONE),
        exp.Variance: Shape("var_samp", _ONE),
        exp.LogicalAnd: Shape("bool_and", _ONE),
        exp.LogicalOr: Shape("bool_or", _ONE),
        exp.Upper: Shape("upper", _ONE),
        exp.Lower: Shape("lower", _ONE),
        exp.Substring: Shape("substr", ("this", "start", "length"), (), ("substr", "substring")),
        exp.Length: Shape("length", _ONE, (), ("length", "len")),
        exp.Trim: Shape("trim", ("this", "expression"), ("position",), ("trim", "ltrim", "rtrim")),
        exp.Concat: Shape("concat", ("expressions",), ("safe", "coalesce")),
        exp.StrPosition: Shape("strpos", ("this", "substr"), (), ("strpos", "position", "instr")),
        exp.StartsWith: Shape("starts_with", ("this", "expression")),
        exp.Coalesce: Shape("coalesce", _LIST, (), ("coalesce", "ifnull")),
        exp.Nullif: Shape("nullif", ("this", "expression")),
        exp.Greatest: Shape("greatest", _LIST, ("ignore_nulls",)),
        exp.Least: Shape("least", _LIST, ("ignore_nulls",)),
        exp.Abs: Shape("abs", _ONE),
        exp.Round: Shape("round", ("this", "decimals")),
        exp.Floor: Shape("floor", _ONE),
        exp.Ceil: Shape("ceil", _ONE, (), ("ceil", "ceiling")),
        exp.Year: Shape("year", _ONE),
        exp.Month: Shape("month", _ONE),
        exp.Day: Shape("day", _ONE),
        exp.TimestampTrunc: Shape("date_trunc", _ONE, ("unit",)),
        exp.DateTrunc: Shape("date_trunc", _ONE, ("unit",)),
        exp.DateDiff: Shape("date_diff", ("expression", "this"), ("unit", "date_part_boundary")),
        exp.RowNumber: Shape("row_number"),
        exp.Rank: Shape("rank"),
        exp.DenseRank: Shape("dense_rank"),
        exp.Ntile: Shape("ntile", _ONE),
        exp.Lag: Shape("lag", ("this", "offset", "default")),
        exp.Lead: Shape("lead", ("this", "offset", "default")),
        exp.FirstValue: Shape("first_value", _ONE),
        exp.LastValue: Shape("last_value", _ONE),
    }
)


def argument_nodes(
    node: exp.Expr, shape: Shape, text: str
) -> tuple[str, tuple[exp.Expr, ...], bool]:
    """The name of the function, the nodes of its arguments in order, and whether DISTINCT stood.

    `count(*)` has no arguments.
    """
    spelled = _spelled(node, text)
    if spelled and spelled not in (shape.spelled or (shape.name,)):
        raise UnsupportedQuery(
            "a function is not accepted under this name",
            hint=f"write `{shape.name}`",
            position=position_of(node),
        )
    if type(node) is exp.Anonymous:
        return shape.name, nodes_in(parts_of(node, "this", "expressions"), "expressions"), False
    parts = parts_of(node, *shape.arguments, *shape.silent)
    nodes: list[exp.Expr] = []
    for name in shape.arguments:
        if name == "expressions":
            nodes += nodes_in(parts, name)
        elif name in parts:
            nodes.append(node_in(parts, name, node))
    if FUNCTIONS[shape.name].kind != "aggregate" or not nodes:
        return _trim_name(node, shape.name), tuple(nodes), False
    if type(nodes[0]) is exp.Star and shape.name == "count":
        parts_of(nodes[0])
        return shape.name, (), False
    if type(nodes[0]) is exp.Distinct:
        return shape.name, nodes_in(parts_of(nodes[0], "expressions"), "expressions"), True
    return shape.name, tuple(nodes), False


def frame_of(node: exp.Expr) -> str:
    """The text of a window frame, which is one of `FRAMES`."""
    parts = parts_of(node, "kind", "start", "start_side", "end", "end_side")
    start = f"{parts.get('start')} {parts.get('start_side') or ''}".strip()
    end = f"{parts.get('end') or 'CURRENT ROW'} {parts.get('end_side') or ''}".strip()
    frame = f"{parts.get('kind')} BETWEEN {start} AND {end}".upper()
    if frame not in FRAMES:
        raise refusal(node)
    return frame


def _spelled(node: exp.Expr, text: str) -> str:
    """The name as the query writes it, or nothing where sqlglot has not kept its place."""
    start, end = node.meta_get("start"), node.meta_get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return ""
    return text[start : end + 1].lower()


def _trim_name(node: exp.Expr, name: str) -> str:
    if type(node) is not exp.Trim:
        return name
    side = str(node.args.get("position") or "BOTH").upper()
    return {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(side, "trim")
