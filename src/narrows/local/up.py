"""Brings a federation up on this machine, says how it is, and takes it down."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket

from narrows.client.trust import ledger_verifiers, read_directory
from narrows.core.directory import DirectoryKey, Peer
from narrows.core.ledger.checkpoint import open_checkpoint
from narrows.core.terms import MemberName
from narrows.errors import BadFederation, MalformedRequest, NarrowsError
from narrows.folder.load import Federation, load_folder
from narrows.local.mint import mint
from narrows.local.processes import Process, find, last_words, start, stop
from narrows.local.state import GATEWAY, Place, Running, State
from narrows.store.keys import VerifyingKey
from narrows.wire.calls import AuditCalls, is_serving, open_channel

HOST = "127.0.0.1"
READY_S = 60.0
LOOK_S = 0.1
CHECK_S = 2.0
ARGUMENTS_REFUSED = 2
"""The exit code with which programs refuse their arguments; argparse's, too."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to bring up."""

    folder: Path
    scale: str = "tiny"
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Health:
    """How one process is. `entries` is None where it does not answer."""

    place: Place
    process: Process | None
    is_well: bool
    entries: int | None


def bring_up(state: State, wanted: Wanted, say: Say) -> tuple[Place, ...]:
    """Every process, healthy. What is missing is made first; what runs already is left alone.

    Raises: BadFederation where something is wrong, with what the process said last.
    """
    federation = load_folder(wanted.folder)
    running = _prepare(state, federation, wanted, say)
    places = state.places(running)
    fresh = [place for place in places if find(place) is None]
    say(f"starting {len(fresh)} processes" if fresh else "everything runs already")
    for place in fresh:
        start(place)
    try:
        asyncio.run(_ready(places, federation.name))
    except BaseException:
        for place in fresh:
            stop(place)
        raise
    return places


def take_down(state: State, say: Say, names: Sequence[str] = ()) -> None:
    """Nothing, when those processes have drained and gone; all, where none is named.

    The gateway goes first, then the nodes. Raises: BadFederation for a name of no process.
    """
    wanted = [state.place(name) for name in names] or state.places(state.read())
    stopped = [place.name for place in wanted if _stop_and_say(place, say)]
    if not stopped:
        say("nothing was running")


def _stop_and_say(place: Place, say: Say) -> bool:
    is_stopped = stop(place)
    if is_stopped:
        say(f"{place.name} stopped")
    return is_stopped


async def check_health(state: State) -> tuple[Health, ...]:
    """How each process is, asked over its own socket."""
    running = state.read()
    places = state.places(running)
    root = DirectoryKey(bytes.fromhex(running.root_key))
    verifiers = ledger_verifiers(read_directory(state.directory, root, datetime.now(UTC)))
    found = await asyncio.gather(
        *(_health(place, running.federation, verifiers) for place in places)
    )
    return tuple(found)


