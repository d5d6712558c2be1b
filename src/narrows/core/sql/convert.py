"""From sqlglot's expressions to ours, by a closed table of classes and of the parts of each.

The table is keyed by exact class: a class that sqlglot adds later is refused until it is added
here. Nothing is rewritten except spelling: `!=` is `<>`, `-5` is one literal, parentheses vanish.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlglot import exp

from narrows.core.sql import tree
from narrows.core.sql.calls import CALLS, Shape, argument_nodes, frame_of
from narrows.core.sql.functions import DATE_PARTS, FUNCTIONS
from narrows.core.sql.grammar import (
    malformed,
    name_of,
    node_in,
    nodes_in,
    parts_of,
    position_of,
    refusal,
)
from narrows.core.sql.literals import cast_literal, number_literal, read_type
from narrows.core.terms import ColumnType, TypedValue
from narrows.errors import UnsupportedQuery

DEEPEST_TERM = 60
"""How deep one expression may nest, chains of operators included: readers of trees recur."""

_BINARY: Mapping[type[exp.Expr], str] = MappingProxyType(
    {
        exp.EQ: "=",
        exp.NEQ: "<>",
        exp.LT: "<",
        exp.LTE: "<=",
        exp.GT: ">",
        exp.GTE: ">=",
        exp.NullSafeEQ: "IS NOT DISTINCT FROM",
        exp.NullSafeNEQ: "IS DISTINCT FROM",
        exp.Add: "+",
        exp.Sub: "-",
        exp.Mul: "*",
        exp.Div: "/",
        exp.IntDiv: "//",
        exp.Mod: "%",
        exp.DPipe: "||",
        exp.Like: "LIKE",
        exp.ILike: "ILIKE",
    }
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads expressions; subqueries are read by `read_query`."""

    read_query: Callable[[exp.Expr], tree.Query]
    text: str
    depth: int = 0

    def term(self, node: exp.Expr) -> tree.Expr:
        """Our tree for one expression.

        Raises: UnsupportedQuery for what has no place in our tree; MalformedQuery for a literal
        that does not fit its type.
        """
        if self.depth > DEEPEST_TERM:
            message = f"an expression nests deeper than {DEEPEST_TERM}"
            raise UnsupportedQuery(message, position=position_of(node))
        inner = replace(self, depth=self.depth + 1)
        if type(node) in _BINARY:
            return inner.binary(node)
        if type(node) in CALLS or type(node) is exp.Anonymous:
            return inner.call(node)
        found = _TERMS.get(type(node))
        if found is None:
            raise refusal(node)
        return found(inner, node)

    def terms(self, nodes: tuple[exp.Expr, ...]) -> tuple[tree.Expr, ...]:
        """Our trees for several expressions."""
        return tuple(self.term(node) for node in nodes)

    def binary(self, node: exp.Expr) -> tree.Expr:
        """An operator with two operands, negated where sqlglot keeps `NOT LIKE` as a flag."""
        silent = ("safe", "typed") if type(node) in (exp.Div, exp.DPipe) else ("negate",)
        parts = parts_of(node, "this", "expression", *silent)
        left = self.term(node_in(parts, "this", node))
        right = self.term(node_in(parts, "expression", node))
        found = tree.Binary(_BINARY[type(node)], left, right)
        return tree.Not(found) if parts.get("negate") else found

    def call(self, node: exp.Expr) -> tree.Call:
        """A function of the table, under its one name."""
        shape = CALLS.get(type(node))
        if shape is None:
            parts = parts_of(node, "this", "expressions")
            if str(parts.get("this")).lower() != "name_sim":
                raise UnsupportedQuery(
                    "a function is not among the accepted ones",
                    hint="see the functions in docs/sql.md",
                    position=position_of(node),
                )
            shape = Shape("name_sim", ("expressions",))
        name, nodes, distinct = argument_nodes(node, shape, self.text)
        arguments = self.terms(nodes)
        if isinstance(node, exp.TimestampTrunc | exp.DateTrunc | exp.DateDiff):
            part = tree.Literal(TypedValue(ColumnType.TEXT, _part_of(node, node.args.get("unit"))))
            arguments = (part, *arguments)
        function = FUNCTIONS[name]
        is_star = isinstance(node, exp.Count) and type(node.args.get("this")) is exp.Star
        least = 1 if name == "count" and not is_star else function.least
        if not least <= len(arguments) <= function.most:
            raise malformed(f"`{name}` takes another number of arguments", node)
        return tree.Call(name, arguments, distinct=distinct)

    def sort_keys(self, node: exp.Expr) -> tuple[tree.SortKey, ...]:
        """The keys of an `ORDER BY`. Without a word, NULLs come last in both directions."""
        return tuple(
            self.sort_key(one) for one in nodes_in(parts_of(node, "expressions"), "expressions")
        )

    def sort_key(self, node: exp.Expr) -> tree.SortKey:
        """One key of an `ORDER BY`."""
        if type(node) is not exp.Ordered:  # pragma: no cover - INVARIANT: a sort key is one
            raise refusal(node)
        parts = parts_of(node, "this", "desc", "nulls_first")
        term = self.term(node_in(parts, "this", node))
        return tree.SortKey(term, bool(parts.get("desc")), bool(parts.get("nulls_first")))


