"""`narrows cube build` and `narrows cube show`: a holder's published cubes, at its running node."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.show import (
    ANSWERED,
    RowFormat,
    console,
    counted,
    print_csv,
    print_json,
    print_table,
    say,
)
from narrows.client.credential import Credential
from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.canonical import Json
from narrows.core.directory import Peer
from narrows.core.exchange import ShownEdition
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.note import Verifier
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.policy.edition import CubeEdition, decode_edition, spell_mean
from narrows.core.terms import MemberName, digest_of
from narrows.errors import BadFederation, ProofInvalid
from narrows.local.state import DEFAULT, State
from narrows.wire.calls import CubeCalls, open_channel

_Member = Annotated[str, typer.Argument(help="the holder, with its own certificate")]
_Cube = Annotated[str, typer.Argument(help="the cube, as its policy names it")]
_Format = Annotated[RowFormat, typer.Option(help="how cells are printed")]
_Afresh = Annotated[
    bool,
    typer.Option("--afresh", help="figures may begin anew: beside older ones they may tell of one"),
]
_State = Annotated[Path, typer.Option("--state", help="the state of a federation")]


def cube() -> typer.Typer:
    """The family `narrows cube`."""
    found = typer.Typer(help="The published cubes of a holder.", no_args_is_help=True)
    found.command("build")(build)
    found.command("show")(show)
    return found


def build(
    member: _Member,
    cube: _Cube,
    format: _Format = RowFormat.TABLE,  # noqa: A002
    state: _State = DEFAULT,
    *,
    afresh: _Afresh = False,
) -> None:
    """Build a new edition of a cube, which is entered and shown from now on; print its cells.

    Example: narrows cube build riverside readers
    """
    building = partial(CubeCalls.build, cube=cube, is_afresh=afresh)
    _print(asyncio.run(_call(State(state), member, building)), format)


def show(
    member: _Member,
    cube: _Cube,
    format: _Format = RowFormat.TABLE,  # noqa: A002
    state: _State = DEFAULT,
) -> None:
    """Show the current edition of a cube: what everybody may learn of it, and nothing else.

    Example: narrows cube show riverside readers --format csv
    """
    _print(asyncio.run(_call(State(state), member, partial(CubeCalls.show, cube=cube))), format)


async def _call(
    kept: State, member: str, asking: Callable[[CubeCalls], Awaitable[ShownEdition]]
) -> CubeEdition:
    """The edition, which the holder's ledger holds. Raises: NarrowsError."""
    credential = Credential.load(kept.member(member))
    directory = read_directory(kept.directory, credential.root, datetime.now(UTC))
    found = directory.member(MemberName(member))
    if found is None or found.node is None:
        raise BadFederation(f"`{member}` has no node", hint="name a holder")
    peer = Peer(directory.federation, "member", MemberName(member))
    async with open_channel(found.node.address, credential.folder, peer) as channel:
        shown = await asking(CubeCalls(channel))
    return _verified(shown, ledger_verifiers(directory)[member])


def _verified(shown: ShownEdition, verifier: Verifier) -> CubeEdition:
    entry = verify_receipt(shown.receipt, verifier)
    digest = digest_of(shown.edition).hex()
    if entry.kind is not Kind.EDITION or entry.open.get("edition") != digest:
        raise ProofInvalid("the ledger holds another edition than the node shows")
    return decode_edition(shown.edition)


def _print(found: CubeEdition, format: RowFormat) -> None:  # noqa: A002
    dimensions = [f"{path[0]}.{path[1]}" for path, _ in found.dimensions]
    measures = [f"mean {path[0]}.{path[1]}" for path in found.measures]
    rows = _rows(found)
    match format:
        case RowFormat.JSON:
            document: dict[str, Json] = json.loads(found.encoded)
            print_json(document)
        case RowFormat.CSV:
            print_csv([*dimensions, found.unit_name, *measures], rows)
            say(_head(found))
        case RowFormat.TABLE:
            print_table([*dimensions, found.unit_name, *measures], rows)
            console().print(_head(found), markup=False)
    raise typer.Exit(ANSWERED)


def _rows(found: CubeEdition) -> list[Sequence[object]]:
    return [
        (
            *cell.place,
            cell.count,
            *(None if mean is None else spell_mean(mean) for mean in cell.means),
        )
        for cell in found.cells
    ]


def _head(found: CubeEdition) -> str:
    noise = f", with noise of epsilon {found.epsilon}" if found.epsilon else ""
    total = sum(cell.count for cell in found.cells)
    return (
        f"edition {found.number} of {found.cube}, as of {found.as_of.isoformat()}: "
        f"{counted(len(found.cells), 'cell')} of at least {found.k} {found.unit_name}{noise}; "
        f"the shown cells have {total}"
    )
