"""`narrows gateway serve` and `narrows node serve`: what runs underneath `narrows up`."""

from pathlib import Path
from typing import Annotated

import typer

from narrows.gateway.run import serve_gateway
from narrows.node.run import serve_node

Settings = Annotated[Path, typer.Argument(help="the settings file; NARROWS_… overrides its values")]


def gateway() -> typer.Typer:
    """The family `narrows gateway`."""
    found = typer.Typer(help="A gateway on this machine.", no_args_is_help=True)
    found.callback()(_family)
    found.command("serve")(_gateway)
    return found


def node() -> typer.Typer:
    """The family `narrows node`."""
    found = typer.Typer(help="A node on this machine.", no_args_is_help=True)
    found.callback()(_family)
    found.command("serve")(_node)
    return found


def _gateway(settings: Settings) -> None:
    """Serve a gateway until SIGTERM, which lets it finish what is under way.

    Example: narrows gateway serve .narrows/gateways/gateway/settings.yaml
    """
    serve_gateway(settings)


def _node(settings: Settings) -> None:
    """Serve a node until SIGTERM, which lets it finish what is under way.

    Example: narrows node serve .narrows/members/nsor/settings.yaml
    """
    serve_node(settings)


def _family() -> None:
    """Keep `serve` a command of the family, though it is the only one."""