def make_data(federation: Federation, scale: str, seed: int, state: State, say: Say) -> None:
    """Nothing, when the federation's generator has made its databases. Raises: BadFederation."""
    if federation.generator is None:
        raise BadFederation(
            "the federation has no `generator`, and its databases are missing",
            hint=f"put them into {state.data}",
            file="federation.yaml",
        )
    state.data.mkdir(parents=True, exist_ok=True)
    say(f"making databases: {scale}, seed {seed}")
    command = [
        sys.executable, str(federation.generator), "--scale", scale, "--seed", str(seed),
        "--out", str(state.data), "--truth", str(state.truth),
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == ARGUMENTS_REFUSED:
        message = "the generator does not take this scale or seed"
        raise MalformedRequest(message, hint="its words are above")
    if done.returncode:
        message = "the generator failed"
        raise BadFederation(message, hint="its words are above", file=str(federation.generator))
    (state.folder / "data.digests").write_text(done.stdout)


def _prepare(state: State, federation: Federation, wanted: Wanted, say: Say) -> Running:
    state.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    holders = [m for m in federation.members.values() if m.node is not None]
    before = state.read() if (state.folder / "state.json").exists() else None
    if before is not None and before.federation != federation.name:
        raise BadFederation(
            f"this state is of the federation `{before.federation}`",
            hint="name another folder with --state",
            file=str(state.folder),
        )
    is_other = before is not None and (before.scale, before.seed) != (wanted.scale, wanted.seed)
    lacking = [m for m in holders if m.node and not (state.data / m.node.database).exists()]
    if lacking or is_other:
        if any(find(place) for place in (state.places(before) if before else ())):
            message = "another scale or seed is wanted while the federation runs"
            raise BadFederation(message, hint="stop it first: `narrows down`")
        make_data(federation, wanted.scale, wanted.seed, state, say)
    addresses = _addresses([GATEWAY, *(m.name for m in holders)], before, state)
    say("minting what is missing of keys and certificates")
    root_key = mint(state, federation, addresses, datetime.now(UTC))
    running = Running(
        federation.name,
        str(wanted.folder.resolve()),
        wanted.scale,
        wanted.seed,
        root_key,
        addresses,
    )
    for place in state.places(running):
        _write_settings(place, running, federation, state)
    state.write(running)
    return running


def _addresses(names: list[str], before: Running | None, state: State) -> dict[str, str]:
    """An address for each process: the one that it had, unless somebody else has it now."""
    found: dict[str, str] = {}
    known = {} if before is None else dict(before.addresses)
    running = (
        {place.name for place in state.places(before) if find(place)}
        if before is not None
        else set()
    )
    for name in names:
        old = known.get(name)
        is_kept = old is not None and (name in running or _is_free(old))
        found[name] = old if is_kept and old is not None else _free_address(set(found.values()))
    return found


def _is_free(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket(AF_INET, SOCK_STREAM) as probe:
        # As a server does: connections that have just ended do not keep an address taken.
        probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True


def _free_address(taken: set[str]) -> str:
    while True:
        with socket(AF_INET, SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            address = f"{HOST}:{probe.getsockname()[1]}"
        if address not in taken:
            return address


def _write_settings(place: Place, running: Running, federation: Federation, state: State) -> None:
    lines = {
        "federation": running.folder,
        "home": str(place.home.resolve()),
        "directory": str(state.directory.resolve()),
        "root_key": running.root_key,
        "listen": place.address,
    }
    if place.role == "node":
        node = federation.members[MemberName(place.name)].node
        assert node is not None
        lines |= {"member": place.name, "database": str((state.data / node.database).resolve())}
    else:
        lines |= {"name": place.name}
    text = "".join(f'{name}: "{value}"\n' for name, value in lines.items())
    place.settings.write_text(f"# Written by `narrows up`; see docs/operating.md.\n{text}")


async def _ready(places: tuple[Place, ...], federation: str) -> None:
    """Nothing, when every process says that it is well.

    Raises: BadFederation, with the last words of one that died.
    """
    deadline = time.monotonic() + READY_S
    waiting = list(places)
    while waiting:
        for place in tuple(waiting):
            if find(place) is None:
                raise BadFederation(
                    f"`{place.name}` did not start: {last_words(place)}",
                    hint=f"its log is {place.log}",
                )
            if await _is_well(place, federation):
                waiting.remove(place)
        if waiting and time.monotonic() > deadline:
            names = ", ".join(f"`{place.name}`" for place in waiting)
            logs = ", ".join(str(place.log) for place in waiting)
            message = f"{names} did not get well within {READY_S:.0f} s"
            raise BadFederation(message, hint=f"read {logs}")
        await asyncio.sleep(LOOK_S)


def peer_of_place(place: Place, federation: str) -> Peer:
    """Whom the certificate of the process at that place names."""
    role = "gateway" if place.role == "gateway" else "member"
    return Peer(federation, role, MemberName(place.name))


async def _is_well(place: Place, federation: str) -> bool:
    async with open_channel(place.address, place.home, peer_of_place(place, federation)) as channel:
        return await is_serving(channel, CHECK_S)


async def _health(place: Place, federation: str, verifiers: Mapping[str, VerifyingKey]) -> Health:
    process = find(place)
    if process is None:
        return Health(place, None, is_well=False, entries=None)
    async with open_channel(place.address, place.home, peer_of_place(place, federation)) as channel:
        is_well = await is_serving(channel, CHECK_S)
        try:
            note = await AuditCalls(channel).checkpoint()
            verifier = verifiers[place.name]
            entries: int | None = open_checkpoint(note, verifier).size
        except NarrowsError:
            entries = None
    return Health(place, process, is_well, entries)
