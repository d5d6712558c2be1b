"""What a requester believes: one true answer, and every way in which it could be untrue."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from narrows.client.evidence import verify_answer
from narrows.core.answer import Answer, AnswerColumn, HolderReport, Outcome
from narrows.core.ledger.entry import rows_digest
from narrows.core.request import SignedRequest
from narrows.core.terms import ColumnType, Digest, Holder, RequestId
from narrows.errors import CheckFailed, NarrowsError, ProofInvalid
from tests.unit.client.true_answer import (
    NARROWED,
    ROWS,
    Telling,
    batches_of,
    disclose,
    expecting,
    tell,
    true_telling,
)
from tests.unit.serving.world import NSOR, OSOR, World, opened_world, sign

Change = Callable[[Answer], Answer]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, what an honest gateway tells of it, and the world in which it is told."""

    world: World
    request: SignedRequest
    telling: Telling

    async def tell(self, **lies: object) -> Answer:
        """The answer of a gateway that enters these lies and says the same."""
        return await tell(self.world, self.request, replace(self.telling, **lies))  # type: ignore[arg-type]

    async def tell_of(self, holder: Holder, **lies: object) -> Answer:
        """The answer of a gateway that enters these lies about one holder."""
        return await self.tell(holders=_with(self.telling.holders, holder, **lies))

    def receipt(self, holder: Holder) -> object:
        return next(one.receipt for one in self.telling.holders if one.holder == holder)


def _with(
    reports: tuple[HolderReport, ...], holder: Holder, **changes: object
) -> tuple[HolderReport, ...]:
    return tuple(
        replace(one, **changes) if one.holder == holder else one  # type: ignore[arg-type]
        for one in reports
    )


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    async with opened_world(tmp_path) as world:
        request = sign()
        yield Asked(world, request, await true_telling(world, request))


async def test_a_true_answer_is_believed(asked: Asked) -> None:
    found = verify_answer(await asked.tell(), expecting(asked.request))
    assert found.request_id == asked.request.id
    assert found.table.to_pydict() == {
        "holder": ["nsor", "osor", "osor"],
        "surname": ["Roy", "Roy", "Tremblay"],
        "postal_code": ["H2X", "H2X", "M4C"],
    }
    assert [one.holder for one in found.agencies] == [NSOR, OSOR]
    assert found.caveats == ("nsor: once only", "osor: once only")
    assert found.is_whole
    assert found.is_answered


async def test_rows_may_be_withheld_and_a_holder_may_be_missing(asked: Asked) -> None:
    missing = HolderReport(OSOR, Outcome.UNAVAILABLE, reasons=("the node cannot be reached",))
    holders = (asked.telling.holders[0], missing)
    telling = await asked.tell(holders=holders, rows=[], withheld="`osor` did not answer")
    found = verify_answer(telling, expecting(asked.request))
    assert found.table.num_rows == 0
    assert not found.is_whole
    assert not found.is_answered


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.NOT_ASKED])
async def test_a_gap_that_nobody_tells_of_is_found(asked: Asked, outcome: Outcome) -> None:
    missing = HolderReport(OSOR, outcome, reasons=("it has nothing to say",))
    holders = (asked.telling.holders[0], missing)
    telling = await asked.tell(holders=holders, rows=[("nsor", "Roy", "H2X")])
    with pytest.raises(CheckFailed, match="a missing agency makes them untrue"):
        verify_answer(telling, expecting(asked.request))


def _reported(**changes: object) -> Change:
    return lambda found: replace(found, holders=_with(found.holders, NSOR, **changes))


def _opened(**changes: object) -> Change:
    def change(found: Answer) -> Answer:
        assert found.rows_opening is not None
        return replace(found, rows_opening=replace(found.rows_opening, **changes))  # type: ignore[arg-type]

    return change


def _receipt(**changes: object) -> Change:
    return lambda found: replace(found, receipt=replace(found.receipt, **changes))  # type: ignore[arg-type]


def _flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


