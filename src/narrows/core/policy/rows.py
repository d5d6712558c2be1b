"""What a bound fragment releases of rows in memory: the meaning that engines are tested against.

Plain Python over rows of raw values, as slow as it is easy to check. Comparisons are SQL's: with
NULL nothing is known, and what is not known passes no filter and no keep.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy.bound import BoundFragment, Keep, KeepOnly, KeepUnless
from narrows.core.policy.finish import Pseudonym, finish_rows, no_pseudonym
from narrows.core.policy.truth import tests
from narrows.core.terms import ColumnName, RelationName, Scalar

Row: TypeAlias = Mapping[ColumnName, Scalar]
Tables: TypeAlias = Mapping[RelationName, Sequence[Row]]
Joined: TypeAlias = Mapping[str, Row]


def release_rows(
    bound: BoundFragment, tables: Tables, pseudonym: Pseudonym = no_pseudonym
) -> list[tuple[Scalar, ...]]:
    """The rows that leave, sorted by all outputs, NULL first, text by code point.

    Raises: AnswerTooLarge where anchors and links select more than the guard allows.
    """
    readings = (_flat(row) for row in _joined(bound, tables))
    return finish_rows(bound, readings, pseudonym)


def keeps_row(keep: Keep, row: Row, tables: Tables) -> bool:
    """Whether the row exists for the request: unknown hides, a missing parent hides."""
    match keep:
        case KeepUnless():
            return tests(keep.tests, row) is False
        case KeepOnly():
            return tests(keep.tests, row) is True
        case _:
            wanted = [row[column] for column in keep.columns]
            return None not in wanted and any(
                [parent[key] for key in keep.keys] == wanted
                and all(keeps_row(inner, parent, tables) for inner in keep.keep)
                for parent in tables.get(keep.parent, ())
            )


def _flat(row: Joined) -> dict[ColumnOf, Scalar]:
    return {
        ColumnOf(alias, column): value
        for alias, values in row.items()
        for column, value in values.items()
    }


def _joined(bound: BoundFragment, tables: Tables) -> Iterator[Joined]:
    partial: list[dict[str, Row]] = [{}]
    for scan in bound.scans:
        rows = [
            row
            for row in tables.get(scan.relation, ())
            if all(keeps_row(keep, row, tables) for keep in scan.keep)
        ]
        partial = [
            extended
            for one in partial
            for row in rows
            if _linked(bound, extended := {**one, scan.alias: row})
        ]
    yield from partial


def _linked(bound: BoundFragment, row: Joined) -> bool:
    return all(
        (left := row[link.left.alias][link.left.column]) is not None
        and left == row[link.right.alias][link.right.column]
        for link in bound.links
        if link.left.alias in row and link.right.alias in row
    )
