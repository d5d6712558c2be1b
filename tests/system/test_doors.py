"""Who is let in at real sockets, with what, and what a hostile gateway gets at a node."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from narrows.client.credential import RequestKey
from narrows.core.exchange import NodeQuestion
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import verify_receipt
from narrows.errors import CheckFailed, NarrowsError, UnknownCaller
from narrows.local.state import GATEWAY
from narrows.store.keys import new_key
from tests.system.doors import NODE, at_gateway, at_node, question, signed
from tests.system.processes import Running, by_card, kinds, outcomes

pytestmark = pytest.mark.system


def test_an_honest_gateway_is_answered_and_a_repeat_gets_the_receipt_alone(
    library: Running,
) -> None:
    asked = question(library, signed(library))
    first = asyncio.run(at_node(library, asked))
    again = asyncio.run(at_node(library, asked))
    assert first.fragments[0].row_count == 1
    assert (again.fragments, again.openings, again.replayed) == ((), (), True)
    one, other = (verify_receipt(a.receipt, library.verifier(NODE)) for a in (first, again))
    assert one == other


def _rebound(old: bytes, new: bytes) -> Callable[[NodeQuestion], NodeQuestion]:
    def change(asked: NodeQuestion) -> NodeQuestion:
        (form,) = asked.forms
        assert old in form.form
        return replace(asked, forms=(replace(form, form=form.form.replace(old, new)),))

    return change


def _reopened(field: str, old: bytes, new: bytes) -> Callable[[NodeQuestion], NodeQuestion]:
    def change(asked: NodeQuestion) -> NodeQuestion:
        assert old in (asked.request.opened(field) or b"")
        openings = tuple(
            replace(one, value=one.value.replace(old, new)) if one.field == field else one
            for one in asked.request.openings
        )
        return replace(asked, request=replace(asked.request, openings=openings))

    return change


def _header(old: bytes, new: bytes) -> Callable[[NodeQuestion], NodeQuestion]:
    def change(asked: NodeQuestion) -> NodeQuestion:
        assert old in asked.request.header
        header = asked.request.header.replace(old, new)
        return replace(asked, request=replace(asked.request, header=header))

    return change


def _signature(asked: NodeQuestion) -> NodeQuestion:
    (one,) = asked.request.signatures
    forged = replace(one, signature=bytes([one.signature[0] ^ 1]) + one.signature[1:])
    return replace(asked, request=replace(asked.request, signatures=(forged,)))


def _without(field: str) -> Callable[[NodeQuestion], NodeQuestion]:
    def change(asked: NodeQuestion) -> NodeQuestion:
        openings = tuple(one for one in asked.request.openings if one.field != field)
        return replace(asked, request=replace(asked.request, openings=openings))

    return change


LIES: dict[str, Callable[[NodeQuestion], NodeQuestion]] = {
    "a coarsening is dropped": _rebound(b'"first 3"', b'"as is"'),
    "a cap is raised": _rebound(b"20", b"99"),
    "another literal in the bound form": _rebound(b"ZZ1001", b"ZZ1002"),
    "no bound form": lambda asked: replace(asked, forms=()),
    "a bound form twice": lambda asked: replace(asked, forms=asked.forms * 2),
    "a bound form of another fragment": lambda asked: replace(
        asked, forms=(replace(asked.forms[0], fragment=1),)
    ),
    "another policy version": lambda asked: replace(
        asked, forms=(replace(asked.forms[0], policy_version=99),)
    ),
    "another literal in the fragment": _reopened("fragments/0", b"ZZ1001", b"ZZ1002"),
    "another officer": _reopened("officer", b"12", b"13"),
    "the officer is not opened": _without("officer"),
    "the fragment is not opened": _without("fragments/0"),
    "another purpose": _header(b"interlibrary_loan", b"recovery"),
    "another agency": _header(b'"agency":"riverside"', b'"agency":"hilltop"'),
    "a longer life": _header(b'"deadline_ms":10000', b'"deadline_ms":60000'),
    "no signature": lambda asked: replace(asked, request=replace(asked.request, signatures=())),
    "a forged signature": _signature,
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lying_gateway_gets_no_rows_and_the_lie_is_entered(
    library: Running, lie: Callable[[NodeQuestion], NodeQuestion]
) -> None:
    before = len(library.entries(NODE))
    # What other tests asked may be entered, or acknowledged, meanwhile; and strangers counted.
    known = {one.request for name in (GATEWAY, NODE) for one in library.entries(name)} - {None}
    honest = question(library, signed(library))
    with pytest.raises(NarrowsError):
        asyncio.run(at_node(library, lie(honest)))
    (entry,) = [
        one
        for one in library.entries(NODE)[before:]
        if one.request not in known and one.kind is not Kind.COUNTED
    ]
    assert entry.kind is Kind.REFUSAL
    assert entry.open["caller"] == GATEWAY
    assert entry.open["check"]


def _at(seconds: float) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [(-100, "has expired"), (45, "dated in the future")],
    ids=["expired", "from the future"],
)
def test_a_request_out_of_its_time_is_refused_at_both_doors(
    library: Running, seconds: float, reason: str
) -> None:
    request = signed(library, clock=_at(seconds))
    with pytest.raises(NarrowsError, match=reason):
        asyncio.run(at_gateway(library, request, library.state.member("riverside")))
    with pytest.raises(NarrowsError, match=reason):
        asyncio.run(at_node(library, question(library, request)))


def test_a_refusal_at_the_door_says_who_asked_for_which_case(library: Running) -> None:
    """The signature was true, so it is known who tried what; only untrue openings are left out."""
    request = signed(library, clock=_at(-100))
    with pytest.raises(NarrowsError):
        asyncio.run(at_gateway(library, request, library.state.member("riverside")))
    story = library.narrows("trace", request.id, "--as", "auditor")
    assert "refused: REQUEST_EXPIRED" in story
    for word in ("riverside", "interlibrary_loan", "ZZ1001", "officer"):
        assert word in story
    forged = LIES["another officer"](question(library, signed(library)))
    with pytest.raises(NarrowsError):
        asyncio.run(at_node(library, forged))
    (entry,) = [one for one in library.entries(NODE) if one.request == forged.request.id]
    assert set(entry.sealed) == {"fragments/0"}


def test_a_node_is_told_nothing_of_what_is_asked_of_another(library: Running) -> None:
    one = "SELECT full_name FROM patron WHERE holder = '{}' AND card_number = '{}'"
    sql = f"{one.format('harbour', 'ZZ1001')} UNION {one.format('hilltop', 'ZZ1002')}"
    answer = library.ask(by_card(sql=sql))
    assert outcomes(answer) == {
        "harbour": "answered", "hilltop": "answered", "riverside": "not asked",
    }  # fmt: skip
    told = json.loads(
        library.narrows("trace", answer.request_id, "--as", "auditor", "--format", "json")
    )
    sealed = {one["name"]: str([e["sealed"] for e in one["entries"]]) for one in told["ledgers"]}
    assert "ZZ1001" in sealed["harbour"]
    assert "ZZ1002" not in sealed["harbour"]
    assert "ZZ1001" not in sealed["hilltop"]
    assert "ZZ1001" in sealed[GATEWAY]


def test_a_request_spoilt_on_the_way_is_not_used_up(library: Running) -> None:
    honest = question(library, signed(library))
    for lie in ("another literal in the fragment", "the officer is not opened"):
        with pytest.raises(NarrowsError):
            asyncio.run(at_node(library, LIES[lie](honest)))
    assert asyncio.run(at_node(library, honest)).fragments[0].row_count == 1


def test_a_share_is_held_until_the_work_ends(fragile: Running) -> None:
    """A caller that hangs up at once does not make room for more of its own work."""

    async def send_and_hang_up() -> None:
        # Questions to a node that hangs keep their places at the gateway for their whole deadline.
        fragile.kill(NODE, signal.SIGSTOP)
        for _ in range(70):
            task = asyncio.ensure_future(
                at_gateway(fragile, signed(fragile), fragile.state.member("riverside"))
            )
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(send_and_hang_up())
    intents = [one for one in fragile.entries(GATEWAY) if one.kind.value == "intent"]
    assert len(intents) <= 8
    fragile.kill(NODE, signal.SIGCONT)


def test_a_request_issued_before_the_node_started_is_refused(fragile: Running) -> None:
    request = signed(fragile)
    fragile.down(NODE)
    fragile.up()
    with pytest.raises(NarrowsError, match="before this process started"):
        asyncio.run(at_node(fragile, question(fragile, request)))


def test_a_request_for_another_gateway_is_refused(library: Running) -> None:
    request = signed(library, gateway="elsewhere")
    with pytest.raises(CheckFailed, match="another federation or gateway"):
        asyncio.run(at_node(library, question(library, request)))


def test_a_request_under_another_members_key_is_refused(library: Running) -> None:
    key = RequestKey(new_key("riverside", seed=os.urandom(32)))
    request = signed(library, key=key)
    with pytest.raises(UnknownCaller, match="no signature"):
        asyncio.run(at_gateway(library, request, library.state.member("riverside")))


def test_another_members_request_is_refused(library: Running) -> None:
    with pytest.raises(UnknownCaller, match="another member"):
        asyncio.run(at_gateway(library, signed(library), library.state.member("reader-desk")))


def test_members_do_not_call_nodes_nor_gateways_gateways(library: Running) -> None:
    asked = question(library, signed(library))
    with pytest.raises(UnknownCaller, match="no gateway"):
        asyncio.run(at_node(library, asked, library.state.member("riverside")))
    with pytest.raises(UnknownCaller, match="no member"):
        asyncio.run(at_gateway(library, signed(library), library.state.gateway()))


def test_what_is_malformed_is_refused_in_the_client_and_reaches_nobody(library: Running) -> None:
    before = {name: len(library.entries(name)) for name in (GATEWAY, NODE)}
    for sql in (
        "SELEC 1",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT nosuch FROM patron",
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
        "SELECT full_name FROM patron WHERE " + " AND ".join(["1=1"] * 20000),
        "SELECT '" + "x" * 1_000_000 + "'",
    ):
        with pytest.raises(NarrowsError):
            library.ask(by_card(sql=sql))
    assert {name: len(library.entries(name)) for name in (GATEWAY, NODE)} == before


def test_an_answer_leaves_intent_and_outcome_though_its_caller_hangs_up(library: Running) -> None:
    async def hang_up() -> str:
        request = signed(library)
        task = asyncio.ensure_future(
            at_gateway(library, request, library.state.member("riverside"))
        )
        async with asyncio.timeout(20):
            while not kinds(library.entries(GATEWAY), request.id):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            while kinds(library.entries(GATEWAY), request.id) != ["intent", "outcome"]:
                await asyncio.sleep(0.01)
        return request.id

    assert asyncio.run(hang_up())
