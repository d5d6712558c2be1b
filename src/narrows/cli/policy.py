"""The family `narrows policy`: what a privacy officer does with a policy, from text to publishing."""

import typer

from narrows.cli.policy_cases import try_all
from narrows.cli.policy_decide import decide, explain
from narrows.cli.policy_diff import diff
from narrows.cli.policy_publish import publish, sign
from narrows.cli.policy_replay import replay
from narrows.cli.policy_text import check, fmt


def policy() -> typer.Typer:
    """The family."""
    found = typer.Typer(help="Policies: check, try, compare, publish.", no_args_is_help=True)
    found.command("test")(try_all)
    for command in (check, fmt, decide, explain, diff, replay, sign, publish):
        found.command(command.__name__)(command)
    return found
