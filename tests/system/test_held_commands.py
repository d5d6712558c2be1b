"""`narrows held` and `narrows reviews` over real processes, as the people of a holder use them."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from narrows.core.ruling import SignedRuling
from narrows.core.terms import RequestId
from narrows.errors import NarrowsError
from narrows.local.up import peer_of_place
from narrows.wire.calls import HeldCalls, open_channel
from tests.system.processes import CARD, LIBRARY, Running, copy_of, replace_in, running

pytestmark = pytest.mark.system
HELD = """    held: {by: head librarian, second: true, urgent_hours: 2, routine_hours: 24}
    emergency: {requires: [grounds]}
    lookup:
"""
URGENT = """    emergency: {requires: [grounds]}
    signed_by: [approver]
    lookup:
"""
PEOPLE = "approvers: [A. Reyes, B. Moreau]\n"
ONE = f"{CARD} AND p.holder = '{{}}'"
WHO = ("--as", "riverside", "--purpose", "interlibrary_loan", "--param", "card=ZZ1001")


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The libraries, of which `harbour` holds, and `hilltop` knows emergencies and signatures."""
    base = tmp_path_factory.mktemp("held")
    folder = copy_of(LIBRARY, base / "library")
    for name, lines in (("harbour", HELD), ("hilltop", URGENT)):
        replace_in(folder / "members" / name / "policy.yaml", "    lookup:\n", lines)
        replace_in(
            folder / "members" / name / "member.yaml", "country: CAN\n", f"country: CAN\n{PEOPLE}"
        )
    riverside = folder / "members" / "riverside" / "member.yaml"
    replace_in(riverside, "country: CAN\n", "country: CAN\napprovers: [C. Osei]\n")
    with running(folder, base / "state") as found:
        yield found


def asked(found: Running, holder: str, *words: str, code: int = 0) -> dict[str, object]:
    """One question to one holder: its outcome there, and the request."""
    told = json.loads(
        found.narrows("ask", ONE.format(holder), *WHO, *words, "--format", "json", code=code)
    )
    (agency,) = [one for one in told["agencies"] if one["holder"] == holder]
    return {**agency, "request": told["request_id"], "row": told["rows"]}


def held(found: Running, *words: str) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(
        found.narrows("held", "list", "harbour", *words, "--format", "json")
    )["held"]
    return listed


def statuses_of(ticket: str, listed: list[dict[str, object]]) -> list[object]:
    """How that request stands; other tests have requests held by the same libraries."""
    return [one["status"] for one in listed if one["request"] == ticket]


def test_the_chain_from_the_question_to_the_collection(libraries: Running) -> None:
    first = asked(libraries, "harbour", "--officer", "12", code=3)
    ticket = str(first["request"])
    assert (first["outcome"], first["row"]) == ("held", [])
    assert ticket in str(first["reason"])
    assert statuses_of(ticket, held(libraries)) == ["open"]
    shown = libraries.narrows("held", "show", "harbour", ticket)
    for word in ("riverside", "interlibrary_loan", "officer", "ZZ1001", "0 of 2", "decide by"):
        assert word in shown
    assert "Okafor" not in shown
    collect = ("--officer", "12", "--ticket", ticket)
    assert asked(libraries, "harbour", *collect, code=3)["outcome"] == "held"
    for person in ("A. Reyes", "B. Moreau"):
        said = libraries.narrows("held", "approve", "harbour", ticket, "--as", person)
        assert "approve entered in the ledger of harbour, #" in said
        libraries.down("harbour")
        libraries.up()
    given = wait_for(libraries, collect)
    assert given["outcome"] == "answered"
    assert "Ada Okafor" in str(given["row"])
    (listed,) = [one for one in held(libraries) if one["request"] == ticket]
    assert listed["collections"] == 1
    story = libraries.narrows("trace", ticket, "--as", "auditor", code=0)
    order = ["held for the head librarian", "held: its ticket", "1 of 2 approve", "by A. Reyes",
             "2 of 2 approve", "by B. Moreau", "may leave, to riverside"]  # fmt: skip
    places = [story.index(word) for word in order]
    assert places == sorted(places)
    assert "Ada Okafor" not in story
    assert str(given["request"])[:8] in story
    again = libraries.narrows("trace", str(given["request"]), "--as", "auditor")
    assert f"ticket               {ticket}" in again
    libraries.narrows("held", "deny", "harbour", ticket, "--as", "A. Reyes")
    assert "denied" in str(asked(libraries, "harbour", *collect, code=3)["reason"])
    assert statuses_of(ticket, held(libraries)) == []
    assert statuses_of(ticket, held(libraries, "--all")) == ["denied"]


