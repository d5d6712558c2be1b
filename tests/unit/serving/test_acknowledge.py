"""An acknowledgement is entered once, where something was given, at the word of who asked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.client.sign import ReceivedRows, sign_acknowledgements
from narrows.core.answer import SignedAcknowledgement
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.receipt import Receipt, receipt_digest, verify_receipt
from narrows.core.request import SignedRequest
from narrows.core.terms import MemberName, RequestId
from narrows.errors import CheckFailed, MalformedRequest, NarrowsError, UnknownCaller
from narrows.serving.acknowledge import Given, enter_acknowledgement
from tests.unit.client.true_answer import ROWS, disclose
from tests.unit.serving.world import (
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
        received = ReceivedRows(MemberName(recipient), 1, self.receipt)
        by = requesting(agency)
        return sign_acknowledgements(request or self.request.id, [received], by)[0]

    async def enter(
        self, said: SignedAcknowledgement, request: RequestId | None = None, at: str = NSOR
    ) -> Receipt:
        given = Given(self.world.ledgers[at], MemberName(at), Kind.DISCLOSURE)
        return await enter_acknowledgement(request or self.request.id, said, directory(), given)


@pytest.fixture
async def case(tmp_path: Path) -> AsyncIterator[Case]:
    async with opened_world(tmp_path) as world:
        request = sign()
        yield Case(world, request, await disclose(world, NSOR, request, ROWS[NSOR]))


async def test_it_is_entered_beside_what_was_given(case: Case) -> None:
    said = case.say()
    entry = verify_receipt(await case.enter(said), VERIFIERS[NSOR])
    assert (entry.kind, entry.request) == (Kind.ACKNOWLEDGEMENT, case.request.id)
    assert (entry.open["agency"], entry.open["row_count"]) == (VPD, 1)
    assert entry.open["receipt"] == receipt_digest(case.receipt).hex()
    assert entry.open["body"] == said.body.decode()
    assert case.world.ledgers[NSOR].entries_of(case.request.id) == (0, 1)


async def test_said_again_it_gives_the_first_receipt(case: Case) -> None:
    first = await case.enter(case.say())
    again = await case.enter(case.say())
    assert (again.entry, again.index) == (first.entry, first.index)
    assert case.size == 2


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
    with pytest.raises(CheckFailed, match="another request or recipient"):
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
        await case.enter(case.say(recipient=at, request=request), request, at)


async def test_an_intent_gave_nothing(case: Case) -> None:
    """The gateway acknowledges its outcome: before that there is none."""
    given = Given(case.world.ledgers[NSOR], RECIPIENT, Kind.OUTCOME)
    with pytest.raises(CheckFailed, match="gave that agency nothing"):
        await enter_acknowledgement(case.request.id, case.say(), directory(), given)


async def test_one_about_another_request_is_refused(case: Case) -> None:
    other: RequestId = sign().id
    for said, request in ((case.say(request=other), None), (case.say(), other)):
        with pytest.raises(CheckFailed, match="another request"):
            await case.enter(said, request)


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff"])
async def test_what_is_no_acknowledgement_is_refused(case: Case, body: bytes) -> None:
    error: type[NarrowsError] = MalformedRequest
    with pytest.raises(error):
        await case.enter(replace(case.say(), body=body))
