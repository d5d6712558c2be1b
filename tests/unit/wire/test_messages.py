"""Values become messages and come back as they were; what is not whole is refused."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from narrows.core.answer import (
    Answer,
    AnswerColumn,
    HolderReport,
    Outcome,
    SignedAcknowledgement,
)
from narrows.core.exchange import (
    BoundForm,
    EnteredAcknowledgement,
    Explanation,
    FragmentAnswer,
    GatewayDescription,
    HeldCase,
    MergePlan,
    NodeAnswer,
    NodeDescription,
    NodeQuestion,
    PartPlan,
    ReviewCase,
    Ruled,
    Trace,
    TracedEntry,
)
from narrows.core.ledger.entry import Opening as EntryOpening
from narrows.core.ledger.receipt import Receipt
from narrows.core.plan.above import StaysAbove
from narrows.core.plan.steps import PlanStep
from narrows.core.policy.decision import Decision, Verdict
from narrows.core.publishing import PublishedPolicy
from narrows.core.request import Opening, Signature, SignedRequest
from narrows.core.ruling import SignedRuling
from narrows.core.terms import ColumnType, Digest, Holder, MemberName, RequestId
from narrows.errors import AnswerTooLarge, CheckFailed, MalformedRequest, ProofInvalid
from narrows.wire.audit import from_hashes, from_trace, to_trace
from narrows.wire.explain import MAX_DEPTH, from_explanation, to_explanation
from narrows.wire.held import (
    from_held,
    from_review,
    from_ruling,
    to_held,
    to_review,
    to_ruling,
)
from narrows.wire.node import (
    from_node_description,
    from_question,
    node_answer_parts,
    read_node_answer,
    to_node_description,
    to_question,
)
from narrows.wire.query import answer_parts, from_description, read_answer, to_description
from narrows.wire.request import (
    from_acknowledgement,
    from_column,
    from_decision,
    from_entered,
    from_request,
    to_acknowledgement,
    to_column,
    to_decision,
    to_entered,
    to_request,
)
from narrows.wire.v1 import audit_pb2, node_pb2, query_pb2, request_pb2

T = TypeVar("T")
WHEN = datetime(2026, 6, 1, 12, tzinfo=UTC)
NSOR, OSOR = Holder("nsor"), Holder("osor")
RECEIPT = Receipt(b"{}", 3, (Digest(b"\x01" * 32),), b"note")
SIGNATURE = Signature("agency", "0123456789abcdef", "ed25519", b"\x02" * 64)
REQUEST = SignedRequest(b"{}", (SIGNATURE,), (Opening("sql", b"\x03" * 32, b"SELECT 1"),))
ROWS = EntryOpening("rows/0", b"\x04" * 32, b"\x05" * 32)
BARE = Decision(Verdict.REFUSED, 1, Digest(b"\x06" * 32), reasons=("no agreement applies",))
FULL = Decision(
    Verdict.NARROWED,
    2,
    Digest(b"\x07" * 32),
    agreement="sexual-crime-investigation",
    clauses=("never[1]",),
    narrowed=("person.residence_postal: first 3",),
    withheld=("person.sex_code",),
    caveats=("no onward use",),
    keep_days=90,
)
ANSWER = Answer(
    request=RequestId("ab" * 16),
    columns=tuple(AnswerColumn(f"c{n}", kind) for n, kind in enumerate(ColumnType)),
    batches=(b"one", b"two"),
    row_count=7,
    holders=(
        *(HolderReport(NSOR, outcome) for outcome in Outcome),
        HolderReport(
            OSOR, Outcome.ANSWERED, ("c",), ("r",), ("n",), ("w",), 7, 12, RECEIPT, 90, 512
        ),
    ),
    caveats=("no onward use",),
    receipt=RECEIPT,
    withheld_because="",
    rows_opening=ROWS,
    merge_us=1_500,
)
NODE_ANSWER = NodeAnswer(
    fragments=(
        FragmentAnswer(0, FULL, (b"one", b"two"), 7),
        FragmentAnswer(2, BARE),
        FragmentAnswer(3, FULL, (b"three",), 0),
    ),
    as_of=datetime(2026, 6, 1, 12, 0, 0, 123456, UTC),
    receipt=RECEIPT,
    openings=(ROWS,),
)


async def stream(parts: Iterable[T]) -> AsyncIterator[T]:
    for part in parts:
        yield part


def test_a_request_comes_back_as_it_was() -> None:
    assert from_request(to_request(REQUEST)) == REQUEST


def test_a_request_without_header_or_signature_or_too_many_is_refused() -> None:
    for spoilt in (
        replace(REQUEST, header=b""),
        replace(REQUEST, signatures=()),
        replace(REQUEST, signatures=(SIGNATURE,) * 17),
        replace(REQUEST, openings=REQUEST.openings * 201),
    ):
        with pytest.raises(MalformedRequest):
            from_request(to_request(spoilt))


def test_an_acknowledgement_comes_back_as_it_was() -> None:
    found = SignedAcknowledgement(MemberName("nsor"), b"{}", (SIGNATURE,))
    assert from_acknowledgement(to_acknowledgement(found)) == found
    with pytest.raises(MalformedRequest):
        from_acknowledgement(to_acknowledgement(replace(found, body=b"x" * 4_001)))


def test_what_was_entered_comes_back_as_it_was() -> None:
    found = EnteredAcknowledgement(RequestId("ab" * 16), MemberName("nsor"), RECEIPT)
    message = to_entered(found)
    assert from_entered(message) == found
    message.receipt = b"nonsense"
    with pytest.raises(ProofInvalid):
        from_entered(message)


@pytest.mark.parametrize("decision", [BARE, FULL])
@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_comes_back_as_it_was(decision: Decision, verdict: Verdict) -> None:
    found = replace(decision, verdict=verdict)
    assert from_decision(to_decision(found)) == found


def test_what_is_unspecified_is_refused() -> None:
    with pytest.raises(CheckFailed):
        from_decision(request_pb2.Decision())
    with pytest.raises(CheckFailed):
        from_column(request_pb2.Column(name="surname"))
    column = AnswerColumn("surname", ColumnType.TEXT)
    assert from_column(to_column(column)) == column


async def test_an_answer_comes_back_as_it_was() -> None:
    assert await read_answer(stream(answer_parts(ANSWER))) == ANSWER


async def test_an_answer_without_rows_says_why() -> None:
    found = replace(ANSWER, batches=(), rows_opening=None, withheld_because="nsor is missing")
    assert await read_answer(stream(answer_parts(found))) == found


async def test_an_answer_that_is_not_whole_is_refused() -> None:
    parts = list(answer_parts(ANSWER))
    unknown = query_pb2.AnswerTrailer()
    unknown.CopyFrom(parts[-1].trailer)
    unknown.outcomes[0].outcome = query_pb2.OUTCOME_UNSPECIFIED
    for spoilt in (
        parts[:-1],
        parts[1:],
        [*parts, parts[0]],
        [*parts, parts[-1]],
        [query_pb2.AskResponse(), *parts],
        [*parts[:-1], query_pb2.AskResponse(trailer=unknown)],
        [],
    ):
        with pytest.raises(CheckFailed):
            await read_answer(stream(spoilt))


async def test_an_answer_over_the_cap_is_refused() -> None:
    assert await read_answer(stream(answer_parts(ANSWER)), max_bytes=6) == ANSWER
    with pytest.raises(AnswerTooLarge):
        await read_answer(stream(answer_parts(ANSWER)), max_bytes=5)


def test_a_question_comes_back_as_it_was() -> None:
    found = NodeQuestion(REQUEST, (BoundForm(0, b"{}", 2),))
    assert from_question(to_question(found)) == found
    with pytest.raises(MalformedRequest):
        from_question(to_question(replace(found, forms=found.forms * 201)))


async def test_a_node_answer_comes_back_as_it_was() -> None:
    assert await read_node_answer(stream(node_answer_parts(NODE_ANSWER))) == NODE_ANSWER


async def test_a_replayed_answer_is_its_receipt_alone() -> None:
    found = NodeAnswer((), NODE_ANSWER.as_of, RECEIPT, replayed=True)
    assert await read_node_answer(stream(node_answer_parts(found))) == found


async def test_a_node_answer_that_is_not_whole_is_refused() -> None:
    parts = list(node_answer_parts(NODE_ANSWER))
    extra = node_pb2.AnswerResponse(batch=node_pb2.FragmentBatch(fragment=2, batch=b"more"))
    timeless = node_pb2.NodeTrailer()
    timeless.CopyFrom(parts[-1].trailer)
    timeless.as_of_time.seconds = 2**60
    for spoilt in (
        parts[:-1],
        parts[1:],
        [*parts, parts[0]],
        [extra, *parts],
        [node_pb2.AnswerResponse(), *parts],
        [*parts[:-1], node_pb2.AnswerResponse(trailer=timeless)],
        [],
    ):
        with pytest.raises(CheckFailed):
            await read_node_answer(stream(spoilt))


def test_steps_without_end_are_refused() -> None:
    step = PlanStep("read")
    for _ in range(MAX_DEPTH + 1):
        step = PlanStep("query", inputs=(step,))
    deep = Explanation((), MergePlan("", "gateway", (step,)))
    with pytest.raises(CheckFailed):
        from_explanation(to_explanation(deep))


async def test_a_node_answer_over_the_cap_is_refused() -> None:
    with pytest.raises(CheckFailed):
        await read_node_answer(stream(node_answer_parts(NODE_ANSWER)), max_bytes=10)


async def test_a_node_answer_without_a_receipt_is_refused() -> None:
    parts = list(node_answer_parts(NODE_ANSWER))
    parts[-1].trailer.receipt = b""
    with pytest.raises(ProofInvalid):
        await read_node_answer(stream(parts))


def test_explanations_and_descriptions_come_back_as_they_were() -> None:
    plans = (PartPlan(NSOR, "f1", "SELECT", "", FULL), PartPlan(OSOR, "f1", "", "holds none"))
    inner = PlanStep("query", ("query_1",), (PlanStep("read", ("f2",)),))
    steps = (PlanStep("join", ("f1", "left join f2"), (inner,)), PlanStep("give"))
    explanation = Explanation(
        (
            *plans,
            PartPlan(NSOR, "f2", "", steps=steps, columns=(AnswerColumn("a", ColumnType.DATE),)),
        ),
        MergePlan("SELECT 1", "gateway", steps),
        (StaysAbove("upper(a) = 'A'", "because"),),
        "no holder answered",
    )
    assert from_explanation(to_explanation(explanation)) == explanation
    policy = PublishedPolicy(NSOR, 2, b"agency: nsor", b"\x08" * 64)
    gateway = GatewayDescription(
        "canada", MemberName("gateway"), b"{}", b'{"signed":1}', (policy,), "1"
    )
    assert from_description(to_description(gateway)) == gateway
    node = NodeDescription(b"{}", policy, b"note")
    assert from_node_description(to_node_description(node)) == node


SAID = Ruled("approve", "Insp. B. Tran", WHEN)
CASE = HeldCase(
    request=RequestId("ab" * 16),
    status="approved",
    agency=MemberName("vpd"),
    unit="homicide",
    purpose="licensing",
    form="lookup",
    authority="Act s.1",
    emergency=True,
    agreement="foreign",
    role="registrar",
    needed=2,
    held_at=WHEN,
    decide_by=WHEN + timedelta(hours=2),
    collect_by=WHEN + timedelta(hours=8),
    collections=3,
    rulings=(SAID,),
    sealed=(("officer", "4471"),),
    sql=("SELECT 1",),
)


@pytest.mark.parametrize("case", [CASE, replace(CASE, collect_by=None, rulings=(), sql=())])
def test_a_held_request_comes_back_as_it_was(case: HeldCase) -> None:
    assert from_held(to_held(case)) == case


def test_reviews_and_rulings_come_back_as_they_were() -> None:
    case = ReviewCase(
        RequestId("ab" * 16), "done", MemberName("vpd"), "", "licensing", "a", WHEN, WHEN, (SAID,)
    )
    assert from_review(to_review(case)) == case
    signed = SignedRuling(b"{}", b"\x01" * 64)
    assert from_ruling(to_ruling(signed)) == signed
    for body in (b"", b"x" * 1001):
        with pytest.raises(MalformedRequest):
            from_ruling(to_ruling(replace(signed, body=body)))
    message = to_held(CASE)
    message.held_time.seconds = 10**15
    with pytest.raises(CheckFailed):
        from_held(message)


def test_a_trace_comes_back_as_it_was() -> None:
    found = Trace("nsor.canada/ledger", (TracedEntry(RECEIPT, (ROWS,)),))
    message = to_trace(found)
    assert from_trace(message) == found
    message.entries[0].index = 4
    with pytest.raises(ProofInvalid):
        from_trace(message)


def test_hashes_of_a_proof_are_32_bytes() -> None:
    message = audit_pb2.ProveInclusionResponse(hashes=[b"\x01" * 32])
    assert from_hashes(message.hashes) == (b"\x01" * 32,)
    with pytest.raises(ProofInvalid):
        from_hashes([b"\x01" * 31])
