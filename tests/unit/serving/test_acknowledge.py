"""Acknowledgements are entered once, where something was given, at the word of who asked.

Many come at once: what cannot be believed keeps out nothing but itself.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.client.sign import ReceivedRows, sign_acknowledgements
from narrows.core.answer import SignedAcknowledgement
from narrows.core.exchange import EnteredAcknowledgement
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import Receipt, receipt_digest, verify_receipt
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName, RequestId
from narrows.errors import CheckFailed, LedgerUnavailable, MalformedRequest, UnknownCaller
from narrows.serving.acknowledge import MAX_AT_ONCE, Given, enter_acknowledgements
from tests.unit.client.true_answer import ROWS, disclose
from tests.unit.serving.world import (
    NOW,
    NSOR,
    OPC,
    OSOR,
    REQUEST_KEYS,
    VERIFIERS,
    VPD,
    World,
    directory,
    opened_world,
    requesting,
    sign,
)

RECIPIENT = MemberName(NSOR)


@dataclass(frozen=True, slots=True)
class Case:
    """A request that `nsor` has answered."""

    world: World
    request: SignedRequest
    receipt: Receipt

    @property
    def size(self) -> int:
        return self.world.ledgers[NSOR].size

    def say(
        self, agency: str = VPD, recipient: str = NSOR, request: RequestId | None = None
    ) -> SignedAcknowledgement:
        """What a requester says that it received."""
        received = [ReceivedRows(MemberName(recipient), 1, self.receipt)]
        by = requesting(agency)
        return sign_acknowledgements(request or self.request.id, received, by, NOW)[0]

    async def enter(
        self, *said: SignedAcknowledgement, at: str = NSOR
    ) -> tuple[EnteredAcknowledgement, ...]:
        given = Given(self.world.ledgers[at], MemberName(at), Kind.DISCLOSURE)
        return await enter_acknowledgements(said, directory(), given)

    async def answer_another(self, agency: str = VPD) -> RequestId:
        """One more request that `nsor` has answered."""
        request = sign(agency=agency)
        await disclose(self.world, NSOR, request, ROWS[NSOR])
        return request.id

    def of(self, request: RequestId) -> list[Kind]:
        """What `nsor` has entered about a request."""
        ledger = self.world.ledgers[NSOR]
        return [ledger.entry(index).kind for index in ledger.entries_of(request)]


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with opened_world(tmp_path) as world:
        request = sign()
        yield Case(world, request, await disclose(world, NSOR, request, ROWS[NSOR]))


async def test_it_is_entered_beside_what_was_given(case: Case) -> None:
    said = case.say()
    (entered,) = await case.enter(said)
    assert (entered.request, entered.recipient) == (case.request.id, RECIPIENT)
    entry = verify_receipt(entered.receipt, VERIFIERS[NSOR])
    assert (entry.kind, entry.request) == (Kind.ACKNOWLEDGEMENT, case.request.id)
    assert (entry.open["agency"], entry.open["row_count"]) == (VPD, 1)
    assert entry.open["receipt"] == receipt_digest(case.receipt).hex()
    assert entry.open["body"] == said.body.decode()
    assert case.world.ledgers[NSOR].entries_of(case.request.id) == (0, 1)


async def test_many_are_entered_at_once(case: Case) -> None:
    requests = [case.request.id, *[await case.answer_another() for _ in range(4)]]
    entered = await case.enter(*(case.say(request=one) for one in requests))
    assert [one.request for one in entered] == requests
    entries = [verify_receipt(one.receipt, VERIFIERS[NSOR]) for one in entered]
    assert [one.request for one in entries] == requests
    assert {one.kind for one in entries} == {Kind.ACKNOWLEDGEMENT}
    assert case.size == 10


async def test_nothing_said_enters_nothing(case: Case) -> None:
    assert await case.enter() == ()
    assert case.size == 1


async def test_said_again_it_gives_the_first_receipt(case: Case) -> None:
    (first,) = await case.enter(case.say())
    (again,) = await case.enter(_counting(case, 7))
    assert (again.receipt.entry, again.receipt.index) == (first.receipt.entry, first.receipt.index)
    assert case.size == 2


async def test_said_again_among_new_ones_it_gives_the_first_receipt(case: Case) -> None:
    (first,) = await case.enter(case.say())
    other = await case.answer_another()
    fresh, again = await case.enter(case.say(request=other), case.say())
    assert (fresh.request, again.request) == (other, case.request.id)
    assert again.receipt.entry == first.receipt.entry
    assert case.size == 4


async def test_said_twice_at_once_it_is_entered_once(case: Case) -> None:
    said = case.say()
    (entered,) = await case.enter(said, said, _counting(case, 7))
    entry = verify_receipt(entered.receipt, VERIFIERS[NSOR])
    assert entry.open["body"] == said.body.decode()
    assert case.of(case.request.id) == [Kind.DISCLOSURE, Kind.ACKNOWLEDGEMENT]


async def test_a_forged_one_does_not_stand_for_the_true_one_after_it(case: Case) -> None:
    """Else whoever carries acknowledgements could put a refused one before each."""
    said = case.say()
    (entered,) = await case.enter(_changed(said), said)
    entry = verify_receipt(entered.receipt, VERIFIERS[NSOR])
    assert entry.open["row_count"] == 1
    assert case.size == 2


async def test_a_bad_one_keeps_out_nothing_but_itself(case: Case) -> None:
    good, spoilt = case.request.id, await case.answer_another()
    of_opc, last = await case.answer_another(OPC), await case.answer_another()
    bad = (
        _changed(case.say(request=spoilt)),
        replace(case.say(request=spoilt), body=b"{}"),
        case.say(request=spoilt, recipient=OSOR),
        case.say(agency=OPC, request=spoilt),
        case.say(request=of_opc),
        case.say(request=RequestId("ab" * 16)),
    )
    entered = await case.enter(*bad, case.say(), *bad, case.say(request=last), *bad)
    assert [one.request for one in entered] == [good, last]
    for request in (good, last):
        assert case.of(request) == [Kind.DISCLOSURE, Kind.ACKNOWLEDGEMENT]
    for request in (spoilt, of_opc):
        assert case.of(request) == [Kind.DISCLOSURE]
    assert case.size == 6


async def test_where_all_are_bad_the_first_says_why(case: Case) -> None:
    bad = {
        MalformedRequest: replace(case.say(), body=b"{}"),
        UnknownCaller: _changed(case.say()),
        CheckFailed: case.say(agency=OPC),
    }
    for error, one in bad.items():
        with pytest.raises(error):
            await case.enter(one, *bad.values())
    assert case.size == 1


async def test_no_more_are_looked_at_than_the_most(case: Case) -> None:
    bad = [replace(case.say(), body=b"{}")] * (MAX_AT_ONCE - 1)
    with pytest.raises(MalformedRequest):
        await case.enter(*bad, bad[0], case.say())
    assert case.size == 1
    assert len(await case.enter(*bad, case.say(), case.say(request=RequestId("ab" * 16)))) == 1
    assert MAX_AT_ONCE == 1_024


async def test_what_cannot_be_written_is_not_said_to_be_entered(case: Case) -> None:
    said = (case.say(), case.say(request=await case.answer_another()))
    await case.world.ledgers[NSOR].close()
    with pytest.raises(LedgerUnavailable):
        await case.enter(*said)


def _counting(case: Case, row_count: int) -> SignedAcknowledgement:
    """The requester says another count of the same request."""
    received = [ReceivedRows(RECIPIENT, row_count, case.receipt)]
    return sign_acknowledgements(case.request.id, received, requesting(), NOW)[0]


def _changed(said: SignedAcknowledgement) -> SignedAcknowledgement:
    return replace(said, body=said.body.replace(b'"row_count":1', b'"row_count":0'))


def _signed_by(said: SignedAcknowledgement, name: str, *, openly: bool) -> SignedAcknowledgement:
    """Signed with another's key: in the name of the key that should have, or openly in its own."""
    key = REQUEST_KEYS[MemberName(name)]
    forged = key.sign(b"narrows/acknowledgement/v1\n" + said.body)
    key_id = key.key_id if openly else said.signatures[0].key_id
    return replace(said, signatures=(replace(said.signatures[0], key_id=key_id, signature=forged),))


