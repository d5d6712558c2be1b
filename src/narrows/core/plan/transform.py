"""One walk over every node of a tree that gives a new tree."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar, cast

from narrows.core.sql import tree

N = TypeVar("N", bound=tree.Node)


def transform(node: N, change: Callable[[tree.Node], tree.Node]) -> N:
    """The tree with `change` applied to every node, from the leaves up."""
    parts: dict[str, object] = {}
    for part in fields(node):
        value = getattr(node, part.name)
        if isinstance(value, tuple):
            parts[part.name] = tuple(_inner(one, change) for one in value)
        else:
            parts[part.name] = _inner(value, change)
    return cast("N", change(replace(node, **parts)))  # type: ignore[arg-type]


def _inner(value: object, change: Callable[[tree.Node], tree.Node]) -> object:
    if tree.is_node(value):
        return transform(cast("tree.Expr", value), change)
    return value
