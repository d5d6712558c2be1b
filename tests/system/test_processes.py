"""One question through real processes, mutual TLS and real databases; and what each failure says."""

import asyncio
import json
import os
import resource
import signal

import pytest

from narrows.client import Answer, Credential, connect
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import verify_receipt
from narrows.errors import LedgerUnavailable, NarrowsError
from narrows.local.processes import find
from narrows.local.state import GATEWAY
from narrows.local.up import check_health
from tests.system.processes import HOLDERS, Running, by_card, kinds, outcomes

pytestmark = pytest.mark.system


def test_an_answer_is_narrowed_proven_and_acknowledged_everywhere(library: Running) -> None:
    answer = library.ask()
    assert outcomes(answer) == dict.fromkeys(HOLDERS, "answered")
    rows = answer.table.to_pylist()
    assert {row["holder"] for row in rows} == set(HOLDERS)
    assert {row["postal_code"] for row in rows} == {"B3H"}
    assert answer.caveats == ("For lending only",)
    assert verify_receipt(answer.receipt, library.verifier(GATEWAY)).kind is Kind.OUTCOME
    for report in answer.agencies:
        assert report.receipt is not None
        assert verify_receipt(report.receipt, library.verifier(report.holder)).request
        found = kinds(library.entries(report.holder), answer.request_id)
        assert found == ["disclosure", "acknowledgement"]
    found = kinds(library.entries(GATEWAY), answer.request_id)
    assert found == ["intent", "outcome", "acknowledgement"]


def test_hidden_and_absent_are_the_same_bytes(library: Running) -> None:
    hidden, absent = library.ask(by_card("ZZ1002")), library.ask(by_card("ZZ9999"))
    assert hidden.table.equals(absent.table)
    assert hidden.table.num_rows == 0
    assert outcomes(hidden) == outcomes(absent) == dict.fromkeys(HOLDERS, "answered")
    for one, other in zip(hidden.agencies, absent.agencies, strict=True):
        assert (one.clauses, one.reasons, one.row_count) == (
            other.clauses,
            other.reasons,
            other.row_count,
        )


def test_a_node_that_is_killed_is_a_gap_and_comes_back(fragile: Running) -> None:
    fragile.kill("hilltop")
    whole = fragile.ask()
    assert outcomes(whole)["hilltop"] == "unavailable"
    assert whole.table.num_rows == 0
    assert "WHERE holder IN ('harbour', 'riverside')" in whole.withheld_because
    part = fragile.ask(by_card(partial=True))
    assert {row["holder"] for row in part.table.to_pylist()} == {"harbour", "riverside"}
    counted = "SELECT count(*) AS n FROM patron WHERE card_number = :card"
    number = fragile.ask(by_card(sql=counted, partial=True))
    assert "could say something false" in number.withheld_because
    fragile.up()
    assert fragile.ask_until_answered("hilltop").is_whole


def test_a_node_that_is_killed_after_its_rows_left_shows_by_its_silence(fragile: Running) -> None:
    async def ask_and_kill() -> Answer:
        home = fragile.state.member("riverside")
        address = fragile.place(GATEWAY).address
        async with connect(address, credential=Credential.load(home)) as client:
            answer = await client.answer_to(by_card())
            # The acknowledgement is still being gathered.
            fragile.kill("hilltop")
            return answer

    answer = asyncio.run(ask_and_kill())
    assert answer.is_whole
    assert kinds(fragile.entries("hilltop"), answer.request_id) == ["disclosure"]
    assert kinds(fragile.entries("harbour"), answer.request_id) == ["disclosure", "acknowledgement"]
    fragile.up()
    story = fragile.narrows("trace", answer.request_id, "--as", "auditor", code=1)
    assert "hilltop entered what may leave, and no acknowledgement came back" in story


def test_a_node_that_hangs_is_told_within_the_deadline(fragile: Running) -> None:
    fragile.kill("harbour", signal.SIGSTOP)
    answer = fragile.ask(by_card(partial=True, deadline=2.0))
    assert outcomes(answer)["harbour"] in ("timed out", "unavailable")
    assert {row["holder"] for row in answer.table.to_pylist()} == {"hilltop", "riverside"}
    fragile.kill("harbour", signal.SIGCONT)
    assert fragile.ask_until_answered("harbour").is_whole


