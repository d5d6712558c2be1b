"""The command `narrows`. Exit codes: 0 well, 1 failure, 2 bad use, 3 refused or withheld.

An error is one readable line on stderr; with `--format json`, one JSON object there.
"""

import importlib
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import typer
from typer import Abort
from typer._click.exceptions import UsageError

from narrows.cli.show import BAD_USE, FAILED, fail
from narrows.errors import BadFederation, MalformedRequest, NarrowsError
from narrows.serving.tls import refuse_older_tls

_COMMANDS = {
    "up": "federation", "down": "federation", "status": "federation", "generate": "federation",
    "check": "folder", "ask": "ask", "explain": "explain", "trace": "trace", "verify": "proof",
}  # fmt: skip
"""Each command's file; it is imported only when needed, since gRPC and Arrow take a while."""
_FAMILIES = {
    "cube": "cube", "ledger": "proof", "policy": "policy", "gateway": "serve", "node": "serve",
    "held": "held", "reviews": "held", "notices": "notices",
}  # fmt: skip


def app(wanted: str | None = None) -> typer.Typer:
    """The command with all its commands, or with the one that is wanted."""
    found = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    found.callback()(_all)
    for name, file in _COMMANDS.items():
        if wanted in (None, name):
            found.command(name)(_load(file, name))
    for name, file in _FAMILIES.items():
        if wanted in (None, name):
            found.add_typer(cast("typer.Typer", _load(file, name)()), name=name)
    return found


def main() -> None:
    """Run one command and exit."""
    first = next(iter(sys.argv[1:]), None)
    known = first if first in _COMMANDS or first in _FAMILIES else None
    if known in ("gateway", "node"):
        # Before gRPC is imported, which is when it reads this.
        refuse_older_tls(os.environ)
    as_json = _wants_json(sys.argv)
    try:
        sys.exit(app(known)(standalone_mode=False))
    except NarrowsError as error:
        sys.exit(fail(error, as_json=as_json))
    except OSError as error:
        # Of a file that the command names; its path is the person's own, and no value.
        what = (error.strerror or type(error).__name__).lower()
        hint = "see its path and permissions, and that the disk has room"
        file = str(error.filename or "")
        sys.exit(
            fail(
                BadFederation(f"the file cannot be used ({what})", hint=hint, file=file),
                as_json=as_json,
            )
        )
    except UsageError as error:
        if not as_json:
            # With the usage line and the boxes that people know.
            error.show()
            sys.exit(BAD_USE)
        sys.exit(fail(MalformedRequest(error.format_message().lower()), as_json=True))
    except Abort:
        sys.exit(FAILED)


def _load(file: str, name: str) -> "Callable[..., object]":
    found: Callable[..., object] = getattr(importlib.import_module(f"narrows.cli.{file}"), name)
    return found


def _all() -> None:
    """A federated query gateway: a question goes in wide and comes out narrow.

    Exit codes: 0 well, 1 failure, 2 bad use, 3 refused or withheld.

    Example: narrows up examples/library --detach

    Example: narrows ask --help

    Example: narrows down
    """


def _wants_json(words: list[str]) -> bool:
    return "--format=json" in words or ("--format", "json") in pairwise(words)


if __name__ == "__main__":
    main()
