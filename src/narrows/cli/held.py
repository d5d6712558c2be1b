"""`narrows held` and `narrows reviews`: what a person at a holder decides, at the holder's own node."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from narrows.cli.show import ANSWERED, FAILED, Format, console, print_json, print_table
from narrows.client.credential import Credential
from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.exchange import HeldCase, Listing, ReviewCase, Ruled
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.ruling import Ruling, Says, SignedRuling, encode_ruling, ruling_bytes
from narrows.core.terms import REQUEST_ID, Holder, RequestId
from narrows.errors import MalformedRequest, ProofInvalid
from narrows.local.state import DEFAULT, State
from narrows.local.up import peer_of_place
from narrows.wire.calls import HeldCalls, open_channel

Member = Annotated[str, typer.Argument(help="the holder whose node it is")]
Request = Annotated[str, typer.Argument(help="the request: 32 hexadecimal digits")]
Person = Annotated[str, typer.Option("--as", help="who signs, by name as in the directory")]
FormatOf = Annotated[Format, typer.Option("--format", help="text or json")]
StateOf = Annotated[Path, typer.Option("--state", help="the state of a federation")]
T = TypeVar("T")
_OPEN = ("open", "approved")


class Finding(StrEnum):
    """What a review finds."""

    JUSTIFIED = "justified"
    UNJUSTIFIED = "unjustified"


@dataclass(frozen=True, slots=True)
class _At:
    """A holder's node, and the credential with which its own people call it."""

    state: State
    member: str
    credential: Credential


def held() -> typer.Typer:
    """The family `narrows held`."""
    found = typer.Typer(help="Requests that a holder decides first.", no_args_is_help=True)
    found.command("list")(_list)
    found.command("show")(_show)
    found.command("approve")(_approve)
    found.command("deny")(_deny)
    return found


def reviews() -> typer.Typer:
    """The family `narrows reviews`."""
    found = typer.Typer(help="Emergency uses and their reviews.", no_args_is_help=True)
    found.command("list")(_list_reviews)
    found.command("done")(_done)
    return found


def _list(
    member: Member,
    every: Annotated[bool, typer.Option("--all", help="also what is denied or lapsed")] = False,
    format: FormatOf = Format.TEXT,  # noqa: A002
    state: StateOf = DEFAULT,
) -> None:
    """List the requests that wait for a person at MEMBER, or may be collected.

    Example: narrows held list nsor
    """
    found = asyncio.run(_held_at(_at(member, state), every=every))
    if format is Format.JSON:
        print_json({"held": [asdict(one) for one in found.cases], **_beside(found)})
        return
    print_table(
        ("request", "state", "agency", "purpose", "agreement", "for", "approved", "until"),
        (
            (
                one.request, one.status, one.agency, one.purpose, one.agreement, one.role,
                f"{len(_approvals(one.rulings))} of {one.needed}", _clock(one),
            )
            for one in found.cases
        ),
    )  # fmt: skip
    _tell_beside(found)


def _show(
    member: Member,
    request: Request,
    format: FormatOf = Format.TEXT,  # noqa: A002
    state: StateOf = DEFAULT,
) -> None:
    """Show all of one held request that a person decides on; that it was read is entered.

    Whether it would find anything is told to nobody: nothing is matched before it is approved.

    Example: narrows held show nsor 5f0c…
    """
    found = asyncio.run(_shown_at(_at(member, state), _id(request)))
    if format is Format.JSON:
        print_json(asdict(found))
        return
    for line in _lines(found):
        console().print(line, markup=False)


def _approve(member: Member, request: Request, person: Person, state: StateOf = DEFAULT) -> None:
    """Approve a held request of MEMBER, signed by one of its named persons.

    Example: narrows held approve nsor 5f0c… --as "Insp. B. Tran"
    """
    _rule(_at(member, state), _id(request), Says.APPROVE, person)


def _deny(member: Member, request: Request, person: Person, state: StateOf = DEFAULT) -> None:
    """Deny a held request of MEMBER, which is final; also one that is approved already.

    Example: narrows held deny nsor 5f0c… --as "Insp. B. Tran"
    """
    _rule(_at(member, state), _id(request), Says.DENY, person)


def _list_reviews(
    member: Member,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="only overdue ones; exit code 1 where there are any")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="also what is reviewed")] = False,
    format: FormatOf = Format.TEXT,  # noqa: A002
    state: StateOf = DEFAULT,
) -> None:
    """List the emergency uses at MEMBER that await a review, and which reviews are overdue.

    Example: narrows reviews list nsor --overdue
    """
    found = asyncio.run(_reviews_at(_at(member, state), every=every))
    kept = [one for one in found.cases if not overdue or one.status == "overdue"]
    if format is Format.JSON:
        print_json({"reviews": [asdict(one) for one in kept], **_beside(found)})
    else:
        print_table(
            ("request", "state", "agency", "purpose", "agreement", "due", "reviewed"),
            (
                (
                    one.request, one.status, one.agency, one.purpose, one.agreement,
                    _time(one.due), "; ".join(_ruled(said) for said in one.reviews),
                )
                for one in kept
            ),
        )  # fmt: skip
        _tell_beside(found)
    raise typer.Exit(FAILED if overdue and kept else ANSWERED)


