"""Held requests and reviews: messages of `held.proto` and values, both ways."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from narrows.core.exchange import HeldCase, Listing, ReviewCase, Ruled
from narrows.core.ruling import SignedRuling
from narrows.core.terms import MemberName, RequestId
from narrows.errors import CheckFailed, MalformedRequest
from narrows.wire.v1 import held_pb2 as pb

MAX_RULING_BYTES = 1_000


def to_held_list(found: Listing[HeldCase]) -> pb.ListHeldResponse:
    """The message of a list; `from_held_list` undoes it."""
    cases = [to_held(one) for one in found.cases]
    return pb.ListHeldResponse(cases=cases, more_count=found.more, unreadable=found.unreadable)


def from_held_list(message: pb.ListHeldResponse) -> Listing[HeldCase]:
    """The list, as the node tells it. Raises: CheckFailed."""
    cases = tuple(from_held(one) for one in message.cases)
    return Listing(cases, message.more_count, tuple(map(RequestId, message.unreadable)))


def to_review_list(found: Listing[ReviewCase]) -> pb.ListReviewsResponse:
    """The message of a list; `from_review_list` undoes it."""
    cases = [to_review(one) for one in found.cases]
    return pb.ListReviewsResponse(cases=cases, more_count=found.more, unreadable=found.unreadable)


def from_review_list(message: pb.ListReviewsResponse) -> Listing[ReviewCase]:
    """The list, as the node tells it. Raises: CheckFailed."""
    cases = tuple(from_review(one) for one in message.cases)
    return Listing(cases, message.more_count, tuple(map(RequestId, message.unreadable)))


def to_held(found: HeldCase) -> pb.HeldCase:
    """The message of a held request; `from_held` undoes it."""
    return pb.HeldCase(
        request_id=found.request,
        status=found.status,
        agency=found.agency,
        unit=found.unit,
        purpose=found.purpose,
        form=found.form,
        authority=found.authority,
        emergency=found.emergency,
        agreement=found.agreement,
        role=found.role,
        needed_count=found.needed,
        held_time=_stamp(found.held_at),
        decide_by_time=_stamp(found.decide_by),
        collect_by_time=None if found.collect_by is None else _stamp(found.collect_by),
        collection_count=found.collections,
        rulings=[_to_ruled(one) for one in found.rulings],
        sealed=[pb.SealedText(field=name, text=text) for name, text in found.sealed],
        sql=found.sql,
    )


def from_held(message: pb.HeldCase) -> HeldCase:
    """The held request, as the node tells it. Raises: CheckFailed."""
    is_set = message.HasField("collect_by_time")
    return HeldCase(
        request=RequestId(message.request_id),
        status=message.status,
        agency=MemberName(message.agency),
        unit=message.unit,
        purpose=message.purpose,
        form=message.form,
        authority=message.authority,
        emergency=message.emergency,
        agreement=message.agreement,
        role=message.role,
        needed=message.needed_count,
        held_at=_time(message.held_time),
        decide_by=_time(message.decide_by_time),
        collect_by=_time(message.collect_by_time) if is_set else None,
        collections=message.collection_count,
        rulings=tuple(_from_ruled(one) for one in message.rulings),
        sealed=tuple((one.field, one.text) for one in message.sealed),
        sql=tuple(message.sql),
    )


def to_review(found: ReviewCase) -> pb.ReviewCase:
    """The message of an emergency use; `from_review` undoes it."""
    return pb.ReviewCase(
        request_id=found.request,
        status=found.status,
        agency=found.agency,
        unit=found.unit,
        purpose=found.purpose,
        agreement=found.agreement,
        disclosed_time=_stamp(found.disclosed_at),
        due_time=_stamp(found.due),
        reviews=[_to_ruled(one) for one in found.reviews],
    )


def from_review(message: pb.ReviewCase) -> ReviewCase:
    """The emergency use, as the node tells it. Raises: CheckFailed."""
    return ReviewCase(
        request=RequestId(message.request_id),
        status=message.status,
        agency=MemberName(message.agency),
        unit=message.unit,
        purpose=message.purpose,
        agreement=message.agreement,
        disclosed_at=_time(message.disclosed_time),
        due=_time(message.due_time),
        reviews=tuple(_from_ruled(one) for one in message.reviews),
    )


def to_ruling(signed: SignedRuling) -> pb.RuleRequest:
    """The message of a signed ruling; `from_ruling` undoes it."""
    return pb.RuleRequest(body=signed.body, signature=signed.signature)


def from_ruling(message: pb.RuleRequest) -> SignedRuling:
    """The signed ruling, not verified. Raises: MalformedRequest."""
    if not message.body or len(message.body) > MAX_RULING_BYTES:
        raise MalformedRequest("the ruling is missing or too large")
    return SignedRuling(message.body, message.signature)


def _to_ruled(found: Ruled) -> pb.Ruled:
    return pb.Ruled(says=found.says, person=found.person, ruled_time=_stamp(found.ruled_at))


def _from_ruled(message: pb.Ruled) -> Ruled:
    return Ruled(message.says, message.person, _time(message.ruled_time))


def _stamp(time: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(time.astimezone(UTC))
    return found


def _time(message: Timestamp) -> datetime:
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as cause:
        raise CheckFailed("the node states a time that is not on the calendar") from cause
