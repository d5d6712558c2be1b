"""What is entered about a request: commitments in the open, values in the sealed part alone."""

from dataclasses import replace

import pytest

from narrows.core.admission import Admitted, day_of
from narrows.core.answer import Outcome
from narrows.core.entries import asked, decided, kind_of, outcome_of, sealed_fields
from narrows.core.ledger.entry import Kind
from narrows.core.policy.decision import Decision, Requester, Verdict
from narrows.core.request import Opening, SignedRequest
from narrows.core.terms import Digest, Holder
from tests.unit.core.test_admission import CATALOG, HEADER, NOW, VPD, sign


def _signed(**values: bytes) -> SignedRequest:
    openings = tuple(Opening(field, bytes(32), found) for field, found in values.items())
    return replace(sign(), openings=openings)


def test_the_open_part_is_the_header_as_signed_and_no_value() -> None:
    request = _signed(sql=b"SELECT secret", officer=b"O-4471")
    requester = Requester(VPD, "municipal", "CAN")
    found = asked(Admitted(request, HEADER, requester, day_of(NOW, CATALOG.zone)))
    assert (found.agency, found.unit, found.purpose) == ("vpd", "traffic", "licensing")
    assert found.header.encode() == request.header
    assert [one.signature for one in found.signatures] == [
        one.signature for one in request.signatures
    ]
    assert "secret" not in str(found)
    assert "O-4471" not in str(found)


def test_the_open_part_says_which_ticket_is_collected_and_whether_emergency_is_claimed() -> None:
    requester, day = Requester(VPD, "municipal", "CAN"), day_of(NOW, CATALOG.zone)
    header = replace(HEADER, ticket="ab" * 16, emergency=True)
    for one, told in ((HEADER, (None, False)), (header, ("ab" * 16, True))):
        found = asked(Admitted(sign(one), one, requester, day))
        assert (found.ticket, found.emergency) == told


A, N, R, H = Verdict.ALLOWED, Verdict.NARROWED, Verdict.REFUSED, Verdict.HELD


@pytest.mark.parametrize(
    ("verdicts", "kind", "outcome"),
    [
        ([A], Kind.DISCLOSURE, Outcome.ANSWERED),
        ([A, N], Kind.DISCLOSURE, Outcome.ANSWERED),
        ([N, R], Kind.DISCLOSURE, Outcome.REFUSED),
        ([H], Kind.HELD, Outcome.HELD),
        ([H, R], Kind.HELD, Outcome.REFUSED),
        ([R], Kind.REFUSAL, Outcome.REFUSED),
    ],
)
def test_decisions_make_a_kind_of_entry_and_an_outcome(
    verdicts: list[Verdict], kind: Kind, outcome: Outcome
) -> None:
    assert (kind_of(verdicts), outcome_of(verdicts)) == (kind, outcome)


def test_a_decision_is_entered_with_its_clauses_and_all_reasons() -> None:
    refusal = Decision(
        Verdict.REFUSED,
        policy_version=12,
        policy_digest=Digest(bytes(32)),
        agreement="by-paper",
        clauses=("by-paper",),
        reasons=("`by-paper` requires `officer`", "nothing is matched"),
    )
    found = decided(Holder("nsor"), 1, refusal)
    assert (found.holder, found.fragments, found.decision) == ("nsor", (1,), "REFUSED")
    assert (found.agreement, found.clauses) == ("by-paper", ("by-paper",))
    assert (found.policy_version, found.policy) == (12, bytes(32))
    assert found.reason == "`by-paper` requires `officer`; nothing is matched"


def test_the_sealed_part_has_what_was_opened_and_the_way_to_the_spans() -> None:
    found = sealed_fields(_signed(sql=b"SELECT 1", officer=b"4471"), "ab12")
    assert found == {"sql": b"SELECT 1", "officer": b"4471", "trace_id": b"ab12"}
