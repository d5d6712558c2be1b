"""What commands print: tables for people, JSON and CSV for programs, errors on stderr."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from narrows.errors import MalformedQuery, MalformedRequest, NarrowsError, UnsupportedQuery

ANSWERED, FAILED, BAD_USE, REFUSED = 0, 1, 2, 3
"""The exit codes of every command."""
_STYLES = {
    "answered": "green", "ALLOWED": "green", "NARROWED": "yellow", "refused": "red",
    "REFUSED": "red", "unavailable": "magenta", "timed out": "magenta", "not asked": "dim",
    "well": "green", "stopped": "red", "not well": "red",
}  # fmt: skip


class Format(StrEnum):
    """How a command prints."""

    TEXT = "text"
    JSON = "json"


class RowFormat(StrEnum):
    """How a command prints rows."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def console() -> Console:
    """Where people read; plain and unbroken where it is no terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=200, soft_wrap=True)


def say(text: str) -> None:
    """Print a line about progress on stderr, out of the way of what is printed."""
    Console(stderr=True, highlight=False).print(Text(text, style="dim"))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under column heads; NULL is a dot, words that say how it went are coloured."""
    table = Table(box=SIMPLE, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console().print(table)


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print RFC 4180 lines; NULL is empty."""
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(rows)


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON object on a line."""
    print(json.dumps(document, ensure_ascii=False, sort_keys=True, default=str))


def fail(error: NarrowsError, *, as_json: bool = False) -> int:
    """The exit code, after the error is on stderr as one line; its values are never in it."""
    if as_json:
        document = {"reason": error.reason, "message": str(error), "metadata": error.metadata}
        print(json.dumps(document, ensure_ascii=False, sort_keys=True), file=sys.stderr)
    else:
        print(f"narrows: {error}{_place(error)}", file=sys.stderr)
    is_use = isinstance(error, MalformedQuery | UnsupportedQuery | MalformedRequest)
    return BAD_USE if is_use else FAILED


def counted(count: int, what: str) -> str:
    """The number with its noun.

    >>> counted(1, "row"), counted(0, "entry"), counted(2, "entry"), counted(90, "day")
    ('1 row', '0 entries', '2 entries', '90 days')
    """
    if count == 1:
        return f"1 {what}"
    is_ies = what.endswith("y") and not what.endswith(("ay", "ey", "oy"))
    return f"{count} {what[:-1]}ies" if is_ies else f"{count} {what}s"


def _place(error: NarrowsError) -> str:
    position = error.metadata.get("position")
    # People count from 1.
    return "" if position is None else f" (at character {int(position) + 1})"


def _cell(value: object) -> Text:
    if value is None:
        return Text("·", style="dim")
    text = str(value)
    return Text(text, style=_STYLES.get(text, ""))
