"""From the text of a query to our tree: bounded, read by sqlglot, translated node by node.

>>> found = parse("SELECT surname FROM person WHERE person_id = :who")
>>> found.body.items[0].name
'surname'
"""

from collections.abc import Mapping
from types import MappingProxyType

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ParseError

from narrows.core.sql import tree
from narrows.core.sql.convert import Reader
from narrows.core.sql.frugal import FrugalParser
from narrows.core.sql.grammar import (
    malformed,
    name_of,
    node_in,
    nodes_in,
    parts_of,
    position_of,
    refusal,
)
from narrows.core.sql.scan import MOST_SOURCES, scan
from narrows.core.terms import ColumnType
from narrows.errors import MalformedQuery, UnsupportedQuery

_SET_OPERATIONS: Mapping[type[exp.Expr], str] = MappingProxyType(
    {exp.Union: "union", exp.Intersect: "intersect", exp.Except: "except"}
)
_AROUND = ("with_", "order", "limit", "offset")
_JOINS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("", ""): "inner",
        ("", "INNER"): "inner",
        ("", "CROSS"): "cross",
        ("LEFT", ""): "left",
        ("LEFT", "OUTER"): "left",
        ("RIGHT", ""): "right",
        ("RIGHT", "OUTER"): "right",
        ("FULL", ""): "full",
        ("FULL", "OUTER"): "full",
    }
)


def parse(text: str) -> tree.Query:
    """The tree of one query.

    Raises: MalformedQuery and UnsupportedQuery, with the position where it is known. No message
    repeats a literal.
    """
    plain = scan(text)
    _check_start(plain)
    try:
        return _Reading(plain).query(_read(plain))
    except RecursionError as cause:
        raise UnsupportedQuery("the query nests too deep") from cause


def _read(plain: str) -> exp.Expr:
    """Sqlglot's tree of the one statement.

    Raises: MalformedQuery; UnsupportedQuery where reading takes too long; RecursionError.
    """
    hint = "something is missing or misspelt there; docs/sql.md has what is accepted"
    try:
        # Without the blank, sqlglot stumbles over an empty text that comes last, after a `$`.
        words = DuckDB().tokenize(f"{plain} ")
        found = FrugalParser(len(words)).parse(words, plain)
    except (RecursionError, UnsupportedQuery):
        raise
    except ParseError as cause:
        place = _place(plain, cause)
        raise MalformedQuery("the text is not SQL", hint=hint, position=place) from cause
    except Exception as cause:
        # sqlglot trips over some texts, with errors of any class. None of our own code is here.
        raise MalformedQuery("the text is not SQL", hint=hint) from cause
    if len(found) != 1 or found[0] is None:  # pragma: no cover - INVARIANT: `scan` counts them
        raise UnsupportedQuery("the text is not exactly one statement")
    return found[0]


def _check_start(plain: str) -> None:
    """Nothing; refuses other statements, which sqlglot would log with their text."""
    first = plain.lstrip(" \t\r\n(").split(None, 1)
    word = first[0].lower() if first else ""
    if not word.startswith(("select", "with")):
        raise UnsupportedQuery("a query begins with `select` or `with`", position=0)


def _place(text: str, cause: ParseError) -> int | None:
    """The position of an error that sqlglot gives as a line and the column of a word's end."""
    found = (
        sum(len(one) + 1 for one in text.split("\n")[: line - 1])
        + max(column - len(str(error.get("highlight") or " ")), 0)
        for error in cause.errors
        if isinstance(line := error.get("line"), int)
        and isinstance(column := error.get("col"), int)
    )
    return next(found, None)


