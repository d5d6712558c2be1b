"""The rows of a compiled statement -> the rows that leave.

The engine has given at most one row over the cap, masked, each with whether it passes the filters;
or raw rows, where some step is the node's own. What is cut, filtered, masked and sorted here is
few; the cap counts what anchors and links select, before filters, so that nobody slices past it.

Beside each row stand the raw values that name its subjects. They are cut off here, before anything
is made of the row, and go into the sealed part of the node's own ledger, as tokens.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from narrows.core.exchange import FragmentAnswer
from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy.bound import BoundFragment, Edition
from narrows.core.policy.finish import Pseudonym, check_cap, finish_readings
from narrows.core.policy.gather import rows_that_leave
from narrows.core.policy.truth import row_key
from narrows.core.terms import Scalar
from narrows.errors import AnswerTooLarge
from narrows.node.compile import SCAN_ROWS

Row = tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class ReleasedRow:
    """A row that is released, and the raw values `beside` it, which never leave."""

    row: Row
    beside: Row


@dataclass(frozen=True, slots=True)
class Found:
    """What one fragment gives: what leaves, its rows, and what the ledger says of each row.

    `subjects` are, for each row, the tokens by field of every released row that it is made of;
    `contacts` what a pointer tells both units.
    """

    answer: FragmentAnswer
    rows: tuple[Row, ...] = ()
    subjects: tuple[tuple[Mapping[str, bytes], ...], ...] = ()
    contacts: tuple[Mapping[str, str], ...] = ()


def released_rows(bound: BoundFragment, rows: Sequence[Row], pseudonym: Pseudonym) -> list[Row]:
    """The rows that leave, gathered and sorted by all columns, NULL first.

    Sorted always: an unsorted join's order betrays hidden keys.
    Needs: rows of the statement that `compile_bound` made, or of `Cubes.read`. Raises: AnswerTooLarge over the cap.
    """
    released = [one.row for one in released_with(bound, rows, (), pseudonym)]
    return rows_that_leave(bound, released)


def released_with(
    bound: BoundFragment, rows: Sequence[Row], beside: Sequence[ColumnOf], pseudonym: Pseudonym
) -> list[ReleasedRow]:
    """The rows before they are gathered, each with the values of the columns beside it."""
    if isinstance(bound.guard, Edition):
        return [ReleasedRow(row, ()) for row in rows]
    if not bound.is_finished_by_node:
        check_cap(bound, len(rows))
        parted = _parted(rows, len(beside))
        passing = [ReleasedRow(row[:-1], aside) for row, aside in parted if row[-1] is True]
        return sorted(passing, key=lambda one: row_key(one.row))
    if len(rows) > SCAN_ROWS:
        # Of a pointer too: silence over the rest would say that there is nobody.
        raise AnswerTooLarge(
            f"more than {SCAN_ROWS} rows would be compared one by one",
            hint="match something beside likeness",
        )
    readings = [
        dict(zip(bound.raw_columns, row, strict=False)) | dict(zip(beside, aside, strict=True))
        for row, aside in _parted(rows, len(beside))
    ]
    return [
        ReleasedRow(row, tuple(reading[column] for column in beside))
        for row, reading in finish_readings(bound, readings, pseudonym)
    ]


def _parted(rows: Sequence[Row], width: int) -> Iterator[tuple[Row, Row]]:
    """Each row without what stands beside it, and that."""
    for row in rows:
        end = len(row) - width
        yield row[:end], row[end:]
