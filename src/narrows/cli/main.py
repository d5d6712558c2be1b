"""The command `narrows`. Exit codes: 0 well, 1 failure, 2 bad use, 3 refused or withheld.

An error is one readable line on stderr; with `--format json`, one JSON object on stdout.
"""

import sys

import typer

from narrows.cli.folder import check
from narrows.cli.proof import ledger, verify
from narrows.cli.show import fail
from narrows.errors import NarrowsError


def app() -> typer.Typer:
    """All commands."""
    found = typer.Typer(
        help="A federated query gateway: a question goes in wide and comes out narrow.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    found.command()(check)
    found.command()(verify)
    found.add_typer(ledger(), name="ledger")
    return found


def main() -> None:
    """Run one command and exit."""
    try:
        app()()
    except NarrowsError as error:
        fail(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