OTHER_ROWS = batches_of([("nsor", "Doe", "H2X"), *ROWS[OSOR]])
AFTERWARDS: dict[str, tuple[Change, type[NarrowsError]]] = {
    "another request": (lambda found: replace(found, request=RequestId("0" * 32)), CheckFailed),
    "a column left out": (lambda found: replace(found, columns=found.columns[1:]), CheckFailed),
    "columns swapped": (lambda found: replace(found, columns=found.columns[::-1]), CheckFailed),
    "a column of another type": (
        lambda found: replace(
            found, columns=(AnswerColumn("holder", ColumnType.BIGINT), *found.columns[1:])
        ),
        CheckFailed,
    ),
    "a holder left out": (lambda found: replace(found, holders=found.holders[:1]), CheckFailed),
    "a holder twice": (
        lambda found: replace(found, holders=(found.holders[0], *found.holders)),
        CheckFailed,
    ),
    "holders swapped": (lambda found: replace(found, holders=found.holders[::-1]), CheckFailed),
    "other rows": (lambda found: replace(found, batches=OTHER_ROWS), ProofInvalid),
    "no rows": (lambda found: replace(found, batches=()), ProofInvalid),
    "rows twice": (lambda found: replace(found, batches=found.batches * 2), ProofInvalid),
    "no opening": (lambda found: replace(found, rows_opening=None), ProofInvalid),
    "an opening with another salt": (_opened(salt=bytes(32)), ProofInvalid),
    "an opening of another value": (_opened(value=rows_digest(OTHER_ROWS)), ProofInvalid),
    "an opening of another field": (_opened(field="trace_id"), ProofInvalid),
    "another number of rows": (lambda found: replace(found, row_count=2), ProofInvalid),
    "no caveats": (lambda found: replace(found, caveats=()), ProofInvalid),
    "a caveat more": (
        lambda found: replace(found, caveats=(*found.caveats, "keep it")),
        ProofInvalid,
    ),
    "withheld although rows are given": (
        lambda found: replace(found, withheld_because="no holder answered"),
        ProofInvalid,
    ),
    "another outcome": (_reported(outcome=Outcome.REFUSED), ProofInvalid),
    "other clauses": (_reported(clauses=("never[1]",)), ProofInvalid),
    "other reasons": (_reported(reasons=("no agreement",)), ProofInvalid),
    "nothing narrowed": (_reported(narrowed=()), ProofInvalid),
    "something withheld": (_reported(withheld=("person.surname",)), ProofInvalid),
    "another count of a holder": (_reported(row_count=2), ProofInvalid),
    "another time of a holder": (_reported(elapsed_ms=4), ProofInvalid),
    "no receipt of a holder": (_reported(receipt=None), ProofInvalid),
    "a receipt with another index": (_receipt(index=1), ProofInvalid),
    "a receipt without proof": (_receipt(proof=(Digest(bytes(32)),)), ProofInvalid),
}


@pytest.mark.parametrize("name", AFTERWARDS)
async def test_what_is_changed_afterwards_is_refused(asked: Asked, name: str) -> None:
    change, error = AFTERWARDS[name]
    found = change(await asked.tell())
    with pytest.raises(error):
        verify_answer(found, expecting(asked.request))


@pytest.mark.parametrize("part", ["entry", "checkpoint"])
async def test_a_changed_receipt_of_the_gateway_is_refused(asked: Asked, part: str) -> None:
    found = await asked.tell()
    spoilt = _receipt(**{part: _flip(getattr(found.receipt, part))})(found)
    with pytest.raises(ProofInvalid):
        verify_answer(spoilt, expecting(asked.request))


async def test_the_receipt_of_another_entry_proves_nothing(asked: Asked) -> None:
    found = await asked.tell()
    other = sign()
    elsewhere = await tell(asked.world, other, await true_telling(asked.world, other))
    for wrong in (elsewhere.receipt, asked.receipt(NSOR)):
        with pytest.raises(ProofInvalid):
            verify_answer(replace(found, receipt=wrong), expecting(asked.request))  # type: ignore[arg-type]
    with pytest.raises(CheckFailed, match="another request"):
        verify_answer(elsewhere, expecting(asked.request))


