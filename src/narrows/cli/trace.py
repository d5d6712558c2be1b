"""`narrows trace`: the whole story of one request, from the ledgers of gateway and nodes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.show import ANSWERED, FAILED, Format, console, print_json
from narrows.cli.story import Ledger, tell
from narrows.cli.waterfall import print_waterfall, read_all_spans
from narrows.client.credential import Credential
from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.directory import Directory, Peer
from narrows.core.ledger.entry import check_opening
from narrows.core.ledger.note import Verifier
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.terms import REQUEST_ID, MemberName, RequestId
from narrows.errors import DisclosureDenied, MalformedRequest, NarrowsError
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
    if not REQUEST_ID.fullmatch(request_id):
        message = "the request id is not 32 hexadecimal digits"
        raise MalformedRequest(message, hint="`narrows ask` prints it")
    kept = State(state)
    credential = Credential.load(kept.member(member))
    directory = read_directory(kept.directory, credential.root, datetime.now(UTC))
    reader = _Reader(credential, directory, RequestId(request_id), mandate)
    ledgers = asyncio.run(_read_all(reader))
    _require_an_auditor(ledgers, member)
    story = tell(request_id, ledgers)
    found = read_all_spans(kept, story.trace_id) if spans else []
    if format is Format.JSON:
        print_json({**story.document, "spans": found} if spans else story.document)
    else:
        for line in story.lines:
            console().print(line, markup=False)
    if spans and format is Format.TEXT:
        print_waterfall(found)
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
            return Ledger(MemberName(peer.name), peer.role, (), str(error), error.reason)
    return Ledger(MemberName(peer.name), peer.role, tuple(entries))


def _require_an_auditor(ledgers: list[Ledger], member: str) -> None:
    """Nothing, unless every ledger turned the reader away: then nothing is amiss but who asks."""
    if ledgers and all(one.reason == DisclosureDenied.reason for one in ledgers):
        raise DisclosureDenied(
            f"`{member}` may read no ledger", hint="trace with --as and the name of an auditor"
        )
