"""Select lists and the ordinals and aliases that refer to them."""

from dataclasses import replace

from narrows.core.sql import tree
from narrows.core.sql.scope import Scope, unknown
from narrows.core.sql.types import type_of_term
from narrows.core.terms import ColumnType
from narrows.errors import MalformedQuery


def names_of(query: tree.Query) -> tuple[str, ...]:
    """The output columns of a resolved query; those of a set operation are its left side's."""
    while isinstance(query.body, tree.SetOperation):
        query = query.body.left
    return tuple(item.name for item in query.body.items)


def output_types(query: tree.Query) -> tuple[ColumnType | None, ...]:
    """The types of the output columns, None where they are not known or the sides differ."""
    if isinstance(query.body, tree.Select):
        return tuple(type_of_term(item.term) for item in query.body.items)
    sides = output_types(query.body.left), output_types(query.body.right)
    return tuple(one if one is other else None for one, other in zip(*sides, strict=True))


def spelled_names(items: tuple[tree.Item, ...]) -> tuple[tree.Item, ...]:
    """The items, the nameless ones called `column_` and their place from 1."""
    return tuple(
        item if item.name else replace(item, name=f"column_{place}")
        for place, item in enumerate(items, 1)
    )


def group_terms(
    select: tree.Select, items: tuple[tree.Item, ...], scope: Scope
) -> tuple[tuple[tree.Expr, bool], ...]:
    """The terms to group by, each with whether it refers to an item and so is resolved already.

    A column wins over an alias.
    """
    return tuple(_group_term(term, items, scope) for term in select.group)


def sort_terms(
    order: tuple[tree.SortKey, ...], items: tuple[tree.Item, ...]
) -> tuple[tuple[tree.SortKey, bool], ...]:
    """The sort keys, each with whether it refers to an item and so is resolved already.

    An alias wins over a column.
    """
    found = []
    for key in order:
        terms = _named(key.term, items)
        if isinstance(key.term, tree.Literal):
            terms = (_ordinal(key.term, items).term,)
        if len(set(terms)) > 1:
            message = f"`{_name(key.term)}` is ambiguous"
            raise MalformedQuery(message, hint="give the columns different aliases")
        found.append((replace(key, term=terms[0]), True) if terms else (key, False))
    return tuple(found)


def set_order(order: tuple[tree.SortKey, ...], names: tuple[str, ...]) -> tuple[tree.SortKey, ...]:
    """The sort keys of a set operation: output columns, by name or ordinal."""
    items = tuple(tree.Item(tree.Ref("", name), name) for name in names)
    found = []
    for key in order:
        if isinstance(key.term, tree.Literal):
            name = _ordinal(key.term, items).name
        else:
            name = _name(key.term)
        if not name:
            hint = "name an output column, or give its place"
            raise MalformedQuery("a set operation is ordered by an expression", hint=hint)
        if name not in names:
            raise unknown("output column", name, names, None)
        if names.count(name) > 1:
            raise MalformedQuery(f"`{name}` is ambiguous")
        found.append(replace(key, term=tree.Ref("", name)))
    return tuple(found)


def _group_term(
    term: tree.Expr, items: tuple[tree.Item, ...], scope: Scope
) -> tuple[tree.Expr, bool]:
    if isinstance(term, tree.Literal):
        return _ordinal(term, items).term, True
    if isinstance(term, tree.Name) and term.qualifier is None and not scope.own(term):
        terms = _named(term, items)
        if len(set(terms)) > 1:
            raise MalformedQuery(f"`{term.name}` is ambiguous", position=term.position)
        if terms:
            return terms[0], True
    return term, False


def _named(term: tree.Expr, items: tuple[tree.Item, ...]) -> tuple[tree.Expr, ...]:
    name = _name(term)
    return tuple(item.term for item in items if name and item.name == name)


def _name(term: tree.Expr) -> str:
    return term.name if isinstance(term, tree.Name) and term.qualifier is None else ""


def _ordinal(term: tree.Literal, items: tuple[tree.Item, ...]) -> tree.Item:
    place = term.value.value
    if term.value.type is not ColumnType.BIGINT or not isinstance(place, int):
        raise MalformedQuery("a constant is no key to order or group by", position=term.position)
    if not 1 <= place <= len(items):
        raise MalformedQuery("an ordinal is not a place of the list", position=term.position)
    return items[place - 1]
