"""The walk of a query through gateway and nodes, with real engines, ledgers and keys."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from narrows.client.question import Ask
from narrows.core.answer import Answer, Outcome
from narrows.core.exchange import NodeAnswer, NodeQuestion
from narrows.core.ledger.entry import Kind, check_rows
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.request import Opening
from narrows.core.terms import Purpose
from narrows.errors import CheckFailed, NarrowsError, NodeUnavailable, UnknownCaller
from narrows.gateway.answer import answer
from tests.system.federation import (
    DESK,
    NSOR,
    OSOR,
    VPD,
    Federation,
    about,
    federation,
    question,
)


def rows(found: Answer) -> list[tuple[object, ...]]:
    tables = [pa.ipc.open_stream(batch).read_all() for batch in found.batches]
    return sorted(tuple(row.values()) for table in tables for row in table.to_pylist())


def outcomes(found: Answer) -> dict[str, str]:
    return {report.holder: report.outcome.value for report in found.holders}


async def test_a_question_comes_back_narrowed_from_both_holders(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        found = await all_of.ask(question())
        assert rows(found) == [
            ("nsor", "Tremblay", "M4C", "ACTIVE"),
            ("osor", "Tremblay", "M4C", "ACTIVE"),
        ]
        assert found.caveats == ("SOIRA 16(5): no onward use",)
        assert found.merge_us > 0
        report = found.holders[0]
        assert report.byte_count > 0
        assert report.narrowed == ("person.residence_postal: first 3",)
        assert report.clauses == ("sexual-crime-investigation", "never[1]")


async def test_every_receipt_verifies_and_speaks_of_these_rows(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        found = await all_of.ask(question())
        for report in found.holders:
            assert report.receipt is not None
            verifier = all_of.gateway.exchange.verifiers[report.holder]
            entry = verify_receipt(report.receipt, verifier)
            assert entry.kind is Kind.DISCLOSURE
            assert entry.request == found.request
        own = all_of.gateway.ledger.entry(found.receipt.index)
        assert own.kind is Kind.OUTCOME
        assert found.rows_opening is not None
        check_rows(own, found.rows_opening, found.batches)


async def test_a_suspended_person_is_as_one_who_never_was(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        hidden, absent = await all_of.ask(about("ZZ654321")), await all_of.ask(about("ZZ000000"))
        assert hidden.batches == absent.batches
        assert hidden.columns == absent.columns
        for one, other in zip(hidden.holders, absent.holders, strict=True):
            assert replace(one, receipt=None, elapsed_ms=0) == replace(
                other, receipt=None, elapsed_ms=0
            )


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (question(purpose=Purpose("licensing")), "no agreement"),
        (question(optional={"officer": "1", "grounds": "open file"}), "requires `case_number`"),
    ],
)
async def test_a_refusal_is_explained_before_any_node_is_called(
    tmp_path: Path, asked: Ask, reason: str
) -> None:
    async with federation(tmp_path) as all_of:
        before = {holder: node.parts.ledger.size for holder, node in all_of.nodes.items()}
        found = await all_of.ask(asked)
        assert outcomes(found) == {"nsor": "refused", "osor": "refused"}
        assert all(reason in report.reasons[0] for report in found.holders)
        assert found.row_count == 0
        assert {h: node.parts.ledger.size for h, node in all_of.nodes.items()} == before


async def test_another_member_gets_nothing(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        found = await all_of.ask(question(), DESK)
        assert outcomes(found) == {"nsor": "refused", "osor": "refused"}
        with pytest.raises(UnknownCaller):
            await answer(all_of.sign(question(), VPD), DESK, all_of.gateway)


async def test_a_replayed_request_gets_no_rows(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        request = all_of.sign(question())
        first = await answer(request, VPD, all_of.gateway)
        again = await answer(request, VPD, all_of.gateway)
        assert first.row_count == 2
        assert again.row_count == 0
        assert set(outcomes(again).values()) == {"unavailable"}


async def test_a_gap_withholds_unless_the_request_allows_it(tmp_path: Path) -> None:
    def down(_: NodeQuestion) -> NodeQuestion:
        raise NodeUnavailable("the node cannot be reached")

    async with federation(tmp_path) as all_of:
        all_of.nodes[OSOR].before = down
        whole = await all_of.ask(question())
        assert (whole.row_count, outcomes(whole)["osor"]) == (0, "unavailable")
        assert "WHERE holder IN ('nsor')" in whole.withheld_because
        part = await all_of.ask(question(partial=True))
        assert rows(part) == [("nsor", "Tremblay", "M4C", "ACTIVE")]
        count = "SELECT count(*) AS n FROM (" + question().sql + ") x"
        counted = await all_of.ask(question(count, partial=True))
        assert counted.row_count == 0
        assert "could say something false" in counted.withheld_because


def _widen(asked: NodeQuestion) -> NodeQuestion:
    wider = asked.forms[0].form.replace(b'"first 3"', b'"as is"')
    return replace(asked, forms=(replace(asked.forms[0], form=wider),))


def _drop_never(asked: NodeQuestion) -> NodeQuestion:
    open_form = asked.forms[0].form.replace(b"SUSPENDED", b"NOTHING")
    return replace(asked, forms=(replace(asked.forms[0], form=open_form),))


def _other_literal(asked: NodeQuestion) -> NodeQuestion:
    openings = tuple(
        Opening(found.field, found.salt, found.value.replace(b"ZZ123456", b"ZZ654321"))
        for found in asked.request.openings
    )
    return replace(asked, request=replace(asked.request, openings=openings))


def _other_header(asked: NodeQuestion) -> NodeQuestion:
    header = asked.request.header.replace(b"sex-crimes", b"homicides!")
    return replace(asked, request=replace(asked.request, header=header))


def _no_signature(asked: NodeQuestion) -> NodeQuestion:
    return replace(asked, request=replace(asked.request, signatures=()))


def _stale_policy(asked: NodeQuestion) -> NodeQuestion:
    return replace(asked, forms=(replace(asked.forms[0], policy_version=7),))


def _no_form(asked: NodeQuestion) -> NodeQuestion:
    return replace(asked, forms=())


def _twice(asked: NodeQuestion) -> NodeQuestion:
    return replace(asked, forms=asked.forms * 2)


@pytest.mark.parametrize(
    "lie",
    [
        _widen,
        _drop_never,
        _other_literal,
        _other_header,
        _no_signature,
        _stale_policy,
        _no_form,
        _twice,
    ],
)
async def test_a_lying_gateway_gets_nothing_and_is_entered(
    tmp_path: Path, lie: Callable[[NodeQuestion], NodeQuestion]
) -> None:
    async with federation(tmp_path) as all_of:
        node = all_of.nodes[NSOR]
        node.before = lie
        found = await all_of.ask(question(partial=True))
        assert outcomes(found)["nsor"] in (Outcome.UNAVAILABLE, Outcome.REFUSED)
        assert rows(found) == [("osor", "Tremblay", "M4C", "ACTIVE")]
        last = node.parts.ledger.entry(node.parts.ledger.size - 1)
        assert last.kind is Kind.REFUSAL
        assert last.open["check"]


def _more_rows(found: NodeAnswer) -> NodeAnswer:
    one = found.fragments[0]
    return replace(found, fragments=(replace(one, batches=one.batches * 2, row_count=2),))


def _no_rows(found: NodeAnswer) -> NodeAnswer:
    return replace(found, fragments=(replace(found.fragments[0], batches=(), row_count=0),))


def _broken_batch(found: NodeAnswer) -> NodeAnswer:
    one = found.fragments[0]
    broken = bytes([*one.batches[0][:-40], *b"x" * 40])
    return replace(found, fragments=(replace(one, batches=(broken,)),))


def _other_receipt(found: NodeAnswer) -> NodeAnswer:
    entry = found.receipt.entry.replace(b'"nsor"', b'"osor"')
    return replace(found, receipt=replace(found.receipt, entry=entry))


@pytest.mark.parametrize("lie", [_more_rows, _no_rows, _broken_batch, _other_receipt])
async def test_a_lying_node_is_found_out(
    tmp_path: Path, lie: Callable[[NodeAnswer], NodeAnswer]
) -> None:
    async with federation(tmp_path) as all_of:
        all_of.nodes[NSOR].after = lie
        found = await all_of.ask(question(partial=True))
        assert outcomes(found)["nsor"] == "unavailable"
        assert rows(found) == [("osor", "Tremblay", "M4C", "ACTIVE")]


async def test_no_value_and_no_literal_is_in_spans_open_entries_or_errors(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        await all_of.ask(question())
        await all_of.ask(question(optional={}))
        texts = _what_is_open(all_of)
    texts.append((tmp_path / "spans.jsonl").read_text())
    secrets = ("Tremblay", "M4C", "ZZ123456", "officer-4471", "VA2026", "open file", "Roy", "H2X")
    assert not [secret for secret in secrets for text in texts if secret in text]


def _what_is_open(all_of: Federation) -> list[str]:
    ledgers = [all_of.gateway.ledger, *(node.parts.ledger for node in all_of.nodes.values())]
    return [
        ledger.entry_bytes(index).decode() for ledger in ledgers for index in range(ledger.size)
    ]


async def test_the_intent_is_durable_before_a_node_is_called(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        kinds: list[list[Kind]] = []

        def look(asked: NodeQuestion) -> NodeQuestion:
            ledger = all_of.gateway.ledger
            kinds.append([ledger.entry(n).kind for n in ledger.entries_of(asked.request.id)])
            return asked

        all_of.nodes[NSOR].before = look
        found = await all_of.ask(question())
        assert kinds == [[Kind.INTENT]]
        ledger = all_of.gateway.ledger
        after = [ledger.entry(n).kind for n in ledger.entries_of(found.request)]
        assert after == [Kind.INTENT, Kind.OUTCOME]


async def test_more_than_the_cap_is_refused_whole(tmp_path: Path) -> None:
    many = {
        "person": tuple((str(n), "Roy", "H2X0A9", "ACTIVE") for n in range(6)),
        "identifier": tuple((str(n), str(n), "PASSPORT", "ZZ123456") for n in range(6)),
        "offender_registration": tuple((str(n), str(n), "ACTIVE") for n in range(6)),
    }
    async with federation(tmp_path, many) as all_of:
        found = await all_of.ask(question(partial=True))
        assert outcomes(found) == {"nsor": "refused", "osor": "refused"}
        assert found.row_count == 0
        for node in all_of.nodes.values():
            last = node.parts.ledger.entry(node.parts.ledger.size - 1)
            assert last.kind is Kind.REFUSAL


async def test_what_is_malformed_reaches_no_node(tmp_path: Path) -> None:
    async with federation(tmp_path) as all_of:
        with pytest.raises(NarrowsError):
            all_of.sign(question("SELECT nosuch FROM person"))
        request = all_of.sign(question())
        with pytest.raises(CheckFailed):
            await answer(replace(request, openings=request.openings[1:]), VPD, all_of.gateway)
