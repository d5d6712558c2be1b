"""What commands print: lines for people, JSON for programs."""

import json
import sys
from collections.abc import Mapping
from enum import StrEnum

from narrows.errors import NarrowsError


class Format(StrEnum):
    """How a command prints."""

    TEXT = "text"
    JSON = "json"


def fail(error: NarrowsError) -> None:
    """Print an error as one line on stderr; its values are never in it."""
    print(f"narrows: {error}", file=sys.stderr)


def print_json(document: Mapping[str, object]) -> None:
    """Print one JSON object on a line."""
    print(json.dumps(document, ensure_ascii=False, sort_keys=True))