def wait_for(found: Running, collect: tuple[str, ...]) -> dict[str, object]:
    """The answer after a restart: a channel takes a moment to return."""
    for _ in range(40):
        sql = ONE.format("harbour")
        try:
            text = found.narrows("ask", sql, *WHO, *collect, "--format", "json")
        except AssertionError:
            continue
        told = json.loads(text)
        (agency,) = [one for one in told["agencies"] if one["holder"] == "harbour"]
        return {**agency, "request": told["request_id"], "row": told["rows"]}
    raise AssertionError("harbour did not return")


def test_only_named_persons_of_the_holder_decide_at_their_own_node(libraries: Running) -> None:
    ticket = str(asked(libraries, "harbour", "--officer", "13", code=3)["request"])
    for words, said in (
        (("approve", "harbour", ticket, "--as", "C. Osei"), "no approver of that name"),
        (("approve", "harbour", "0" * 32, "--as", "A. Reyes"), "no request of that id"),
        (("approve", "hilltop", ticket, "--as", "A. Reyes"), "no request of that id"),
        (("show", "harbour", "zz"), "32 hexadecimal digits"),
    ):
        told = libraries.narrows("held", *words, code=1 if "C. Osei" in words else 2)
        assert said in told


def test_another_member_neither_sees_nor_decides(libraries: Running) -> None:
    place, name = libraries.place("harbour"), libraries.federation.name
    before = len(libraries.entries("harbour"))

    async def call(identity: Path) -> None:
        async with open_channel(place.address, identity, peer_of_place(place, name)) as channel:
            calls = HeldCalls(channel)
            for method in (calls.held(), calls.reviews(), calls.show(RequestId("0" * 32))):
                with pytest.raises(NarrowsError, match=r"only `harbour` itself|no member"):
                    await method
            with pytest.raises(NarrowsError, match=r"only `harbour` itself|no member"):
                await calls.rule(SignedRuling(b"{}", bytes(64)))

    for identity in (libraries.state.member("riverside"), libraries.state.gateway()):
        asyncio.run(call(identity))
    assert len(libraries.entries("harbour")) == before


def test_emergency_use_is_listed_until_it_is_reviewed(libraries: Running) -> None:
    words = ("--emergency", "--grounds", "a reader is in danger")
    refused = asked(libraries, "hilltop", *words, code=3)
    assert "requires the signature of the approver" in str(refused["reason"])
    used = asked(libraries, "hilltop", *words, "--sign-as", "C. Osei")
    assert used["outcome"] == "answered"
    request = str(used["request"])
    listed = libraries.narrows("reviews", "list", "hilltop")
    assert request in listed
    assert "open" in listed
    libraries.narrows("reviews", "list", "hilltop", "--overdue")
    assert "emergency use, to be reviewed by" in libraries.narrows(
        "trace", request, "--as", "auditor"
    )
    done = ("reviews", "done", "hilltop", request, "--as", "B. Moreau", "--finding", "justified")
    libraries.narrows(*done)
    assert request not in libraries.narrows("reviews", "list", "hilltop")
    assert "justified by B. Moreau" in libraries.narrows("reviews", "list", "hilltop", "--all")
    assert "review of emergency use: justified" in libraries.narrows(
        "trace", request, "--as", "auditor"
    )
