"""What every engine offers: statements in, rows out, in one read-only snapshot.

An engine never sees a fragment, only the SQL that `node/compile.py` made in its dialect. It never
repeats its own message in an error: those quote values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from narrows.core.terms import ColumnType, Scalar


@dataclass(frozen=True, slots=True)
class Statement:
    """One SELECT, the values of its numbered parameters, and the columns that it must give."""

    sql: str
    parameters: tuple[Scalar, ...]
    columns: tuple[tuple[str, ColumnType], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows of each statement, in order, and the time of the one snapshot they are from."""

    as_of: datetime
    rows: list[list[tuple[Scalar, ...]]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one engine spells what `node/compile.py` needs.

    `placeholder(number, type)` is a parameter, counted from 1; `start(term, type, unit)` the first
    instant of the `year`, `month` or `day` of a date or timestamp; `collated(term)` a text compared
    by code point; `matched(term)` a key of which only equality is asked, spelled so that indexes
    serve it; `same(left, right)` whether both are the same, also where both are NULL;
    `like(term, pattern)` whether a text is of a pattern, which the engine has as `pattern(text)`.
    """

    name: str
    type_name: Callable[[ColumnType], str]
    placeholder: Callable[[int, ColumnType], str]
    start: Callable[[str, ColumnType, str], str]
    collated: Callable[[str], str]
    matched: Callable[[str], str]
    same: Callable[[str, str], str]
    like: Callable[[str, str], str]
    pattern: Callable[[str], str]


class Engine(Protocol):
    """One holder's database, read-only."""

    @property
    def dialect(self) -> Dialect:
        """The dialect that statements must be in."""

    async def run(self, statements: Sequence[Statement], deadline_s: float) -> Reading:
        """The rows of all statements, read in one snapshot.

        Raises: DeadlinePassed after `deadline_s`; CheckFailed for anything that the engine says.
        """

    def close(self) -> None:
        """Nothing; every connection is closed."""