class _Reading:
    """Reads queries and sources of one text."""

    __slots__ = ("sources", "terms")

    def __init__(self, text: str) -> None:
        self.terms = Reader(self.query, text)
        self.sources = 0

    def query(self, node: exp.Expr) -> tree.Query:
        """Our tree for a select, a set operation, or either in parentheses."""
        if type(node) is exp.Subquery:
            return self.query(node_in(parts_of(node, "this"), "this", node))
        if type(node) is exp.Select:
            body: tree.Select | tree.SetOperation = self.select(node)
        elif type(node) in _SET_OPERATIONS:
            body = self.set_operation(node)
        else:
            raise refusal(node)
        ctes = self.ctes(node.args["with_"]) if node.args.get("with_") else ()
        order = self.terms.sort_keys(node.args["order"]) if node.args.get("order") else ()
        return tree.Query(
            body, ctes, order, _whole(node.args.get("limit")), _whole(node.args.get("offset"))
        )

    def select(self, node: exp.Expr) -> tree.Select:
        """One `SELECT` without what stands around it."""
        known = ("expressions", "distinct", "from_", "joins", "where", "group", "having")
        parts = parts_of(node, *known, *_AROUND)
        if "distinct" in parts:
            parts_of(node_in(parts, "distinct", node))
        items = tuple(self.item(one) for one in nodes_in(parts, "expressions"))
        if not items:
            raise malformed("a `select` has no columns", node)
        source = None
        if "from_" in parts:
            start = node_in(parts, "from_", node)
            first = node_in(parts_of(start, "this"), "this", start)
            source = self.joined(self.source(first), nodes_in(parts, "joins"))
        elif "joins" in parts:
            raise refusal(node)
        group: tuple[tree.Expr, ...] = ()
        if "group" in parts:
            keys = node_in(parts, "group", node)
            group = self.terms.terms(nodes_in(parts_of(keys, "expressions"), "expressions"))
        return tree.Select(
            items,
            source,
            distinct="distinct" in parts,
            where=self.condition(parts, "where", node),
            group=group,
            having=self.condition(parts, "having", node),
        )

    def condition(self, parts: dict[str, object], name: str, node: exp.Expr) -> tree.Expr | None:
        """What stands after `WHERE` or `HAVING`, if anything."""
        if name not in parts:
            return None
        found = node_in(parts, name, node)
        return self.terms.term(node_in(parts_of(found, "this"), "this", found))

    def item(self, node: exp.Expr) -> tree.Item:
        """One column of a select list; nameless ones get their name from `resolve`."""
        if type(node) is exp.Star:
            parts_of(node)
            return tree.Item(tree.Star(None, position_of(node)), "*")
        if type(node) is exp.Column and type(node.args.get("this")) is exp.Star:
            parts = parts_of(node, "this", "table")
            parts_of(node_in(parts, "this", node))
            return tree.Item(tree.Star(name_of(parts.get("table")), position_of(node)), "*")
        if type(node) is exp.Alias:
            parts = parts_of(node, "this", "alias")
            return tree.Item(
                self.terms.term(node_in(parts, "this", node)), name_of(parts.get("alias"))
            )
        term = self.terms.term(node)
        return tree.Item(term, term.name if isinstance(term, tree.Name) else "")

    def set_operation(self, node: exp.Expr) -> tree.SetOperation:
        """Two queries and how they are put together."""
        parts = parts_of(node, "this", "expression", "distinct", *_AROUND)
        sides = node_in(parts, "this", node), node_in(parts, "expression", node)
        for side in sides:
            if type(side) is exp.Select and any(side.args.get(name) for name in _AROUND):
                hint = "put that query in parentheses"
                raise UnsupportedQuery(
                    "`order by`, `limit` or `with` inside a set operation",
                    hint=hint,
                    position=position_of(side),
                )
        left, right = (self.query(side) for side in sides)
        return tree.SetOperation(
            _SET_OPERATIONS[type(node)], not parts.get("distinct"), left, right
        )

    def ctes(self, node: exp.Expr) -> tuple[tree.Cte, ...]:
        """The queries of a `WITH`, none of them recursive."""
        found = []
        for one in nodes_in(parts_of(node, "expressions"), "expressions"):
            parts = parts_of(one, "this", "alias")
            name, columns = _alias(parts.get("alias"))
            found.append(tree.Cte(name, self.query(node_in(parts, "this", one)), columns))
        return tuple(found)

    def joined(self, left: tree.Source, joins: tuple[exp.Expr, ...]) -> tree.Source:
        """A source with the joins that follow it: a comma binds weaker than any other.

        So it is in SQL: an outer join after a comma keeps nothing of what stands before the comma.
        """
        runs = [left]
        for join in joins:
            if _words(join) == ("", "") and not (join.args.get("on") or join.args.get("using")):
                runs.append(self.source(node_in(parts_of(join, "this"), "this", join)))
            else:
                runs[-1] = self.join(runs[-1], join)
        found, *others = runs
        for one in others:
            found = tree.Join("cross", found, one)
        return found

    def join(self, left: tree.Source, node: exp.Expr) -> tree.Join:
        """One join that is no comma."""
        parts = parts_of(node, "this", "side", "kind", "on", "using")
        words = _words(node)
        kind = _JOINS.get(words)
        if kind is None:
            raise refusal(node)
        right = self.source(node_in(parts, "this", node))
        on = self.terms.term(node_in(parts, "on", node)) if "on" in parts else None
        using = tuple(name_of(one) for one in nodes_in(parts, "using"))
        if on is None and not using:
            if words != ("", "CROSS"):
                raise malformed("a join has no condition", node, "write `on` or `using`")
            kind = "cross"
        elif kind == "cross":
            raise malformed("a cross join has a condition", node)
        return tree.Join(kind, left, right, on, using)

    def source(self, node: exp.Expr) -> tree.Source:
        """A relation, a subquery, or a join in parentheses."""
        # `scan` counts words, and cannot tell a comma between relations from any other.
        self.sources += 1
        if self.sources > MOST_SOURCES:
            message = f"the query has more than {MOST_SOURCES} sources"
            raise UnsupportedQuery(message, position=position_of(node))
        if type(node) is exp.Table:
            parts = parts_of(node, "this", "alias", "joins")
            name = name_of(parts.get("this"))
            alias, columns = _alias(parts["alias"]) if "alias" in parts else (name, ())
            if columns:
                raise refusal(node)
            table = tree.TableRef(name, alias, position_of(node))
            return self.joined(table, nodes_in(parts, "joins"))
        if type(node) is not exp.Subquery:
            raise refusal(node)
        parts = parts_of(node, "this", "alias", "joins")
        inner = node_in(parts, "this", node)
        if type(inner) is exp.Table:
            if "alias" in parts:
                raise refusal(node)
            found = self.source(inner)
        else:
            alias, columns = _alias(parts["alias"]) if "alias" in parts else ("", ())
            found = tree.Derived(alias, self.query(inner), columns)
        return self.joined(found, nodes_in(parts, "joins"))


