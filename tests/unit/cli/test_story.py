"""The story of a request: whole and without findings, or with one for each disagreement."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from narrows.cli.story import Ledger, Story, tell
from narrows.core.answer import HolderReport, Outcome
from narrows.core.canonical import Json
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.parts import Access, Listed, Notice, draft
from narrows.core.ledger.parts import Outcome as OutcomePart
from narrows.core.terms import Holder
from tests.unit.cli.stories import Told
from tests.unit.client.test_held_evidence import hold
from tests.unit.client.true_answer import TRACE_ID, decision_of
from tests.unit.serving.world import (
    GATEWAY,
    NSOR,
    OPC,
    OSOR,
    SQL,
    VPD,
    opened_world,
    question,
    sign,
)

FITS = "all that was read verifies and agrees"


@pytest.fixture
async def told(tmp_path: Path) -> AsyncIterator[Told]:
    async with opened_world(tmp_path) as world:
        yield await Told.of(world)


async def story(told: Told, failures: dict[str, str] | None = None) -> Story:
    return tell(told.request.id, await told.read(failures))


def _text(found: Story) -> str:
    return "\n".join(found.lines)


async def test_a_good_one_has_no_findings(told: Told) -> None:
    await told.finish()
    found = await story(told)
    assert found.findings == ()
    assert found.lines[-1] == FITS
    assert found.trace_id == TRACE_ID


async def test_it_says_who_asked_what_and_when_each_thing_happened(told: Told) -> None:
    await told.finish()
    lines = (await story(told)).lines
    assert lines[0] == f"request {told.request.id}"
    who = dict(line.split(maxsplit=1) for line in lines[1 : lines.index("")])
    assert (who["agency"], who["purpose"], who["officer"]) == ("vpd", "investigation", "4471")
    assert who["sql"] == SQL
    assert who["parameters"] == "document = ZZ123456"
    whole = "\n".join(lines)
    steps = ("intent:", "may leave, to vpd by way of gateway: 1 row\n", "outcome: answered, 3 rows")
    assert [whole.index(step) for step in steps] == sorted(whole.index(step) for step in steps)
    assert "narrowed person.postal_code: first 3" in whole
    assert "vpd acknowledges 2 rows" in whole
    assert TRACE_ID not in whole


async def test_the_document_has_the_same_for_programs(told: Told) -> None:
    await told.finish()
    document = json.loads(json.dumps((await story(told)).document))
    assert (document["request_id"], document["findings"]) == (told.request.id, [])
    assert document["sealed"]["officer"] == "4471"
    assert "trace_id" not in document["sealed"]
    gateway = document["ledgers"][0]
    assert [one["kind"] for one in gateway["entries"]] == ["intent", "outcome", "acknowledgement"]
    assert (gateway["name"], gateway["read"]) == ("gateway", True)


async def test_who_read_it_is_told_too(told: Told) -> None:
    await told.finish()
    part = draft(Access(OPC, "file 17", "Trace", 3), told.request.id)
    await told.world.ledgers[GATEWAY].append(part)
    found = await story(told)
    assert found.findings == ()
    assert "opc read this, mandate: file 17" in _text(found)


async def test_erased_values_leave_the_story_whole(told: Told) -> None:
    await told.finish()
    ledgers = [
        replace(one, entries=tuple((receipt, entry, {}) for receipt, entry, _ in one.entries))
        for one in await told.read()
    ]
    found = tell(told.request.id, ledgers)
    assert found.findings == ()
    assert found.trace_id == ""
    assert "ZZ123456" not in _text(found)
    assert "vpd" in _text(found)


# --- what is amiss ---------------------------------------------------------------------------


async def test_an_intent_without_an_outcome(told: Told) -> None:
    for one in told.telling.holders:
        await told.acknowledge(one.holder, one.row_count)
    found = await story(told)
    assert found.findings == (
        "gateway has an intent and no outcome: it is under way, or was cut off",
    )
    assert found.lines[-1] == f"AMISS  {found.findings[0]}"


async def test_an_outcome_that_a_crash_cut_off(told: Told) -> None:
    part = OutcomePart("cut off", "stopped", complete=False, column_count=0, row_count=0, holders=(), caveats=())  # fmt: skip
    await told.world.ledgers[GATEWAY].append(draft(part, told.request.id))
    for one in told.telling.holders:
        await told.acknowledge(one.holder, one.row_count)
    findings = (await story(told)).findings
    assert any("gateway was cut off" in one for one in findings)
    assert sum("reports no receipt of it" in one for one in findings) == 2


def _holders(told: Told, holder: Holder, **changes: object) -> tuple[HolderReport, ...]:
    return tuple(
        replace(one, **changes) if one.holder == holder else one  # type: ignore[arg-type]
        for one in told.telling.holders
    )


async def test_rows_that_a_gateway_keeps_quiet_about(told: Told) -> None:
    hidden = _holders(told, NSOR, receipt=None, outcome=Outcome.TIMED_OUT, row_count=0)
    await told.finish(holders=hidden)
    findings = (await story(told)).findings
    assert findings == ("nsor entered what may leave, and gateway reports no receipt of it",)


async def test_a_ticket_that_a_gateway_keeps_quiet_about(told: Told) -> None:
    await hold(told.world, NSOR, told.request, "HELD")
    hidden = _holders(told, NSOR, receipt=None, outcome=Outcome.TIMED_OUT, row_count=0)
    await told.finish(holders=hidden)
    found = await story(told)
    assert "nsor holds the request, and gateway reports no receipt of it" in found.findings
    assert "held for the registrar, within 24 h" in _text(found)


async def test_a_chain_is_told_from_its_ticket_on_and_each_request_by_itself(told: Told) -> None:
    await told.finish()
    ledgers = await told.read()
    later = sign(question(ticket=told.request.id))
    await hold(told.world, NSOR, later, "HELD")
    index = told.world.ledgers[NSOR].size - 1
    receipt = await told.world.ledgers[NSOR].receipt(index)
    collected = (receipt, told.world.ledgers[NSOR].entry(index), {"ruled_by": b"Insp. B. Tran"})
    chain = [
        replace(one, entries=(*one.entries, collected)) if str(one.name) == NSOR else one
        for one in ledgers
    ]
    found = tell(later.id, chain)
    assert found.document["chain"] == [told.request.id, later.id]
    assert f"  ticket               {told.request.id}, and what cites it" in found.lines
    assert "by Insp. B. Tran" in _text(found)
    assert later.id[:8] in _text(found)
    assert found.findings == ()


async def test_a_holder_of_which_a_gateway_does_not_report(told: Told) -> None:
    await told.finish(holders=told.telling.holders[1:])
    findings = (await story(told)).findings
    assert findings == ("nsor entered what may leave, and gateway reports no receipt of it",)


async def test_other_counts_than_a_node_entered(told: Told) -> None:
    await told.finish(holders=_holders(told, OSOR, row_count=7))
    assert (await story(told)).findings == ("osor entered 2 rows, and gateway 7",)


async def test_a_receipt_whose_ledger_has_no_such_entry(told: Told) -> None:
    """The node was put back to an older state."""
    await told.finish()
    ledgers = [
        replace(one, entries=()) if one.name == str(NSOR) else one for one in await told.read()
    ]
    findings = tell(told.request.id, ledgers).findings
    assert findings == ("gateway reports a receipt of nsor, whose ledger has no such entry",)


async def test_another_receipt_than_the_gateway_reports(told: Told) -> None:
    """Entry and count are there, but what the requester holds is the proof of another entry."""
    other = told.telling.holders[1].receipt
    await told.finish(holders=_holders(told, NSOR, receipt=other))
    findings = (await story(told)).findings
    assert findings == ("gateway reports another receipt of nsor than was acknowledged",)


@pytest.mark.parametrize(("name", "count"), [(GATEWAY, 3), (NSOR, 1), (OSOR, 2)])
async def test_another_number_of_rows_than_was_acknowledged(
    told: Told, name: str, count: int
) -> None:
    await told.outcome()
    await told.acknowledge_all(**{name: 9})
    assert (await story(told)).findings == (
        f"{name} entered {count} rows, and 9 were acknowledged",
    )


async def test_another_decision_than_the_gateway_foresaw(tmp_path: Path) -> None:
    async with opened_world(tmp_path) as world:
        request = sign()
        foreseen = [decision_of(holder, request) for holder in (NSOR, OSOR)]
        foreseen[0] = replace(foreseen[0], policy_version=7)
        told = await Told.of(world, tuple(foreseen))
        await told.finish()
        assert (await story(told)).findings == ("nsor decided otherwise than gateway foresaw",)


async def test_another_question_than_the_gateway_entered(told: Told) -> None:
    await told.finish()
    ledgers = await told.read()
    receipt, entry, opened = ledgers[0].entries[0]
    asked = {**_object(entry.open["asked"]), "purpose": "licensing"}
    changed = replace(entry, open={**entry.open, "asked": asked})
    ledgers[0] = replace(ledgers[0], entries=((receipt, changed, opened), *ledgers[0].entries[1:]))
    assert tell(told.request.id, ledgers).findings == (
        "nsor entered another question than gateway",
        "osor entered another question than gateway",
    )


def _object(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value


async def test_rows_that_nobody_acknowledged(told: Told) -> None:
    await told.finish()
    ledgers = [_without(one, Kind.ACKNOWLEDGEMENT) for one in await told.read()]
    assert tell(told.request.id, ledgers).findings == (
        "nsor entered what may leave, and no acknowledgement came back",
        "osor entered what may leave, and no acknowledgement came back",
    )


def _without(ledger: Ledger, kind: Kind) -> Ledger:
    return replace(ledger, entries=tuple(one for one in ledger.entries if one[1].kind is not kind))


async def test_a_ledger_that_cannot_be_read_is_said_and_no_finding(told: Told) -> None:
    await told.finish()
    found = await story(told, {NSOR: "the peer cannot be reached"})
    assert found.findings == ()
    assert "nsor could not be read: the peer cannot be reached" in found.lines
    without_gateway = await story(told, {GATEWAY: "the peer cannot be reached"})
    assert without_gateway.findings == ()
    assert "agency" in _text(without_gateway)


async def test_a_request_that_nobody_knows(told: Told) -> None:
    nobody = [replace(one, entries=()) for one in await told.read()]
    found = tell(told.request.id, nobody)
    assert found.findings == ("no ledger that was read knows this request",)
    assert "no ledger that was read says who asked" in found.lines


async def test_no_ledger_at_all(told: Told) -> None:
    away = dict.fromkeys((GATEWAY, NSOR, OSOR), "away")
    found = await story(told, {str(name): why for name, why in away.items()})
    assert found.findings == ("no ledger could be read",)
    assert tell(told.request.id, []).findings == ("no ledger could be read",)


async def test_notices_and_parts_of_lists_are_told(told: Told) -> None:
    await told.finish()
    sealed = {"tokens": b"\xff" * 32, "subjects": b"\xfe" * 32, "notice": b"{}"}
    for part in (Notice(VPD, "deconfliction", 0, 1), Listed(VPD, "watch-list", 0, 1, 3, 12)):
        await told.world.ledgers[NSOR].append(draft(part, told.request.id, sealed))
    found = await story(told)
    assert found.findings == ()
    assert "notice to vpd and to the holder: 1 pointer\n" in _text(found)
    assert "of a list, part 2 of 3: 12 rows" in _text(found)
    shown = json.dumps(found.document)
    assert f'"tokens": "{"ff" * 32}"' in shown
