"""What is shared by the readers of sqlglot's tree: parts of a node, positions, refusals.

A node may have only the parts that its reader names. This is what refuses `* LIKE 's%'`, which
consists of well-known classes in an unknown place.
"""

import re

from sqlglot import exp

from narrows.errors import MalformedQuery, UnsupportedQuery

_PLAIN = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def parts_of(node: exp.Expr, *expected: str) -> dict[str, object]:
    """The parts of a node by name.

    Raises: UnsupportedQuery when it has a part beside the expected ones.
    """
    present = {name: part for name, part in node.args.items() if part}
    for name in present:
        if name not in expected:
            raise refusal(node)
    return present


def node_in(parts: dict[str, object], name: str, parent: exp.Expr) -> exp.Expr:
    """The part of that name, which is there and is a node."""
    found = parts.get(name)
    if not isinstance(found, exp.Expr):  # pragma: no cover - INVARIANT: sqlglot fills it
        raise refusal(parent)
    return found


def nodes_in(parts: dict[str, object], name: str) -> tuple[exp.Expr, ...]:
    """The parts of that name, which is a list or is not there."""
    found = parts.get(name) or ()
    if not isinstance(found, list):
        return ()
    return tuple(one for one in found if isinstance(one, exp.Expr))


def name_of(node: object) -> str:
    """A plain name in lower case.

    Raises: UnsupportedQuery for a quoted name that is not its own plain form: engines differ in
    how they fold such names, and one fold would let a name mean another column.
    """
    if type(node) is not exp.Identifier:
        raise refusal(node if isinstance(node, exp.Expr) else None)
    parts = parts_of(node, "this", "quoted")
    spelled = str(parts.get("this", ""))
    name = spelled if parts.get("quoted") else spelled.lower()
    if not _PLAIN.fullmatch(name):
        hint = "use lower-case letters, digits and underscores, at most 63"
        raise UnsupportedQuery("a name is not plain", hint=hint, position=position_of(node))
    return name


def position_of(node: exp.Expr) -> int | None:
    """Where in the text the node begins, as far as sqlglot has kept it."""
    for found in node.walk():
        start = found.meta_get("start")
        if isinstance(start, int):
            return start
    return None


def refusal(node: exp.Expr | None) -> UnsupportedQuery:
    """The error for what the accepted SQL has no place for."""
    if node is None:  # pragma: no cover - INVARIANT: sqlglot gives nodes where names stand
        return UnsupportedQuery("this form of SQL is not accepted")
    what = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).lower()
    message = f"`{what}` is not accepted here, or not in this form"
    return UnsupportedQuery(message, hint="see docs/sql.md", position=position_of(node))


def malformed(message: str, node: exp.Expr, hint: str = "") -> MalformedQuery:
    """The error for a node that is no valid SQL."""
    return MalformedQuery(message, hint=hint, position=position_of(node))