def _words(join: exp.Expr) -> tuple[str, str]:
    """The side and the kind of a join, as written; nothing for a comma."""
    return str(join.args.get("side") or "").upper(), str(join.args.get("kind") or "").upper()


def _alias(node: object) -> tuple[str, tuple[str, ...]]:
    """The name of an alias and the names of its columns."""
    if type(node) is not exp.TableAlias:  # pragma: no cover - INVARIANT: an alias is one
        raise refusal(None)
    parts = parts_of(node, "this", "columns")
    return name_of(parts.get("this")), tuple(name_of(one) for one in nodes_in(parts, "columns"))


def _whole(node: object) -> int | None:
    """The number of a `LIMIT` or `OFFSET`, which is a literal."""
    if node is None:
        return None
    if not isinstance(node, exp.Limit | exp.Offset):
        raise refusal(node if isinstance(node, exp.Expr) else None)
    inner = node_in(parts_of(node, "expression"), "expression", node)
    found = Reader(_no_query, "").term(inner)
    if not isinstance(found, tree.Literal) or found.value.type is not ColumnType.BIGINT:
        raise UnsupportedQuery(
            "`limit` and `offset` take a whole number", position=position_of(node)
        )
    number = found.value.value
    if not isinstance(number, int) or number < 0:
        raise malformed("`limit` and `offset` take a whole number from 0", inner)
    return number


def _no_query(node: exp.Expr) -> tree.Query:
    raise refusal(node)