def _part_of(node: exp.Expr, unit: object) -> str:
    spelled = str(unit.args.get("this", "")) if isinstance(unit, exp.Var | exp.Literal) else ""
    if spelled.lower() not in DATE_PARTS:
        hint = "use one of " + ", ".join(f"`{part}`" for part in DATE_PARTS)
        raise UnsupportedQuery(
            "a part of a date is not accepted", hint=hint, position=position_of(node)
        )
    return spelled.lower()


def _column(reader: Reader, node: exp.Expr) -> tree.Expr:
    del reader
    parts = parts_of(node, "this", "table")
    qualifier = name_of(parts["table"]) if "table" in parts else None
    return tree.Name(qualifier, name_of(parts.get("this")), position_of(node))


def _literal(reader: Reader, node: exp.Expr) -> tree.Expr:
    del reader
    parts = parts_of(node, "this", "is_string")
    spelled = str(node.args["this"])
    if parts.get("is_string"):
        return tree.Literal(TypedValue(ColumnType.TEXT, spelled), position_of(node))
    return number_literal(spelled, node)


def _negate(reader: Reader, node: exp.Expr) -> tree.Expr:
    operand = node_in(parts_of(node, "this"), "this", node)
    if type(operand) is exp.Literal and not operand.args.get("is_string"):
        return number_literal("-" + str(operand.args["this"]), operand)
    return tree.Negate(reader.term(operand))


def _connected(reader: Reader, node: exp.Expr) -> tree.Expr:
    """The terms of a chain in one level, read without recursion along the chain."""
    kind = type(node)
    pending, found = [node], list[exp.Expr]()
    while pending:
        one = pending.pop()
        if type(one) is kind:
            parts = parts_of(one, "this", "expression")
            pending += [node_in(parts, "expression", one), node_in(parts, "this", one)]
        else:
            found.append(one)
    terms = reader.terms(tuple(found))
    return tree.And(terms) if kind is exp.And else tree.Or(terms)


def _is(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "expression")
    term = reader.term(node_in(parts, "this", node))
    against = reader.term(node_in(parts, "expression", node))
    if against == tree.Null():
        return tree.IsNull(term)
    if isinstance(against, tree.Literal) and against.value.type is ColumnType.BOOLEAN:
        return tree.Binary("IS NOT DISTINCT FROM", term, against)
    raise refusal(node)


def _in(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "expressions", "query")
    term = reader.term(node_in(parts, "this", node))
    if "query" in parts:
        return tree.InQuery(term, reader.read_query(node_in(parts, "query", node)))
    items = reader.terms(nodes_in(parts, "expressions"))
    if not items:
        raise malformed("a list after `in` is empty", node)
    return tree.InList(term, items)