async def test_a_forged_one_is_refused(case: Case) -> None:
    said = case.say()
    (signature,) = said.signatures
    forged = {
        "another count": _changed(said),
        "another's key": _signed_by(said, OPC, openly=False),
        "another's key in its own name": _signed_by(said, OPC, openly=True),
        "no signature": replace(said, signatures=()),
        "another role": replace(said, signatures=(replace(signature, role="approver"),)),
        "another algorithm": replace(said, signatures=(replace(signature, algorithm="none"),)),
        "a bare signature": replace(
            said, signatures=(replace(signature, signature=REQUEST_KEYS[VPD].sign(said.body)),)
        ),
    }
    for name, one in forged.items():
        with pytest.raises(UnknownCaller):
            await case.enter(one)
        assert case.size == 1, name


async def test_what_is_meant_for_another_ledger_is_refused(case: Case) -> None:
    with pytest.raises(CheckFailed, match="another ledger"):
        await case.enter(case.say(recipient=OSOR))
    relabelled = replace(case.say(recipient=OSOR), recipient=RECIPIENT)
    with pytest.raises(CheckFailed, match="than its cover says"):
        await case.enter(relabelled)
    assert case.size == 1


async def test_only_who_asked_may_acknowledge(case: Case) -> None:
    with pytest.raises(CheckFailed, match="gave that agency nothing"):
        await case.enter(case.say(agency=OPC))
    assert case.size == 1


async def test_what_one_acknowledged_is_not_shown_to_another(case: Case) -> None:
    await case.enter(case.say())
    with pytest.raises(CheckFailed, match="gave that agency nothing"):
        await case.enter(case.say(agency=OPC))


@pytest.mark.parametrize("at", [NSOR, OSOR])
async def test_where_nothing_was_given_there_is_nothing_to_acknowledge(case: Case, at: str) -> None:
    request = RequestId("ab" * 16) if at == NSOR else case.request.id
    with pytest.raises(CheckFailed, match="gave that agency nothing"):
        await case.enter(case.say(recipient=at, request=request), at=at)


async def test_an_intent_gave_nothing(case: Case) -> None:
    """The gateway acknowledges its outcome: before that there is none."""
    given = Given(case.world.ledgers[NSOR], RECIPIENT, Kind.OUTCOME)
    with pytest.raises(CheckFailed, match="gave that agency nothing"):
        await enter_acknowledgements([case.say()], directory(), given)


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff"])
async def test_what_is_no_acknowledgement_is_refused(case: Case, body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        await case.enter(replace(case.say(), body=body))
