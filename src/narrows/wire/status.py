"""Errors as gRPC status and back: the one table, and the only place that knows the codes.

An error travels as `google.rpc.Status` with `ErrorInfo` (reason, domain, metadata) and, where
trying again may help, `RetryInfo`. What is not one of `narrows.errors` never tells the caller
anything: it becomes `CHECK_FAILED` with a fixed text.
"""

import logging
import traceback
from collections.abc import Mapping
from typing import Final, NoReturn, Protocol, cast

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from narrows import errors
from narrows.errors import NarrowsError

DOMAIN = "narrows"
RETRY_AFTER_MS = "retryAfterMs"
"""The metadata key under which an error says when to try again; 1,000 where it does not."""
_HINT = "hint"
_MAX_TEXT = 1_000
"""Characters of a message or hint: headers of 8 KB and more are refused by peers."""
_MAX_METADATA = 16

CODES: Final[Mapping[type[NarrowsError], grpc.StatusCode]] = {
    errors.MalformedQuery: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnsupportedQuery: grpc.StatusCode.INVALID_ARGUMENT,
    errors.MalformedRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnknownCaller: grpc.StatusCode.UNAUTHENTICATED,
    errors.DisclosureDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.ObligationUnenforceable: grpc.StatusCode.FAILED_PRECONDITION,
    errors.CatalogChanged: grpc.StatusCode.ABORTED,
    errors.PolicyChanged: grpc.StatusCode.ABORTED,
    errors.PlannerDiffers: grpc.StatusCode.ABORTED,
    errors.BudgetSpent: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.NodeUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.LedgerUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.RequestReplayed: grpc.StatusCode.FAILED_PRECONDITION,
    errors.RequestExpired: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.AnswerIncomplete: grpc.StatusCode.FAILED_PRECONDITION,
    errors.AnswerTooLarge: grpc.StatusCode.RESOURCE_EXHAUSTED,
    # Stops a start, hence rarely travels: only where a file was spoilt under a running process.
    errors.BadFederation: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DeadlinePassed: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.CheckFailed: grpc.StatusCode.INTERNAL,
    errors.ProofInvalid: grpc.StatusCode.DATA_LOSS,
}
RETRIED: Final = (errors.NodeUnavailable, errors.LedgerUnavailable, errors.Overloaded)
_PLAIN: Final[Mapping[grpc.StatusCode, tuple[type[NarrowsError], str]]] = {
    grpc.StatusCode.UNAVAILABLE: (errors.NodeUnavailable, "the peer cannot be reached"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (errors.DeadlinePassed, "no answer within the deadline"),
    grpc.StatusCode.CANCELLED: (errors.DeadlinePassed, "the call was given up"),
    grpc.StatusCode.UNAUTHENTICATED: (errors.UnknownCaller, "the peer does not know the caller"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (errors.AnswerTooLarge, "a message is over its limit"),
    grpc.StatusCode.UNIMPLEMENTED: (errors.CheckFailed, "the peer lacks this method"),
}


class Aborting(Protocol):
    """What of a server's call context is needed to end it with an error."""

    async def abort(
        self,
        code: grpc.StatusCode,
        details: str = "",
        trailing_metadata: grpc.aio.Metadata | tuple[tuple[str, str | bytes], ...] = (),
    ) -> NoReturn:
        """Ends the call."""
        ...


async def abort(context: Aborting, error: Exception) -> NoReturn:
    """Never returns: the call ends with the error's status, an unexpected one as CHECK_FAILED."""
    status = rpc_status.to_status(rich_status(expected(error)))
    await context.abort(status.code, status.details, tuple(status.trailing_metadata))


def expected(error: Exception) -> NarrowsError:
    """The error itself, or CheckFailed for one that nobody foresaw, which is logged.

    Only its class and the places it passed are logged: the text of an engine's error may quote
    rows.
    """
    if isinstance(error, NarrowsError):
        return error
    places = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    logging.getLogger("narrows").error(
        "unforeseen %s at %s", type(error).__name__, " < ".join(reversed(places))
    )
    return errors.CheckFailed("an unforeseen fault; no rows are given", hint="report it")


def rich_status(error: NarrowsError) -> Status:
    """The status with its details; `error_of` undoes it."""
    metadata = {name: _clip(value) for name, value in error.metadata.items()}
    if error.hint:
        metadata[_HINT] = _clip(error.hint)
    details = [_packed(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))]
    if isinstance(error, RETRIED):
        delay = Duration()
        delay.FromMilliseconds(_delay_ms(error.metadata))
        details.append(_packed(RetryInfo(retry_delay=delay)))
    code: int = CODES[type(error)].value[0]
    return Status(code=code, message=_clip(error.message), details=details)


def error_of(failure: grpc.aio.AioRpcError) -> NarrowsError:
    """The error that the peer raised; by its code alone where it came without details."""
    info = _info_of(failure)
    found = None if info is None else _class_of(info.reason)
    if info is None or found is None:
        known, message = _PLAIN.get(
            failure.code(), (errors.CheckFailed, "the peer failed and does not say why")
        )
        return known(message)
    pairs = sorted(info.metadata.items())[:_MAX_METADATA]
    metadata = {name: _clip(value) for name, value in pairs if name != _HINT}
    error = found(_clip(failure.details() or ""), hint=_clip(info.metadata.get(_HINT, "")))
    error.metadata.update(metadata)
    if isinstance(error, errors.MalformedQuery | errors.UnsupportedQuery):
        position = metadata.get("position", "")
        error.position = int(position) if position.isdecimal() and position.isascii() else None
    return error


def _info_of(failure: grpc.aio.AioRpcError) -> ErrorInfo | None:
    """The details of the status; None where there are none, or they do not parse."""
    try:
        status = rpc_status.from_call(cast("grpc.Call", failure))
        for detail in () if status is None else status.details:
            info = ErrorInfo()
            if detail.Is(ErrorInfo.DESCRIPTOR) and detail.Unpack(info) and info.domain == DOMAIN:
                return info
    except Exception as cause:  # noqa: BLE001 - a peer's bytes; the parser's errors share no base
        logging.getLogger("narrows").warning("a peer's status is no status: %s", type(cause))
    return None


def _class_of(reason: str) -> type[NarrowsError] | None:
    return next((found for found in CODES if found.reason == reason), None)


def _delay_ms(metadata: Mapping[str, str]) -> int:
    text = metadata.get(RETRY_AFTER_MS, "")
    return int(text) if text.isdecimal() else 1_000


def _packed(message: ErrorInfo | RetryInfo) -> Any:
    found = Any()
    found.Pack(message)
    return found


def _clip(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
