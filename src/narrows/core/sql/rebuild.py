"""Expressions made anew from changed parts."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import cast, get_args

from narrows.core.sql import tree


def rebuild(term: tree.Expr, change: Callable[[tree.Expr], tree.Expr]) -> tree.Expr:
    """The expression with `change` applied to the expressions directly below it.

    Subqueries are left as they are; sort keys, windows and arms of a `CASE` are entered.
    """
    return cast("tree.Expr", _rebuilt(term, change))


def _rebuilt(node: tree.Node, change: Callable[[tree.Expr], tree.Expr]) -> tree.Node:
    parts: dict[str, object] = {}
    for part in fields(node):
        value = getattr(node, part.name)
        if isinstance(value, tuple):
            parts[part.name] = tuple(_changed(one, change) for one in value)
        elif isinstance(value, get_args(tree.Node)):
            parts[part.name] = _changed(value, change)
    return replace(node, **parts) if parts else node  # type: ignore[arg-type]


def _changed(node: tree.Node, change: Callable[[tree.Expr], tree.Expr]) -> tree.Node:
    match node:
        case tree.SortKey() | tree.Window() | tree.When():
            return _rebuilt(node, change)
        case tree.Query():
            return node
        case _:
            return change(cast("tree.Expr", node))
