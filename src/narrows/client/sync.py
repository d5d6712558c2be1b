"""The client without `await`: the same calls, run on an event loop in a thread of its own."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar, Unpack

from narrows.client.answer import Answer
from narrows.client.connect import GATEWAY, Client, connect
from narrows.client.credential import Credential
from narrows.client.question import How, Values
from narrows.core.exchange import Explanation

T = TypeVar("T")


@contextmanager
def connect_sync(
    endpoint: str,
    *,
    credential: Credential,
    gateway: str = GATEWAY,
    journal: Path | None = None,
) -> Iterator["SyncClient"]:
    """A client as `connect` gives it, for programs without an event loop. Raises: as `connect`."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="narrows-client", daemon=True)
    thread.start()
    connecting = connect(endpoint, credential=credential, gateway=gateway, journal=journal)
    try:
        client = SyncClient(_run(loop, connecting.__aenter__()), loop)
        try:
            yield client
        finally:
            _run(loop, connecting.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class SyncClient:
    """A `Client` whose calls block; made by `connect_sync`."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self.federation = client.federation
        self._client = client
        self._loop = loop

    def ask(self, sql: str, params: Values | None = None, **how: Unpack[How]) -> Answer:
        """As `Client.ask`, with the same arguments by name."""
        return _run(self._loop, self._client.ask(sql, params, **how))

    def explain(self, sql: str, params: Values | None = None, **how: Unpack[How]) -> Explanation:
        """As `Client.explain`, with the same arguments by name."""
        return _run(self._loop, self._client.explain(sql, params, **how))


def _run(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run_coroutine_threadsafe(work, loop).result()