def _between(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "low", "high")
    term, low, high = (reader.term(node_in(parts, name, node)) for name in ("this", "low", "high"))
    return tree.Between(term, low, high)


def _case(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "ifs", "default")
    arms = []
    for arm in nodes_in(parts, "ifs"):
        inner = parts_of(arm, "this", "true")
        condition = reader.term(node_in(inner, "this", arm))
        arms.append(tree.When(condition, reader.term(node_in(inner, "true", arm))))
    operand = reader.term(node_in(parts, "this", node)) if "this" in parts else None
    otherwise = reader.term(node_in(parts, "default", node)) if "default" in parts else None
    return tree.Case(operand, tuple(arms), otherwise)


def _cast(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "to")
    term = reader.term(node_in(parts, "this", node))
    to = read_type(node_in(parts, "to", node))
    return cast_literal(term, to, node) or tree.Cast(term, to)


def _extract(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "expression")
    part = _part_of(node, parts.get("this"))
    return tree.Extract(part, reader.term(node_in(parts, "expression", node)))


def _filter(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "expression")
    where = node_in(parts, "expression", node)
    only = reader.term(node_in(parts_of(where, "this"), "this", where))
    called = reader.term(node_in(parts, "this", node))
    if not isinstance(called, tree.Call) or FUNCTIONS[called.function].kind != "aggregate":
        raise malformed("`filter` stands after an aggregate only", node)
    return replace(called, only=only)


def _window(reader: Reader, node: exp.Expr) -> tree.Expr:
    parts = parts_of(node, "this", "partition_by", "order", "spec", "over")
    called = reader.term(node_in(parts, "this", node))
    if not isinstance(called, tree.Call) or FUNCTIONS[called.function].kind == "scalar":
        raise malformed("`over` stands after an aggregate or window function only", node)
    if called.distinct:
        raise refusal(node)
    order = reader.sort_keys(node_in(parts, "order", node)) if "order" in parts else ()
    frame = frame_of(node_in(parts, "spec", node)) if "spec" in parts else ""
    partition = reader.terms(nodes_in(parts, "partition_by"))
    return replace(called, over=tree.Window(partition, order, frame))


def _boolean(reader: Reader, node: exp.Expr) -> tree.Expr:
    del reader
    value = TypedValue(ColumnType.BOOLEAN, bool(parts_of(node, "this").get("this")))
    return tree.Literal(value, position_of(node))


def _parameter(reader: Reader, node: exp.Expr) -> tree.Expr:
    del reader
    name = str(parts_of(node, "this").get("this", "")).lower()
    return tree.Param(name, position=position_of(node))


def _today(reader: Reader, node: exp.Expr) -> tree.Expr:
    del reader
    parts_of(node)
    return tree.Today()


def _null(reader: Reader, node: exp.Expr) -> tree.Expr:
    del reader
    parts_of(node)
    return tree.Null()


def _inner(reader: Reader, node: exp.Expr) -> exp.Expr:
    del reader
    return node_in(parts_of(node, "this"), "this", node)


_TERMS: Mapping[type[exp.Expr], Callable[[Reader, exp.Expr], tree.Expr]] = MappingProxyType(
    {
        exp.And: _connected,
        exp.Between: _between,
        exp.Boolean: _boolean,
        exp.Case: _case,
        exp.Cast: _cast,
        exp.Column: _column,
        exp.CurrentDate: _today,
        exp.Exists: lambda reader, node: tree.Exists(reader.read_query(_inner(reader, node))),
        exp.Extract: _extract,
        exp.Filter: _filter,
        exp.In: _in,
        exp.Is: _is,
        exp.Literal: _literal,
        exp.Neg: _negate,
        exp.Not: lambda reader, node: tree.Not(reader.term(_inner(reader, node))),
        exp.Null: _null,
        exp.Or: _connected,
        exp.Paren: lambda reader, node: reader.term(_inner(reader, node)),
        exp.Placeholder: _parameter,
        exp.Subquery: lambda reader, node: tree.ScalarQuery(reader.read_query(node)),
        exp.Window: _window,
    }
)
