"""`narrows trace`: the whole story of one request, from the ledgers of gateway and nodes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.show import ANSWERED, FAILED, Format, console, print_json, say
from narrows.cli.story import Ledger, Story, tell
from narrows.cli.waterfall import print_waterfall
from narrows.client.credential import Credential
from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.directory import Directory, Peer
from narrows.core.ledger.entry import check_opening
from narrows.core.ledger.note import Verifier
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.terms import MemberName, RequestId
from narrows.errors import NarrowsError
from narrows.local.state import DEFAULT, State
from narrows.wire.calls import AuditCalls, open_channel

INSPECTION = "general inspection"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads, with which credential and mandate, about which request."""

    credential: Credential
    directory: Directory
    request: RequestId
    mandate: str


def trace(
    request_id: Annotated[str, typer.Argument(help="the request: 32 hexadecimal digits")],
    member: Annotated[str, typer.Option("--as", help="the auditor that reads")],
    mandate: Annotated[str, typer.Option(help="the mandate; it is entered")] = INSPECTION,
    spans: Annotated[bool, typer.Option("--spans", help="show how long each step took")] = False,
    format: Annotated[Format, typer.Option(help="text or json")] = Format.TEXT,  # noqa: A002
    state: Annotated[Path, typer.Option("--state", help="the state of a federation")] = DEFAULT,
) -> None:
    """Tell the whole story of one request, from every ledger that can be reached, and prove it.

    The gateway may be gone: the nodes are asked themselves. Exit code 1: something is amiss.

    Example: narrows trace 5f0c… --as opc
    """
    kept = State(state)
    credential = Credential.load(kept.member(member))
    directory = read_directory(kept.directory, credential.root, datetime.now(UTC))
    reader = _Reader(credential, directory, RequestId(request_id), mandate)
    ledgers = asyncio.run(_read_all(reader))
    story = tell(request_id, ledgers)
    if format is Format.JSON:
        print_json(story.document)
    else:
        for line in story.lines:
            console().print(line, markup=False)
    if spans:
        _show_spans(story, kept)
    raise typer.Exit(FAILED if story.findings else ANSWERED)


async def _read_all(reader: _Reader) -> list[Ledger]:
    endpoints = {
        Peer(reader.directory.federation, "gateway", name): found.address
        for name, found in reader.directory.gateways.items()
    } | {
        Peer(reader.directory.federation, "member", name): member.node.address
        for name, member in reader.directory.members.items()
        if member.node is not None
    }
    verifiers = ledger_verifiers(reader.directory)
    found = await asyncio.gather(
        *(_read(peer, address, verifiers[peer.name], reader) for peer, address in endpoints.items())
    )
    return list(found)


async def _read(peer: Peer, address: str, verifier: Verifier, reader: _Reader) -> Ledger:
    """What one ledger holds, every receipt verified; or why it could not be read."""
    async with open_channel(address, reader.credential.folder, peer) as channel:
        try:
            found = await AuditCalls(channel).trace(reader.request, reader.mandate)
            entries = []
            for one in found.entries:
                entry = verify_receipt(one.receipt, verifier)
                for opening in one.openings:
                    check_opening(entry, opening)
                opened = {opening.field: opening.value for opening in one.openings}
                entries.append((one.receipt, entry, opened))
        except NarrowsError as error:
            return Ledger(MemberName(peer.name), peer.role, (), str(error))
    return Ledger(MemberName(peer.name), peer.role, tuple(entries))


def _show_spans(story: Story, state: State) -> None:
    if not story.trace_id:
        say("no ledger that was read leads to the spans of this request")
        return
    files = [
        *state.folder.glob("gateways/*/spans.jsonl"),
        *state.folder.glob("members/*/spans.jsonl"),
    ]
    print_waterfall(files, story.trace_id)
