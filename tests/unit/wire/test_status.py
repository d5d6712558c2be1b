"""Every error comes back as it was; what is no status of ours is told by its code."""

import logging
from collections.abc import Iterator
from typing import NoReturn

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from narrows import errors
from narrows.errors import BadFederation, CheckFailed, MalformedQuery, NarrowsError, Overloaded
from narrows.wire.status import CODES, RETRIED, abort, error_of, expected, rich_status

DETAILS = "grpc-status-details-bin"


def classes(base: type[NarrowsError]) -> Iterator[type[NarrowsError]]:
    """Every class that says a reason, wherever it hangs in the tree."""
    for kind in base.__subclasses__():
        if "reason" in vars(kind):
            yield kind
        yield from classes(kind)


ALL = sorted(set(classes(NarrowsError)), key=lambda kind: kind.__name__)


def failure(
    code: grpc.StatusCode, text: str = "", details: bytes | None = None
) -> grpc.aio.AioRpcError:
    pairs = () if details is None else ((DETAILS, details),)
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(), grpc.aio.Metadata(*pairs), text, debug_error_string=""
    )


def travelled(status: Status) -> NarrowsError:
    sent = rpc_status.to_status(status)
    return error_of(failure(sent.code, sent.details, status.SerializeToString()))


def delay_ms(status: Status) -> int | None:
    for detail in status.details:
        found = RetryInfo()
        if detail.Unpack(found):
            return int(found.retry_delay.ToMilliseconds())
    return None


def test_every_class_has_a_code_and_a_reason_of_its_own() -> None:
    assert set(CODES) == set(ALL)
    assert len({kind.reason for kind in ALL}) == len(ALL)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_comes_back_as_it_was(kind: type[NarrowsError]) -> None:
    error = kind("the column `a` is not shown", hint="ask for `b`")
    error.metadata["policyVersion"] = "3"
    found = travelled(rich_status(error))
    assert type(found) is kind
    assert (found.message, found.hint, str(found)) == (error.message, error.hint, str(error))
    assert found.metadata == error.metadata


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_only_what_may_pass_says_when_to_try_again(kind: type[NarrowsError]) -> None:
    assert delay_ms(rich_status(kind("no"))) == (1_000 if kind in RETRIED else None)


@pytest.mark.parametrize(("text", "expected_ms"), [("250", 250), ("soon", 1_000)])
def test_the_delay_is_that_of_the_metadata(text: str, expected_ms: int) -> None:
    error = Overloaded("too many requests", metadata={"retryAfterMs": text})
    assert delay_ms(rich_status(error)) == expected_ms


def test_a_position_comes_back() -> None:
    found = travelled(rich_status(MalformedQuery("no relation `persn`", position=14)))
    assert isinstance(found, MalformedQuery)
    assert found.position == 14


def test_a_position_that_is_none_is_dropped() -> None:
    found = travelled(rich_status(MalformedQuery("no", metadata={"position": "here"})))
    assert isinstance(found, MalformedQuery)
    assert found.position is None


def test_file_and_line_come_back_as_metadata() -> None:
    found = travelled(rich_status(BadFederation("no such purpose", file="a.yaml", line=7)))
    assert str(found) == "a.yaml:7: no such purpose"
    assert found.metadata == {"file": "a.yaml", "line": "7"}


def test_long_texts_are_cut() -> None:
    found = travelled(rich_status(CheckFailed("x" * 2_000, hint="y" * 2_000)))
    assert (len(found.message), len(found.hint)) == (1_000, 1_000)
    assert found.message.endswith("…")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.NodeUnavailable),
        (grpc.StatusCode.CANCELLED, errors.DeadlinePassed),
        (grpc.StatusCode.DEADLINE_EXCEEDED, errors.DeadlinePassed),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.AnswerTooLarge),
        (grpc.StatusCode.UNAUTHENTICATED, errors.UnknownCaller),
        (grpc.StatusCode.UNKNOWN, errors.CheckFailed),
    ],
)
def test_a_status_without_details_is_told_by_its_code(
    code: grpc.StatusCode, kind: type[NarrowsError]
) -> None:
    found = error_of(failure(code, "text of the peer"))
    assert type(found) is kind
    assert "text of the peer" not in str(found)


def test_an_unknown_reason_is_told_by_its_code() -> None:
    status = rich_status(errors.NodeUnavailable("no"))
    status.details[0].value = status.details[0].value.replace(b"NODE_UNAV", b"NODE_XXXX")
    assert str(travelled(status)) == "the peer cannot be reached"


def test_details_that_do_not_parse_count_for_nothing() -> None:
    found = error_of(failure(grpc.StatusCode.UNAVAILABLE, "no", b"\xff\xff"))
    assert type(found) is errors.NodeUnavailable


def test_what_was_foreseen_stays() -> None:
    error = CheckFailed("no")
    assert expected(error) is error


async def test_the_unforeseen_is_told_and_logged_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Ended(Exception):
        """The call's end."""

    class Context:
        """Keeps what the call ended with."""

        said = ""
        code = grpc.StatusCode.OK

        async def abort(
            self,
            code: grpc.StatusCode,
            details: str = "",
            trailing_metadata: grpc.aio.Metadata | tuple[tuple[str, str | bytes], ...] = (),
        ) -> NoReturn:
            self.said, self.code = f"{details} {trailing_metadata!r}", code
            raise Ended

    context = Context()
    with caplog.at_level(logging.ERROR, logger="narrows"), pytest.raises(Ended):
        await abort(context, ValueError("passport ZZ12345"))
    assert context.code is grpc.StatusCode.INTERNAL
    assert "unforeseen fault" in context.said
    assert "ZZ12345" not in context.said + caplog.text
    assert "ValueError" in caplog.text
