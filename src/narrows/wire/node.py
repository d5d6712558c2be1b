"""Questions to a node and its answers: messages of `node.proto` and values.

for part in node_answer_parts(answer): yield part              # the node
answer = await read_node_answer(stub.Answer(to_question(q)))   # the gateway
"""

from collections.abc import AsyncIterable, Iterator
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from narrows.core.exchange import (
    BoundForm,
    FragmentAnswer,
    NodeAnswer,
    NodeDescription,
    NodeQuestion,
)
from narrows.core.publishing import PublishedPolicy
from narrows.core.terms import Holder
from narrows.errors import CheckFailed, MalformedRequest
from narrows.wire.request import (
    MAX_OPENINGS,
    from_decision,
    from_openings,
    from_receipt,
    from_request,
    to_decision,
    to_opening,
    to_receipt,
    to_request,
)
from narrows.wire.v1 import node_pb2 as pb

MAX_NODE_ANSWER_BYTES = 64_000_000
MAX_VERSIONS = 16
"""The most versions of a policy that are looked at beside the newest."""


def to_question(question: NodeQuestion) -> pb.AnswerRequest:
    """The message of a question; `from_question` undoes it."""
    return pb.AnswerRequest(
        request=to_request(question.request),
        bound=[
            pb.BoundForm(fragment=form.fragment, form=form.form, policy_version=form.policy_version)
            for form in question.forms
        ],
    )


def from_question(message: pb.AnswerRequest) -> NodeQuestion:
    """The question, not verified. Raises: MalformedRequest."""
    if len(message.bound) > MAX_OPENINGS:
        raise MalformedRequest(f"the question has over {MAX_OPENINGS} bound forms")
    return NodeQuestion(
        from_request(message.request),
        tuple(BoundForm(one.fragment, one.form, one.policy_version) for one in message.bound),
    )


def node_answer_parts(answer: NodeAnswer) -> Iterator[pb.AnswerResponse]:
    """Every batch of every fragment, then the trailer; `read_node_answer` undoes it."""
    for found in answer.fragments:
        for batch in found.batches:
            yield pb.AnswerResponse(batch=pb.FragmentBatch(fragment=found.fragment, batch=batch))
    as_of = Timestamp()
    as_of.FromDatetime(answer.as_of.astimezone(UTC))
    yield pb.AnswerResponse(
        trailer=pb.NodeTrailer(
            fragments=[
                pb.FragmentOutcome(
                    fragment=found.fragment,
                    decision=to_decision(found.decision),
                    row_count=found.row_count,
                    batch_count=len(found.batches),
                )
                for found in answer.fragments
            ],
            as_of_time=as_of,
            replayed=answer.replayed,
            receipt=to_receipt(answer.receipt),
            openings=[to_opening(found) for found in answer.openings],
        )
    )


async def read_node_answer(
    parts: AsyncIterable[pb.AnswerResponse], max_bytes: int = MAX_NODE_ANSWER_BYTES
) -> NodeAnswer:
    """The whole answer of a node, complete; nothing in it is verified yet.

    Raises: CheckFailed for an answer without a last trailer, whose batches do not fit it, or that is
    too large: a cap of the holder's own is an error of its own; ProofInvalid for no receipt.
    """
    batches: dict[int, list[bytes]] = {}
    trailer: pb.NodeTrailer | None = None
    size = 0
    async for part in parts:
        if trailer is not None:
            raise CheckFailed("the node went on after the end of its answer")
        match part.WhichOneof("part"):
            case "batch":
                size += len(part.batch.batch)
                batches.setdefault(part.batch.fragment, []).append(part.batch.batch)
            case "trailer":
                trailer = part.trailer
            case _:
                raise CheckFailed("the node sent a part that holds nothing")
        if size > max_bytes:
            raise CheckFailed(f"the node's answer is over {max_bytes} bytes")
    if trailer is None:
        raise CheckFailed("the node's answer is not whole")
    told = {one.fragment: one.batch_count for one in trailer.fragments if one.batch_count}
    if told != {fragment: len(found) for fragment, found in batches.items()}:
        raise CheckFailed("the node sent other batches than its trailer says")
    return NodeAnswer(
        fragments=tuple(
            FragmentAnswer(
                one.fragment,
                from_decision(one.decision),
                tuple(batches.get(one.fragment, ())),
                one.row_count,
            )
            for one in trailer.fragments
        ),
        as_of=_time(trailer.as_of_time),
        receipt=from_receipt(trailer.receipt),
        openings=from_openings(trailer.openings),
        replayed=trailer.replayed,
    )


def to_node_description(found: NodeDescription) -> pb.NodeServiceDescribeResponse:
    """The message of a description; `from_node_description` undoes it."""
    return pb.NodeServiceDescribeResponse(
        holder=found.policy.holder,
        catalog=found.catalog,
        policy=found.policy.text,
        policy_version=found.policy.version,
        policy_signature=found.policy.signature,
        checkpoint=found.checkpoint,
        others=[
            pb.PublishedVersion(
                policy=one.text, policy_version=one.version, policy_signature=one.signature
            )
            for one in found.others
        ],
    )


def from_node_description(message: pb.NodeServiceDescribeResponse) -> NodeDescription:
    """What the node says of itself; neither policy nor checkpoint is verified."""
    policy = PublishedPolicy(
        Holder(message.holder), message.policy_version, message.policy, message.policy_signature
    )
    others = tuple(
        PublishedPolicy(policy.holder, one.policy_version, one.policy, one.policy_signature)
        for one in message.others[:MAX_VERSIONS]
    )
    return NodeDescription(message.catalog, policy, message.checkpoint, others)


def _time(message: Timestamp) -> datetime:
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as cause:
        raise CheckFailed("the node states a time that is not on the calendar") from cause
