"""What no gateway can be faster than, measured in the same run.

One append with fdatasync on the same disk; one empty call over mutual TLS to a running node; and
the same reads, narrowed as policy narrows them, sent straight to the holders' databases, one after
another, by a program that has them all at hand.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from measure import Latency, percentiles

from narrows.client.question import Ask
from narrows.core.admission import day_of
from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.policy.bind import bind
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.terms import ColumnType, MemberName, TypedValue
from narrows.engines.protocol import Engine, Statement
from narrows.folder.load import load_folder
from narrows.local.state import State
from narrows.local.up import peer_of_place
from narrows.node.compile import compile_bound, types_in
from narrows.node.run import mapping_for, open_engine
from narrows.serving.start import now
from narrows.wire.calls import is_serving, open_channel

COUNT = 400


async def measure_limits(state: State, questions: Mapping[str, Ask]) -> dict[str, Latency]:
    """Each limit by its name."""
    found = {
        "append and fdatasync of 2 kB": _disk(state),
        "empty call to a node over mutual TLS": await _call(state),
    }
    for name, ask in questions.items():
        found[f"{name} straight to the databases"] = await _direct(state, ask)
    return found


def _disk(state: State) -> Latency:
    path = state.folder / "bench.tmp"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    took = []
    try:
        for _ in range(COUNT):
            started = time.perf_counter()
            os.write(descriptor, bytes(2_000))
            os.fdatasync(descriptor)
            took.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return Latency(*percentiles(took))


async def _call(state: State) -> Latency:
    running = state.read()
    place = state.places(running)[1]
    peer = peer_of_place(place, running.federation)
    async with open_channel(place.address, place.home, peer) as channel:
        return await _timed(lambda: is_serving(channel, 5))


async def _direct(state: State, ask: Ask) -> Latency:
    """The statements that the holders' own policies make, without anything around them."""
    federation = load_folder(Path(state.read().folder))
    vpd = federation.members[MemberName("vpd")]
    day = day_of(now(), federation.zone)
    circumstances = Circumstances(
        Requester(vpd.name, vpd.member_class, vpd.country),
        ask.purpose,
        "lookup",
        day,
        frozenset(("officer", "grounds", "case_number")),
    )
    types = {name: value.type for name, value in ask.parameters.items()}
    split = plan(ask.sql, types, federation.catalog)
    values = {**ask.parameters, TODAY_SLOT: TypedValue(ColumnType.DATE, day)}
    (fragment,) = split.fill(values)
    work: list[tuple[Engine, Statement]] = []
    for holder in federation.catalog.holders:
        node = federation.members[MemberName(holder)].node
        if node is None or split.parts[0].asked(holder) is not None:
            continue
        decision = decide(node.policy, federation.catalog, fragment, circumstances)
        if decision.releases:
            bound = bind(node.policy, federation.catalog, fragment, circumstances, decision)
            database = state.data / node.database
            engine = open_engine(node.engine, database, connections=1)
            mapping, kinds = mapping_for(node, database), types_in(bound, federation.catalog)
            work.append((engine, compile_bound(bound, mapping, engine.dialect, kinds)))

    async def once() -> None:
        for engine, statement in work:
            await engine.run([statement], 5)

    try:
        return await _timed(once)
    finally:
        for engine, _ in work:
            engine.close()


async def _timed(work: Callable[[], Awaitable[object]]) -> Latency:
    for _ in range(COUNT // 10):
        await work()
    took = []
    for _ in range(COUNT):
        started = time.perf_counter()
        await work()
        took.append(time.perf_counter() - started)
        await asyncio.sleep(0)
    return Latency(*percentiles(took))
