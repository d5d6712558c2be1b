"""Notices pushed to a system of the holder's own: signed, tried again, never led elsewhere."""

import json
import os
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from narrows.core.exchange import NoticeItem
from narrows.core.ledger.entry import Kind
from narrows.core.ledger.notice import NoticeText, encode_notice
from narrows.core.ledger.parts import Notice, draft
from narrows.core.terms import Holder, MemberName, RequestId
from narrows.node.entering import NOTICE
from narrows.node.outbox import Outbox
from narrows.node.settings import WebhookSettings
from narrows.node.webhook import MOST_WAIT_S, Pushing, is_safe_url, posting_to, webhook_body
from narrows.store.files import DiskFiles
from narrows.store.keys import new_key
from narrows.store.ledger import Ledger, open_ledger

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
KEY = new_key("spvm.canada/ledger", seed=b"k" * 32)
SPVM, VPD = MemberName("spvm"), MemberName("vpd")
REQUEST = RequestId("ab" * 16)
TEXT = NoticeText(VPD, "sex-crimes", "4471", Holder("spvm"), {"file.contact": "514-555-0142"})


@dataclass
class Receiver:
    """A system that takes notices, with these statuses in turn; the last one stays."""

    statuses: list[int]
    got: list[tuple[str, bytes, str]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver([200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((self.path, body, self.headers["Narrows-Signature"]))
            status = found.statuses.pop(0) if len(found.statuses) > 1 else found.statuses[0]
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", found.url + "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    found = open_ledger(
        DiskFiles(tmp_path / "ledger"), KEY, clock=lambda: NOON, salt=lambda: os.urandom(32)
    )
    yield found
    await found.close()


async def notify(ledger: Ledger, text: NoticeText | None = TEXT) -> int:
    part = Notice(VPD, "deconfliction", 0, 0 if text is None else 1)
    return await ledger.append(draft(part, REQUEST, {NOTICE: encode_notice(text)}))


def pushing(ledger: Ledger, url: str) -> Pushing:
    outbox = Outbox(ledger, Holder("spvm"))
    return Pushing(outbox, SPVM, ledger.origin, KEY.sign, posting_to(url, 5))


async def test_a_notice_is_pushed_signed_and_its_delivery_entered(
    ledger: Ledger, receiver: Receiver
) -> None:
    index = await notify(ledger)
    nothing = await notify(ledger, None)
    found = pushing(ledger, receiver.url + "/notices?for=spvm")
    assert await found.push()
    ((path, body, signature),) = receiver.got
    assert path == "/notices?for=spvm"
    assert body == webhook_body(NoticeItem(index, NOON, REQUEST, TEXT), "spvm.canada/ledger")
    assert json.loads(body)["pointer"] == {"file.contact": "514-555-0142"}
    assert KEY.verifier.verify(b"narrows/webhook/v1\n" + body, bytes.fromhex(signature))
    (delivery,) = ledger.entries_of_kind(Kind.DELIVERY)
    assert ledger.entry(delivery).open == {
        "member": "spvm", "how": "pushed", "notices": [index, nothing],
    }  # fmt: skip
    # Once taken it does not come again, in this process or another.
    assert await found.push()
    assert await pushing(ledger, receiver.url).push()
    assert len(receiver.got) == 1
    # Pushing to the holder is no word to the requester.
    assert [one.index for one in await Outbox(ledger, Holder("spvm")).fetch(VPD)] == [index]


@pytest.mark.parametrize("status", [500, 404, 302, 307, 199 + 101])
async def test_what_is_not_taken_is_not_entered_and_tried_again(
    ledger: Ledger, receiver: Receiver, status: int
) -> None:
    await notify(ledger)
    receiver.statuses = [status, 204]
    found = pushing(ledger, receiver.url)
    assert not await found.push()
    assert ledger.entries_of_kind(Kind.DELIVERY) == ()
    assert await found.push()
    assert len(ledger.entries_of_kind(Kind.DELIVERY)) == 1
    # A redirect leads nowhere: both went to where the settings say.
    assert [path for path, _, _ in receiver.got] == ["/", "/"]


async def test_one_that_is_not_taken_does_not_keep_the_others_waiting(
    ledger: Ledger, receiver: Receiver
) -> None:
    await notify(ledger)
    second = await notify(ledger)
    receiver.statuses = [500, 200]
    assert not await pushing(ledger, receiver.url).push()
    (delivery,) = ledger.entries_of_kind(Kind.DELIVERY)
    assert ledger.entry(delivery).open["notices"] == [second]


@pytest.mark.parametrize("texts", [(TEXT,), (None,), (None, None), (TEXT, None)])
async def test_the_ledger_grows_alike_whether_anything_was_pointed_at(
    ledger: Ledger, receiver: Receiver, texts: tuple[NoticeText | None, ...]
) -> None:
    for text in texts:
        await notify(ledger, text)
    found = pushing(ledger, receiver.url)
    assert await found.push()
    assert await found.push()
    assert len(ledger.entries_of_kind(Kind.DELIVERY)) == 1
    assert len(receiver.got) == texts.count(TEXT)


async def test_what_says_nothing_waits_while_the_system_is_away(
    ledger: Ledger, receiver: Receiver
) -> None:
    both = [await notify(ledger), await notify(ledger, None)]
    receiver.statuses = [500, 200]
    found = pushing(ledger, receiver.url)
    assert not await found.push()
    assert ledger.entries_of_kind(Kind.DELIVERY) == ()
    assert await found.push()
    (delivery,) = ledger.entries_of_kind(Kind.DELIVERY)
    assert ledger.entry(delivery).open["notices"] == both


async def test_one_that_cannot_be_read_does_not_stop_the_others(
    ledger: Ledger, receiver: Receiver
) -> None:
    part = Notice(VPD, "deconfliction", 0, 1)
    await ledger.append(draft(part, REQUEST, {NOTICE: b"no notice"}))
    rest = [await notify(ledger), await notify(ledger, None)]
    assert not await pushing(ledger, receiver.url).push()
    assert len(receiver.got) == 1
    (delivery,) = ledger.entries_of_kind(Kind.DELIVERY)
    assert ledger.entry(delivery).open["notices"] == rest


async def test_a_system_that_is_away_is_no_failure_of_the_node(ledger: Ledger) -> None:
    await notify(ledger)
    assert not await pushing(ledger, "http://127.0.0.1:1").push()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/é", "https://.x/", f"https://{'a' * 70}.x/"])
async def test_a_url_that_cannot_be_asked_is_no_failure_of_the_node(
    ledger: Ledger, url: str
) -> None:
    await notify(ledger)
    assert not await pushing(ledger, url).push()


class _Enough(Exception):
    """The test has seen enough."""


async def test_tries_come_ever_later_and_soon_again_once_it_is_well(ledger: Ledger) -> None:
    await notify(ledger)
    slept: list[float] = []
    answers = [False] * 12 + [True, True]

    async def post(body: bytes, signature: bytes) -> bool:
        assert body
        assert signature
        return answers[len(slept)]

    async def sleep(delay_s: float) -> None:
        slept.append(delay_s)
        if len(slept) == 14:
            raise _Enough

    outbox = Outbox(ledger, Holder("spvm"))
    found = Pushing(outbox, SPVM, ledger.origin, KEY.sign, post, sleep)
    with pytest.raises(_Enough):
        await found.keep_pushing()
    assert slept[:3] == [2.0, 4.0, 8.0]
    assert slept[11] == MOST_WAIT_S
    assert slept[12:] == [1.0, 1.0]


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://notices.example.org/narrows", True),
        ("http://127.0.0.1:9000/notices", True),
        ("http://[::1]:9000/", True),
        ("http://notices.example.org/", False),
        ("http://localhost:9000/", False),
        ("http://127.0.0.1.example.org/", False),
        ("https://user:secret@example.org/", False),
        ("https://example.org/#part", False),
        ("https://example.org:port/", False),
        ("file:///etc/passwd", False),
        ("https://", False),
        ("https://example.org/é", False),
        ("https://exämple.org/", False),
        ("https://.x/", False),
        (f"https://{'a' * 70}.example.org/", False),
        ("", False),
    ],
)
def test_notices_go_by_https_or_to_this_machine(url: str, is_safe: bool) -> None:
    assert is_safe_url(url) == is_safe
    if is_safe:
        assert WebhookSettings(url=url).url == url
    else:
        with pytest.raises(ValidationError):
            WebhookSettings(url=url)
