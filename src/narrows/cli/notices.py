"""`narrows notices`: what holders tell a member of pointers, its own requests' or its own data's."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from narrows.cli.show import FAILED, Format, console, counted, print_json, print_table
from narrows.client.credential import Credential
from narrows.client.trust import read_directory
from narrows.core.directory import Peer
from narrows.core.exchange import NoticeItem
from narrows.core.ledger.entry import format_time
from narrows.core.terms import MemberName
from narrows.errors import MalformedRequest, NarrowsError
from narrows.local.state import DEFAULT, State
from narrows.wire.calls import NoticeCalls, open_channel

Member = Annotated[str, typer.Argument(help="the member whose notices they are")]
Of = Annotated[str, typer.Option("--of", help="the holder that tells; all, without")]
FormatOf = Annotated[Format, typer.Option(help="text or json")]
StateOf = Annotated[Path, typer.Option("--state", help="the state of a federation")]
Failures = dict[str, str]
T = TypeVar("T")


def notices() -> typer.Typer:
    """The family `narrows notices`."""
    found = typer.Typer(help="Notices of pointers, told to both units.", no_args_is_help=True)
    found.command("list")(list_notices)
    found.command("take")(take_notices)
    return found


def list_notices(
    member: Member,
    of: Of = "",
    format: FormatOf = Format.TEXT,  # noqa: A002
    state: StateOf = DEFAULT,
) -> None:
    """List the notices that a member has not taken. Exit code 1: a holder could not be asked.

    Example: narrows notices list vpd
    Example: narrows notices list vpd --of spvm --format json
    """
    found, failures = asyncio.run(_of_all(State(state), member, of, NoticeCalls.fetch))
    items = [(holder, item) for holder, given in found.items() for item in given]
    if format is Format.JSON:
        print_json({"notices": [_shown(*one) for one in items], "failures": failures})
    else:
        print_table(
            ("holder", "notice", "when", "request", "requester", "unit", "officer", "pointer"),
            (_row(*one) for one in items),
        )
        _say(failures)
    raise typer.Exit(FAILED if failures else 0)


def take_notices(
    member: Member,
    of: Of,
    index: Annotated[list[int] | None, typer.Argument(help="their numbers; all, without")] = None,
    format: FormatOf = Format.TEXT,  # noqa: A002
    state: StateOf = DEFAULT,
) -> None:
    """Take notices of one holder, which will not give them again; the ledger says so.

    Example: narrows notices take vpd --of spvm 71
    """

    async def take(calls: NoticeCalls) -> int:
        wanted = index or [item.index for item in await calls.fetch()]
        # Also none: a ledger grows by a taking whether or not there was anything.
        return await calls.take(wanted)

    found, failures = asyncio.run(_of_all(State(state), member, of, take))
    taken = sum(found.values())
    if format is Format.JSON:
        print_json({"taken": taken, "failures": failures})
    else:
        console().print(f"{counted(taken, 'notice')} taken")
        _say(failures)
    raise typer.Exit(FAILED if failures else 0)


async def _of_all(
    state: State, member: str, of: str, ask: Callable[[NoticeCalls], Awaitable[T]]
) -> tuple[dict[str, T], Failures]:
    """What each holder says, or why it could not be asked."""
    credential = Credential.load(state.member(member))
    directory = read_directory(state.directory, credential.root, datetime.now(UTC))
    holders = {
        name: found.node.address
        for name, found in sorted(directory.members.items())
        if found.node is not None and of in ("", name)
    }
    if not holders:
        raise MalformedRequest(f"no holder `{of}`", hint="name a member that has a node")
    found: dict[str, T] = {}
    failures: Failures = {}
    for name, address in holders.items():
        peer = Peer(directory.federation, "member", MemberName(name))
        async with open_channel(address, credential.folder, peer) as channel:
            try:
                found[name] = await ask(NoticeCalls(channel))
            except NarrowsError as error:
                failures[name] = error.message
    return found, failures


def _shown(holder: str, item: NoticeItem) -> dict[str, object]:
    text = item.text
    return {
        "holder": holder,
        "notice": item.index,
        "time": format_time(item.time),
        "request": item.request,
        "requester": text.requester,
        "unit": text.unit,
        "officer": text.officer,
        "pointer": dict(text.pointer),
    }


def _row(holder: str, item: NoticeItem) -> tuple[object, ...]:
    pointer = ", ".join(f"{name}: {value}" for name, value in item.text.pointer.items())
    text, when = item.text, item.time.strftime("%Y-%m-%d %H:%M")
    who = (text.requester, text.unit, text.officer)
    return (holder, item.index, when, item.request, *who, pointer)


def _say(failures: Failures) -> None:
    for name, failure in failures.items():
        console().print(f"{name} could not be asked: {failure}", markup=False)
