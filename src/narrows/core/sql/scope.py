"""What names mean at one place of a query: the sources in sight and their columns.

A name is looked up in its own scope first, then in those around it. Scopes know the whole public
catalog and nothing of any policy: what a name means must not depend on what is released.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from narrows.core.sql import tree
from narrows.core.terms import ColumnType
from narrows.errors import MalformedQuery


@dataclass(frozen=True, slots=True)
class Output:
    """One column that a source or query brings; the type is None where it is computed."""

    name: str
    type: ColumnType | None


@dataclass(frozen=True, slots=True)
class InSight:
    """One column that may be named without a qualifier, and what it stands for."""

    name: str
    term: tree.Expr


@dataclass(frozen=True, slots=True)
class Table:
    """One source: the name it has in the text, the unique alias, its columns."""

    name: str
    alias: str
    columns: tuple[Output, ...]

    @property
    def in_sight(self) -> tuple[InSight, ...]:
        """Its columns as references."""
        return tuple(InSight(one.name, self.ref(one)) for one in self.columns)

    def ref(self, column: Output) -> tree.Ref:
        """The reference to one of its columns."""
        return tree.Ref(self.alias, column.name, column.type)


@dataclass(frozen=True, slots=True)
class Scope:
    """The sources of one `FROM`, the columns in sight, and the scope around it."""

    tables: tuple[Table, ...] = ()
    columns: tuple[InSight, ...] = ()
    outer: "Scope | None" = None

    def find(self, name: tree.Name) -> tree.Expr:
        """What a name stands for here.

        Raises: MalformedQuery when it stands for nothing or for several things.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope.own(name)
            if len(found) > 1:
                raise MalformedQuery(
                    f"`{name.name}` is ambiguous",
                    hint="qualify it, or give the columns different names",
                    position=name.position,
                )
            if found:
                return found[0]
            if name.qualifier is not None and scope.table(name.qualifier) is not None:
                break
            scope = scope.outer
        raise self._nothing(name)

    def own(self, name: tree.Name) -> tuple[tree.Expr, ...]:
        """All that a name stands for in this scope alone."""
        if name.qualifier is None:
            return tuple(one.term for one in self.columns if one.name == name.name)
        table = self.table(name.qualifier)
        columns = () if table is None else table.columns
        return tuple(
            table.ref(one) for one in columns if table is not None and one.name == name.name
        )

    def table(self, name: str) -> Table | None:
        """The source of that name, or None."""
        return next((table for table in self.tables if name and table.name == name), None)

    def _nothing(self, name: tree.Name) -> MalformedQuery:
        table = self.table(name.qualifier) if name.qualifier is not None else None
        if name.qualifier is not None and table is None:
            names = tuple(one.name for one in self.tables)
            return unknown("source", name.qualifier, names, name.position)
        columns = table.in_sight if table is not None else self.columns
        return unknown("column", name.name, (one.name for one in columns), name.position)


def joined(left: Scope, right: Scope, using: Mapping[str, tree.Expr]) -> Scope:
    """The scope of two sources joined; columns of `using` are in sight once, as the mapping says.

    Raises: MalformedQuery when both sides have a source of one name.
    """
    for table in right.tables:
        if left.table(table.name) is not None:
            message = f"two sources are called `{table.name}`"
            raise MalformedQuery(message, hint="give one of them another alias")
    columns = (
        *(InSight(one.name, using.get(one.name, one.term)) for one in left.columns),
        *(one for one in right.columns if one.name not in using),
    )
    return Scope((*left.tables, *right.tables), columns, left.outer)


def unknown(what: str, name: str, known: Iterable[str], position: int | None) -> MalformedQuery:
    """The error for a name that is nowhere, with the names that look most like it."""
    names = sorted(set(known))
    # Whoever is far off is shown the nearest all the same: it tells what kind of names there are.
    near = get_close_matches(name, names, n=3) or get_close_matches(name, names, n=3, cutoff=0)
    hint = "did you mean " + " or ".join(f"`{one}`" for one in near) + "?" if near else ""
    return MalformedQuery(f"no {what} `{name}`", hint=hint, position=position)
