"""Merges at the requester: the gateway carries what it cannot read, and changes none of it."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from narrows.client.answer import Answer
from narrows.client.evidence import Expected, verify_answer
from narrows.client.merging import Unsealing, merge_here
from narrows.client.question import Ask
from narrows.core.answer import Answer as Received
from narrows.core.answer import Outcome
from narrows.core.directory import DirectoryKey
from narrows.core.exchange import NodeAnswer
from narrows.core.ledger.entry import rows_field
from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.request import AT_REQUESTER, decode_header
from narrows.core.sealed import Place, SealedRows, encode_opening
from narrows.core.terms import ColumnType, TypedValue
from narrows.engines.merge_pool import MergePool
from narrows.errors import NodeUnavailable, ProofInvalid, UnsupportedQuery
from narrows.gateway.answer import answer
from narrows.store.sealing import MergeKey, new_merge_key, seal
from narrows.wire.node import node_answer_parts
from narrows.wire.query import answer_parts
from tests.system.federation import (
    CATALOG,
    DESK,
    GATEWAY,
    NSOR,
    OSOR,
    QUESTION,
    VPD,
    Federation,
    about,
    federation,
    question,
)
from tests.system.test_walk import rows

HERE = question(merge_at=AT_REQUESTER)
BOTH = """
SELECT p.surname, count(*) AS agencies FROM person p JOIN identifier i USING (holder, person_id)
WHERE i.ident_type = 'PASSPORT' AND i.ident_value = :document GROUP BY p.surname
"""
CANARIES = (b"Tremblay", b"M4C", b"Roy")
Change = Callable[[Received], Received]


@asynccontextmanager
async def pool() -> AsyncIterator[MergePool]:
    found = MergePool(1)
    await found.start()
    try:
        yield found
    finally:
        await found.close()


async def asked_of(all_of: Federation, ask: Ask = HERE, change: Change | None = None) -> Answer:
    """The answer as the requester gets it, where the gateway's may be changed on the way."""
    request = all_of.sign(ask)
    received = await answer(request, VPD, all_of.gateway)
    return await opened(all_of, ask, received if change is None else change(received), request)


async def opened(
    all_of: Federation, ask: Ask, received: Received, request: object, key: MergeKey | None = None
) -> Answer:
    """What the requester makes of it."""
    types = {name: value.type for name, value in ask.parameters.items()}
    split = plan(ask.sql, types, CATALOG, ask.form)
    verifiers = {name: one.verifier for name, one in all_of.ledger_keys.items()}
    expected = Expected(request, split, GATEWAY, CATALOG.holders, verifiers)  # type: ignore[arg-type]
    found = verify_answer(received, expected)
    if not found.is_answered:
        return found
    day = decode_header(expected.request.header).issued_at.date()
    values = {**ask.parameters, TODAY_SLOT: TypedValue(ColumnType.DATE, day)}
    own = key or all_of.merge_key
    unsealing = Unsealing(expected.request.id, VPD, own, CATALOG, split, split.fill(values), values)
    async with pool() as merges:
        return await merge_here(received, found, unsealing, merges, 5.0)


def table(found: Answer) -> list[tuple[object, ...]]:
    return sorted(tuple(row.values()) for row in found.table.to_pylist())


@pytest.mark.parametrize(
    "ask",
    [
        question(),
        question(BOTH),
        question(QUESTION.replace("SELECT", "SELECT DISTINCT")),
        about("ZZ654321"),
        about("ZZ000000"),
    ],
    ids=["rows", "figures", "distinct", "hidden", "nobody"],
)
async def test_the_answer_is_that_of_a_merge_at_the_gateway(tmp_path: Path, ask: Ask) -> None:
    async with federation(tmp_path) as all_of:
        there = await all_of.ask(ask)
        here = await asked_of(all_of, replace(ask, merge_at=AT_REQUESTER))
        assert table(here) == rows(there)
        assert here.columns == there.columns
        assert here.caveats == there.caveats
        assert here.gateway_row_count == 0
        for one, other in zip(here.agencies, there.holders, strict=True):
            # Sealed, the same rows are more bytes.
            assert one.byte_count > other.byte_count > 0
            assert replace(one, receipt=None, elapsed_ms=0, byte_count=0) == replace(
                other, receipt=None, elapsed_ms=0, byte_count=0
            )


