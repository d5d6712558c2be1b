"""What a node can do to others by lying, breaking off, or never ending: nothing but be a gap."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from narrows.client import Answer
from narrows.core.terms import ColumnType
from narrows.engines.arrow import build_batches, schema_of
from narrows.local.state import GATEWAY
from narrows.wire.v1 import node_pb2 as pb
from narrows.wire.v1 import request_pb2
from tests.system.hostile_node import Reply, in_the_place_of
from tests.system.processes import LIBRARY, Running, by_card, kinds, outcomes, running

pytestmark = pytest.mark.system
NAME = "hilltop"
COLUMNS = [
    ("t1_full_name", ColumnType.TEXT),
    ("holder", ColumnType.TEXT),
    ("t1_postal_code", ColumnType.TEXT),
    ("t2_loan_state", ColumnType.TEXT),
]
ROWS = build_batches([("Mallory", NAME, "B3H", "OUT")], schema_of(COLUMNS))
BATCH = pb.AnswerResponse(batch=pb.FragmentBatch(fragment=0, batch=ROWS[0]))
ALLOWED = request_pb2.Decision(verdict=request_pb2.VERDICT_ALLOWED, policy_version=1)


def trailer(receipt: bytes = b"{}", count: int = 1, rows: int = 1) -> pb.AnswerResponse:
    """A trailer as a liar writes it."""
    return pb.AnswerResponse(
        trailer=pb.NodeTrailer(
            fragments=[
                pb.FragmentOutcome(fragment=0, decision=ALLOWED, row_count=rows, batch_count=count)
            ],
            receipt=receipt,
        )
    )


async def nothing(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    return
    yield


async def no_trailer(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    yield BATCH


async def no_receipt(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    yield BATCH
    yield trailer(b"")


async def forged_receipt(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    yield BATCH
    yield trailer()


async def goes_on_after_the_end(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    yield BATCH
    yield trailer()
    yield BATCH


async def dies_after_a_batch(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    yield BATCH
    raise RuntimeError("Mallory was here")


async def empty_part(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    yield pb.AnswerResponse()


async def endless(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    big = pb.AnswerResponse(batch=pb.FragmentBatch(fragment=0, batch=bytes(3_900_000)))
    while True:
        yield big


async def falls_silent(_: pb.AnswerRequest) -> AsyncIterator[pb.AnswerResponse]:
    yield BATCH
    await asyncio.Event().wait()


REPLIES: dict[str, Reply] = {
    found.__name__: found
    for found in (
        nothing,
        no_trailer,
        no_receipt,
        forged_receipt,
        goes_on_after_the_end,
        dies_after_a_batch,
        empty_part,
        endless,
        falls_silent,
    )
}


@pytest.fixture(scope="module")
def without_hilltop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A federation whose node `hilltop` has stopped, for somebody else to take its place."""
    with running(LIBRARY, tmp_path_factory.mktemp("hostile") / "state") as found:
        found.down(NAME)
        yield found


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
def test_a_hostile_node_is_a_gap_and_nothing_of_it_is_believed(
    without_hilltop: Running, reply: Reply
) -> None:
    answer = asyncio.run(_asked(without_hilltop, reply))
    # A refusal is a holder's own decision: no lie may pass for one.
    expected = "timed out" if reply is falls_silent else "unavailable"
    assert outcomes(answer)[NAME] == expected
    rows = answer.table.to_pylist()
    assert {row["holder"] for row in rows} == {"harbour", "riverside"}
    assert "Mallory" not in str(answer)
    assert kinds(without_hilltop.entries(GATEWAY), answer.request_id)[:2] == ["intent", "outcome"]
    log = without_hilltop.place(GATEWAY).log.read_text()
    assert "Mallory" not in log


async def _asked(federation: Running, reply: Reply) -> Answer:
    place = federation.place(NAME)
    identity: Path = place.home
    async with in_the_place_of(place.address, identity, reply) as node:
        for _ in range(100):
            answer = await federation.ask_async(by_card(partial=True, deadline=3.0))
            if node.calls:
                return answer
            # The gateway's channel was still backing off from the node that stopped.
            await asyncio.sleep(0.1)
    raise AssertionError("the hostile node was never called")