def _done(
    member: Member,
    request: Request,
    person: Person,
    finding: Annotated[Finding, typer.Option(help="what the review finds")],
    state: StateOf = DEFAULT,
) -> None:
    """Enter the review of one emergency use at MEMBER, signed by one of its named persons.

    Example: narrows reviews done nsor 5f0c… --as "Insp. B. Tran" --finding justified
    """
    _rule(_at(member, state), _id(request), Says(finding.value), person)


def _rule(at: _At, request: RequestId, says: Says, person: str) -> None:
    index = asyncio.run(_rule_at(at, request, says, person))
    console().print(f"{says} entered in the ledger of {at.member}, #{index}", markup=False)


async def _rule_at(at: _At, request: RequestId, says: Says, person: str) -> int:
    """The number of the entry, whose receipt is verified. Raises: NarrowsError."""
    key, now = at.credential.person(person), datetime.now(UTC)
    body = encode_ruling(Ruling(Holder(at.member), request, says, key.key_id, now))
    directory = read_directory(at.state.directory, at.credential.root, now)
    async with _calls(at) as calls:
        receipt = await calls.rule(SignedRuling(body, key.sign(ruling_bytes(body))))
    entry = verify_receipt(receipt, ledger_verifiers(directory)[at.member])
    if entry.request != request or entry.open.get("says") != says.value:
        raise ProofInvalid("the node's receipt is about something else than was decided")
    return receipt.index


async def _held_at(at: _At, *, every: bool) -> Listing[HeldCase]:
    async with _calls(at) as calls:
        return await calls.held(every=every)


async def _shown_at(at: _At, request: RequestId) -> HeldCase:
    async with _calls(at) as calls:
        return await calls.show(request)


async def _reviews_at(at: _At, *, every: bool) -> Listing[ReviewCase]:
    async with _calls(at) as calls:
        return await calls.reviews(every=every)


@asynccontextmanager
async def _calls(at: _At) -> AsyncIterator[HeldCalls]:
    place, folder = at.state.place(at.member), at.state.member(at.member)
    peer = peer_of_place(place, at.credential.peer.federation)
    async with open_channel(place.address, folder, peer) as channel:
        yield HeldCalls(channel)


def _at(member: str, state: Path) -> _At:
    kept = State(state)
    return _At(kept, member, Credential.load(kept.member(member)))


def _id(request: str) -> RequestId:
    if not REQUEST_ID.fullmatch(request):
        message = "the request id is not 32 hexadecimal digits"
        raise MalformedRequest(message, hint="`narrows held list` prints it")
    return RequestId(request)


def _beside(found: Listing[T]) -> dict[str, object]:
    """What stands beside a list as JSON."""
    return {"more": found.more, "unreadable": list(found.unreadable)}


def _tell_beside(found: Listing[T]) -> None:
    if found.more:
        console().print(f"and {found.more} older ones", markup=False)
    for request in found.unreadable:
        console().print(f"an entry about request {request} cannot be read", markup=False)


def _lines(case: HeldCase) -> list[str]:
    told = {
        "state": f"{case.status}, {_clock(case)}",
        "agency": case.agency,
        "unit": case.unit,
        "purpose": case.purpose,
        "form": case.form,
        "authority": case.authority,
        "emergency": "claimed" if case.emergency else "",
        "agreement": case.agreement,
        "for": case.role,
        "approved": f"{len(_approvals(case.rulings))} of {case.needed}",
        "held": _time(case.held_at),
        "collected": f"{case.collections} times" if case.collections else "",
        **dict(case.sealed),
    }
    lines = [f"request {case.request}"]
    lines += [f"  {name:<20} {' '.join(text.split())}" for name, text in told.items() if text]
    lines += [f"  {'ruled':<20} {_ruled(one)}" for one in case.rulings]
    for number, sql in enumerate(case.sql, 1):
        lines += [f"asked {number} of {len(case.sql)}", *(f"    {x}" for x in sql.splitlines())]
    return lines


def _approvals(rulings: Sequence[Ruled]) -> set[str]:
    return {one.person for one in rulings if one.says == Says.APPROVE}


def _ruled(one: Ruled) -> str:
    return f"{one.says} by {one.person} on {_time(one.ruled_at)}"


def _clock(case: HeldCase) -> str:
    """Until when something may be done, and how long that is yet."""
    if case.status not in _OPEN:
        return ""
    until = case.decide_by if case.collect_by is None else case.collect_by
    what = "decide" if case.collect_by is None else "collect"
    left = max(timedelta(0), until - datetime.now(UTC))
    hours, seconds = divmod(int(left.total_seconds()), 3600)
    return f"{what} by {_time(until)}, {hours} h {seconds // 60} min left"


def _time(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC")