async def test_the_entries_say_what_was_carried_and_no_row(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        request = all_of.sign(HERE)
        found = await answer(request, VPD, all_of.gateway)
        outcome = all_of.gateway.ledger.entry(found.receipt.index).open
        assert (outcome["outcome"], outcome["row_count"], outcome["column_count"]) == (
            "carried", 0, 0,
        )  # fmt: skip
        ledger = all_of.nodes[NSOR].parts.ledger
        *_, index = ledger.entries_of(request.id)
        match ledger.entry(index).open["released"]:
            case [{"row_count": 1, "sealed_to": str(key_id), "sealed": str()}]:
                assert key_id == DirectoryKey(all_of.merge_key.public_key).key_id
            case other:
                raise AssertionError(other)


@pytest.mark.parametrize("place", ["gateway", AT_REQUESTER])
async def test_nothing_that_the_gateway_has_in_hand_shows_a_row(tmp_path: Path, place: str) -> None:
    """The control is the merge at the gateway: there every canary is found."""
    async with federation(tmp_path) as all_of:
        heard: list[bytes] = []

        def tap(found: NodeAnswer) -> NodeAnswer:
            heard.extend(part.SerializeToString() for part in node_answer_parts(found))
            return found

        for node in all_of.nodes.values():
            node.after = tap
        request = all_of.sign(question(merge_at=place))
        found = await answer(request, VPD, all_of.gateway)
        heard.extend(part.SerializeToString() for part in answer_parts(found))
        files = (tmp_path / GATEWAY).rglob("*")
        heard.extend(file.read_bytes() for file in files if file.is_file())
        # Who knows the salt of the digest guesses rows until it fits.
        salts = [
            opening.salt
            for node in all_of.nodes.values()
            for index in node.parts.ledger.entries_of(request.id)
            for opening in node.parts.ledger.openings(index)
            if opening.field == rows_field(0)
        ]
        assert len(salts) == 2
        assert any(salt in data for salt in salts for data in heard) == (place != AT_REQUESTER)
        seen = {word for word in CANARIES for data in heard if word in data}
        assert len(heard) > 6
        assert seen == (set() if place == AT_REQUESTER else {b"Tremblay", b"M4C"})


async def test_who_has_no_merge_key_is_told_at_the_door(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        with pytest.raises(UnsupportedQuery, match="no merge key of `licensing`"):
            await all_of.ask(HERE, DESK)


async def test_with_another_key_nothing_opens(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        request = all_of.sign(HERE)
        found = await answer(request, VPD, all_of.gateway)
        with pytest.raises(ProofInvalid, match="sealed to this key"):
            await opened(all_of, HERE, found, request, new_merge_key(seed=os.urandom(32)))


def sealed(found: Received, change: Callable[[SealedRows], SealedRows]) -> Received:
    first, *others = found.sealed
    return replace(found, sealed=(change(first), *others))


def swapped(found: Received) -> Received:
    one, other = found.sealed
    return replace(found, sealed=(replace(one, parts=other.parts), replace(other, parts=one.parts)))


LIES: dict[str, Change] = {
    "one holder's rows are left out": lambda found: replace(found, sealed=found.sealed[1:]),
    "one holder's rows come twice": lambda found: replace(
        found, sealed=(*found.sealed, found.sealed[0])
    ),
    "of another fragment": lambda found: sealed(found, lambda one: replace(one, fragment=1)),
    "of another holder": swapped,
    "without the batch": lambda found: sealed(found, lambda one: replace(one, parts=one.parts[1:])),
    "without the opening": lambda found: sealed(
        found, lambda one: replace(one, parts=one.parts[:-1])
    ),
    "without any part": lambda found: sealed(found, lambda one: replace(one, parts=())),
    "a part twice": lambda found: sealed(
        found, lambda one: replace(one, parts=(one.parts[0], *one.parts))
    ),
    "in another order": lambda found: sealed(
        found, lambda one: replace(one, parts=one.parts[::-1])
    ),
    "a changed byte": lambda found: sealed(
        found, lambda one: replace(one, parts=(one.parts[0][:-1] + b"\0", *one.parts[1:]))
    ),
    "another opening": lambda found: sealed(
        found, lambda one: replace(one, parts=(one.parts[0], one.parts[0]))
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
async def test_a_gateway_that_changes_what_it_carries_is_found_out(
    tmp_path: Path, lie: Change
) -> None:
    async with federation(tmp_path) as all_of:
        with pytest.raises(ProofInvalid):
            await asked_of(all_of, change=lie)


async def test_rows_of_an_earlier_answer_do_not_pass_for_others(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        before = await answer(all_of.sign(HERE), VPD, all_of.gateway)
        with pytest.raises(ProofInvalid):
            await asked_of(all_of, change=lambda found: replace(found, sealed=before.sealed))


async def test_a_gap_is_withheld_as_ever_and_carries_nothing(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:

        def away(found: NodeAnswer) -> NodeAnswer:
            raise NodeUnavailable("the node cannot be reached")

        all_of.nodes[OSOR].after = away
        found = await asked_of(all_of)
        assert "did not answer" in found.withheld_because
        assert found.table.num_rows == 0
        partial = await asked_of(all_of, replace(HERE, partial=True))
        assert table(partial) == [("nsor", "Tremblay", "M4C", "ACTIVE")]
        figures = question(BOTH, merge_at=AT_REQUESTER, partial=True)
        assert "could say something false" in (await asked_of(all_of, figures)).withheld_because


def of_node(found: NodeAnswer, *parts: bytes) -> NodeAnswer:
    (one,) = found.fragments
    return replace(found, fragments=(replace(one, batches=parts or one.batches),))


NODE_LIES: dict[str, Callable[[NodeAnswer], NodeAnswer]] = {
    "no part at all": lambda found: replace(
        found, fragments=(replace(found.fragments[0], batches=()),)
    ),
    "another ciphertext": lambda found: of_node(found, b"garbage", found.fragments[0].batches[-1]),
    "one batch more": lambda found: of_node(found, b"garbage", *found.fragments[0].batches),
}


@pytest.mark.parametrize("lie", NODE_LIES.values(), ids=NODE_LIES)
async def test_a_node_that_sends_other_parts_than_it_entered_is_a_gap(
    tmp_path: Path, lie: Callable[[NodeAnswer], NodeAnswer]
) -> None:
    async with federation(tmp_path) as all_of:
        all_of.nodes[NSOR].after = lie
        found = await answer(all_of.sign(HERE), VPD, all_of.gateway)
        assert [one.outcome for one in found.holders] == [Outcome.UNAVAILABLE, Outcome.ANSWERED]
        assert found.sealed == ()


async def test_a_node_whose_opening_is_of_other_rows_is_found_out_by_the_requester(
    tmp_path: Path,
) -> None:
    async with federation(tmp_path) as all_of:
        node = all_of.nodes[NSOR].parts

        def lie(found: NodeAnswer) -> NodeAnswer:
            # The last part is in no digest: what it opens is held against the entry.
            *_, index = node.ledger.entries_of(request.id)
            (opening,) = (one for one in node.ledger.openings(index) if one.field == rows_field(0))
            member = node.directory().members[VPD]
            assert member.merge_key is not None
            place = Place(request.id, NSOR, 0, VPD, member.merge_key.key_id, 1, 2)
            other = replace(opening, value=bytes(32))
            last = seal(member.merge_key.raw, encode_opening(other), place.info)
            return of_node(found, found.fragments[0].batches[0], last)

        all_of.nodes[NSOR].after = lie
        request = all_of.sign(HERE)
        found = await answer(request, VPD, all_of.gateway)
        with pytest.raises(ProofInvalid):
            await opened(all_of, HERE, found, request)
