"""Notices: messages of `notice.proto` and values."""

from collections.abc import Iterable
from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp

from narrows.core.exchange import NoticeItem
from narrows.core.ledger.notice import decode_notice, encode_notice
from narrows.core.terms import REQUEST_ID, RequestId
from narrows.errors import CheckFailed, MalformedRequest
from narrows.wire.v1 import notice_pb2 as pb

MAX_INDEXES = 1000


def to_notices(found: Iterable[NoticeItem]) -> pb.FetchNoticesResponse:
    """The message of notices; `from_notices` undoes it."""
    return pb.FetchNoticesResponse(notices=[_to_notice(one) for one in found])


def from_notices(message: pb.FetchNoticesResponse) -> tuple[NoticeItem, ...]:
    """The notices that a holder gives. Raises: CheckFailed, ProofInvalid."""
    return tuple(_from_notice(one) for one in message.notices)


def from_taking(message: pb.AcknowledgeNoticesRequest) -> tuple[int, ...]:
    """The notices that are taken, by index, or none. Raises: MalformedRequest."""
    if len(message.indexes) > MAX_INDEXES:
        raise MalformedRequest(f"at most {MAX_INDEXES} notices are taken at a time")
    return tuple(message.indexes)


def _to_notice(found: NoticeItem) -> pb.Notice:
    time = Timestamp()
    time.FromDatetime(found.time.astimezone(UTC))
    return pb.Notice(
        index=found.index,
        notice_time=time,
        request_id=found.request,
        text=encode_notice(found.text),
    )


def _from_notice(message: pb.Notice) -> NoticeItem:
    text = decode_notice(message.text)
    if text is None or not REQUEST_ID.fullmatch(message.request_id):
        raise CheckFailed("a notice says nothing, or of no request")
    try:
        time = message.notice_time.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as cause:
        raise CheckFailed("a notice is of a time that is not on the calendar") from cause
    return NoticeItem(message.index, time, RequestId(message.request_id), text)
