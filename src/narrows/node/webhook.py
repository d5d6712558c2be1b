r"""Notices pushed to the holder's own system: one signed POST each, until it is taken.

The body is canonical JSON:

    {"v": "narrows/webhook/v1", "ledger": "spvm.canada/ledger", "notice": 71, "time": "…Z",
     "request": "<32 hex digits>", "requester": "vpd", "unit": "sex-crimes", "officer": "4471",
     "holder": "spvm", "pointer": {"file.unit": "Morals"}}

The header `Narrows-Signature` holds the Ed25519 signature in hexadecimal of
`b"narrows/webhook/v1\n"` followed by the body, under the key of the node's ledger, which the
directory names. A status of 200 to 299 takes the notice; then a DELIVERY is entered. A notice may
come twice (a crash between the two), so receivers go by `ledger` and `notice`. Redirects are not
followed: they would lead a notice elsewhere.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from urllib.parse import urlsplit

from narrows.core.canonical import canonical_bytes
from narrows.core.exchange import NoticeItem
from narrows.core.ledger.entry import format_time
from narrows.core.terms import MemberName
from narrows.errors import LedgerUnavailable, ProofInvalid
from narrows.node.outbox import MOST, PUSHED, Outbox

WEBHOOK_FORMAT = "narrows/webhook/v1"
SIGNATURE = "Narrows-Signature"
LOOK_S = 1.0
MOST_WAIT_S = 300.0
_DOMAIN = b"narrows/webhook/v1\n"
_LOGGER = logging.getLogger("narrows")
Post = Callable[[bytes, bytes], Awaitable[bool]]
"""Body, signature -> whether it was taken."""


@dataclass(frozen=True, slots=True)
class Pushing:
    """What pushes the notices of an outbox; `post`, `sign` and `sleep` come in."""

    outbox: Outbox
    holder: MemberName
    origin: str
    sign: Callable[[bytes], bytes]
    post: Post
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def keep_pushing(self) -> None:
        """Never returns: what is not taken is tried again, ever later, up to five minutes."""
        wait_s = LOOK_S
        while True:
            is_well = await self.push()
            if not is_well and wait_s == LOOK_S:
                _LOGGER.warning("the webhook does not take a notice")
            wait_s = LOOK_S if is_well else min(2 * wait_s, MOST_WAIT_S)
            await self.sleep(wait_s)

    async def push(self) -> bool:
        """Whether all that waits was taken; one that is not does not keep the others waiting."""
        try:
            waiting = self.outbox.waiting(self.holder, PUSHED)
            parts = [waiting[start : start + MOST] for start in range(0, len(waiting), MOST)]
            return all([await self._push_all(part) for part in parts])
        except (LedgerUnavailable, ProofInvalid):
            # The process says that it is not well; the notices will come once more.
            _LOGGER.warning("the ledger does not give notices, or take that they were pushed")
            return False

    async def _push_all(self, indexes: Sequence[int]) -> bool:
        """Whether all of them were taken; one entry says of all, whether they say something or not.

        What says nothing counts as taken once all that says something is, so that the ledger does
        not grow otherwise where nothing was pointed at.
        """
        taken: list[int] = []
        silent: list[int] = []
        refused: list[int] = []
        unread: list[int] = []
        for index in indexes:
            try:
                item = self.outbox.item(index)
            except (LedgerUnavailable, ProofInvalid):
                _LOGGER.warning("notice %d of the ledger cannot be read", index)
                unread.append(index)
                continue
            if item is None:
                silent.append(index)
                continue
            body = webhook_body(item, self.origin)
            is_taken = await self.post(body, self.sign(_DOMAIN + body))
            (taken if is_taken else refused).append(index)
        had = taken if refused else sorted(taken + silent)
        await self.outbox.deliver(had, self.holder, PUSHED)
        return not refused and not unread


def webhook_body(item: NoticeItem, origin: str) -> bytes:
    """The body of one notice."""
    text = item.text
    return canonical_bytes(
        {
            "v": WEBHOOK_FORMAT,
            "ledger": origin,
            "notice": item.index,
            "time": format_time(item.time),
            "request": item.request,
            "requester": text.requester,
            "unit": text.unit,
            "officer": text.officer,
            "holder": text.holder,
            "pointer": dict(text.pointer),
        }
    )


def is_safe_url(url: str) -> bool:
    """Whether a notice may go there: by https, or to this very machine; nothing else in the URL."""
    if not url.isascii():
        return False
    try:
        parts = urlsplit(url)
        _ = parts.port
        # What cannot be a name is found by looking it up, which is too late.
        (parts.hostname or "").encode("idna")
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.password or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def posting_to(url: str, timeout_s: float) -> Post:
    """What posts to that URL. Needs: `is_safe_url`."""

    async def post(body: bytes, signature: bytes) -> bool:
        return await asyncio.to_thread(_post, url, body, signature, timeout_s)

    return post


def _post(url: str, body: bytes, signature: bytes, timeout_s: float) -> bool:
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    connection: HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = HTTPSConnection(host, parts.port, timeout=timeout_s, context=context)
    else:
        connection = HTTPConnection(host, parts.port, timeout=timeout_s)
    headers = {"Content-Type": "application/json", SIGNATURE: signature.hex()}
    try:
        connection.request("POST", target, body, headers)
        return 200 <= connection.getresponse().status < 300
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()


def _is_loopback(host: str) -> bool:
    # By number: a name could come to mean another machine.
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