async def test_an_intent_is_no_outcome(asked: Asked) -> None:
    """A gateway that shows its own ledger's entry of another kind is found out."""
    found = await asked.tell()
    # The node's disclosure, under a key that the requester takes for the gateway's.
    expected = expecting(asked.request)
    swapped = replace(
        expected, verifiers={**expected.verifiers, "gateway": expected.verifiers[NSOR]}
    )
    node = asked.telling.holders[0].receipt
    assert node is not None
    with pytest.raises(ProofInvalid, match="something else"):
        verify_answer(replace(found, receipt=node), swapped)


# What follows is told *and entered* by the gateway: only the nodes' own receipts contradict it.


async def test_a_gateway_cannot_answer_for_a_node(asked: Asked) -> None:
    found = await asked.tell_of(NSOR, receipt=None)
    with pytest.raises(ProofInvalid, match="no receipt of `nsor`"):
        verify_answer(found, expecting(asked.request))


async def test_another_holders_receipt_is_refused(asked: Asked) -> None:
    found = await asked.tell_of(NSOR, receipt=asked.receipt(OSOR))
    with pytest.raises(ProofInvalid, match="step 1"):
        verify_answer(found, expecting(asked.request))


async def test_another_requests_receipt_is_refused(asked: Asked) -> None:
    receipt = await disclose(asked.world, NSOR, sign(), ROWS[NSOR])
    found = await asked.tell_of(NSOR, receipt=receipt)
    with pytest.raises(ProofInvalid, match="something else"):
        verify_answer(found, expecting(asked.request))


async def test_a_changed_receipt_of_a_node_is_refused(asked: Asked) -> None:
    receipt = asked.telling.holders[0].receipt
    assert receipt is not None
    spoilt = replace(receipt, entry=receipt.entry.replace(b'"row_count":1', b'"row_count":7'))
    assert spoilt != receipt
    found = await asked.tell_of(NSOR, receipt=spoilt)
    with pytest.raises(ProofInvalid, match="step 4"):
        verify_answer(found, expecting(asked.request))


async def test_the_receipt_of_a_ledger_that_nobody_knows_is_refused(asked: Asked) -> None:
    expected = expecting(asked.request)
    known = {name: key for name, key in expected.verifiers.items() if name != OSOR}
    with pytest.raises(ProofInvalid, match="no ledger of `osor`"):
        verify_answer(await asked.tell(), replace(expected, verifiers=known))


async def test_a_node_that_entered_another_question_under_this_id_is_found_out(
    asked: Asked,
) -> None:
    receipt = await disclose(asked.world, NSOR, sign(), ROWS[NSOR], asked.request.id)
    found = await asked.tell_of(NSOR, receipt=receipt)
    with pytest.raises(ProofInvalid, match="entered another request"):
        verify_answer(found, expecting(asked.request))


@pytest.mark.parametrize(
    "lie",
    [{"row_count": 2}, {"narrowed": ()}, {"narrowed": (*NARROWED, "x")}, {"withheld": ("p.x",)}],
)
async def test_what_a_gateway_says_of_a_node_is_what_the_node_entered(
    asked: Asked, lie: dict[str, object]
) -> None:
    found = await asked.tell_of(NSOR, **lie)
    with pytest.raises(ProofInvalid, match="`nsor`"):
        verify_answer(found, expecting(asked.request))


async def test_another_number_of_rows_than_there_are_is_refused(asked: Asked) -> None:
    with pytest.raises(CheckFailed, match="another number of rows"):
        verify_answer(await asked.tell(row_count=2), expecting(asked.request))


async def test_rows_that_are_said_to_be_withheld_are_refused(asked: Asked) -> None:
    found = await asked.tell(withheld="no holder answered")
    with pytest.raises(CheckFailed, match="withheld"):
        verify_answer(found, expecting(asked.request))


async def test_rows_that_are_no_arrow_are_refused(asked: Asked) -> None:
    found = await asked.tell()
    wrong = AnswerColumn("surname", ColumnType.DATE)
    columns = (found.columns[0], wrong, found.columns[2])
    with pytest.raises(CheckFailed, match="schema"):
        verify_answer(replace(found, columns=columns), expecting(asked.request))