def test_no_acknowledged_entry_is_lost_when_the_gateway_is_killed(fragile: Running) -> None:
    async def ask_until_it_dies() -> tuple[list[object], int]:
        asking = [asyncio.ensure_future(_many(fragile)) for _ in range(4)]
        await asyncio.sleep(0)
        while sum(1 for entry in fragile.entries(GATEWAY) if entry.kind is Kind.OUTCOME) < 12:
            await asyncio.sleep(0.01)
        os.kill(fragile.pid(GATEWAY), signal.SIGKILL)
        found = await asyncio.gather(*asking)
        return [one for group in found for one in group], len(asking)

    receipts, _ = asyncio.run(ask_until_it_dies())
    assert receipts
    before = fragile.entries(GATEWAY)
    for request, index in receipts:  # type: ignore[misc]
        assert before[index].request == request  # type: ignore[has-type]
    cut_off = {e.request for e in before if e.kind is Kind.INTENT} - {
        e.request for e in before if e.kind is Kind.OUTCOME
    }
    fragile.up()
    assert outcomes(fragile.ask()) == dict.fromkeys(HOLDERS, "answered")
    fragile.down()
    report = fragile.verify(GATEWAY)
    assert report.is_sound, report.findings
    assert report.unfinished == ()
    after = fragile.entries(GATEWAY)
    told = {e.request for e in after if e.open.get("outcome") == "cut off"}
    assert told == cut_off
    assert [e.kind for e in after].count(Kind.STARTED) == 2


async def _many(federation: Running) -> list[tuple[str, int]]:
    """The receipts of answers that came before the gateway died."""
    found: list[tuple[str, int]] = []
    try:
        while True:
            answer = await federation.ask_async()
            found.append((answer.request_id, answer.receipt.index))
    except NarrowsError:
        return found


def test_a_full_disk_at_a_node_releases_nothing(fragile: Running) -> None:
    size = (fragile.place("harbour").home / "ledger" / "sealed").stat().st_size
    # Writes beyond this size fail, as on a full disk.
    resource.prlimit(fragile.pid("harbour"), resource.RLIMIT_FSIZE, (size + 100, size + 100))
    answer = fragile.ask(by_card(partial=True))
    (report,) = [one for one in answer.agencies if one.holder == "harbour"]
    assert (report.outcome.value, report.row_count) == ("unavailable", 0)
    assert "ledger takes no entries" in report.reasons[0]
    assert "harbour" not in {row["holder"] for row in answer.table.to_pylist()}
    _until_unwell(fragile, "harbour")
    fragile.kill("harbour")
    fragile.up()
    assert fragile.ask_until_answered("harbour").is_whole


def test_a_full_disk_at_the_gateway_refuses_and_asks_nobody(fragile: Running) -> None:
    fragile.ask()
    counts = {name: len(fragile.entries(name)) for name in HOLDERS}
    size = (fragile.place(GATEWAY).home / "ledger" / "sealed").stat().st_size
    resource.prlimit(fragile.pid(GATEWAY), resource.RLIMIT_FSIZE, (size + 10, size + 10))
    with pytest.raises(LedgerUnavailable):
        fragile.ask()
    assert {name: len(fragile.entries(name)) for name in HOLDERS} == counts
    _until_unwell(fragile, GATEWAY)


def test_sigterm_finishes_what_is_under_way(fragile: Running) -> None:
    async def ask_while_it_stops() -> None:
        asking = [asyncio.ensure_future(_many(fragile)) for _ in range(4)]
        while sum(1 for entry in fragile.entries(GATEWAY) if entry.kind is Kind.OUTCOME) < 8:
            await asyncio.sleep(0.01)
        os.kill(fragile.pid(GATEWAY), signal.SIGTERM)
        await asyncio.gather(*asking)
        while find(fragile.place(GATEWAY)) is not None:
            await asyncio.sleep(0.01)

    asyncio.run(ask_while_it_stops())
    report = fragile.verify(GATEWAY)
    assert report.is_sound, report.findings
    assert report.unfinished == ()
    log = fragile.place(GATEWAY).log.read_text().splitlines()
    assert json.loads(log[-1])["message"] == "stopped"


def _until_unwell(federation: Running, name: str) -> None:
    """Nothing, once the process says itself that it is not well."""

    async def look() -> None:
        async with asyncio.timeout(20):
            while True:
                found = await check_health(federation.state)
                if not next(one.is_well for one in found if one.place.name == name):
                    return
                await asyncio.sleep(0.05)

    asyncio.run(look())
