"""The life of a serving process: listen, be well, drain, stop.

`run` starts a gRPC server with health and reflection, says that it is ready, waits for SIGTERM or
SIGINT, stops taking calls, and waits for what is under way.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH_NAME
from grpc_health.v1.health import aio as health  # type: ignore[attr-defined] # not in its stubs
from grpc_reflection.v1alpha import reflection

from narrows.errors import BadFederation, LedgerUnavailable
from narrows.serving.callers import Tally
from narrows.store.ledger import Ledger
from narrows.wire.status import expected
from narrows.wire.tls import server_credentials, server_options

TALLY_S = 60.0
WATCH_S = 0.5
T = TypeVar("T")


@dataclass(slots=True)
class Underway:
    """Work that goes on to its end although its caller has gone: it leaves no loose ends.

    A caller that hangs up in the middle would else leave an intent without an outcome.
    """

    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """What the work gives. A caller that is cancelled leaves the work running."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def drained(self, within_s: float) -> bool:
        """Whether all work ended in time."""
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=within_s)
        return not self._tasks

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        # Looked at, or asyncio would log the text of an error that nobody waited for.
        if not task.cancelled():
            task.exception()


class Service(Protocol):
    """One service of a server."""

    name: str
    """Its full name in the protos."""

    def add_to(self, server: grpc.aio.Server) -> None:
        """Nothing; the server answers for this service."""
        ...


@dataclass(frozen=True, slots=True)
class Serving:
    """What a process serves; `background` runs beside the server until it stops."""

    name: str
    identity: Path
    listen: str
    stop_s: float
    services: Sequence[Service]
    ledger: Ledger
    tally: Tally
    underway: Underway
    background: Sequence[Callable[[], Awaitable[None]]] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The full names of the services."""
        return tuple(service.name for service in self.services)


async def run(serving: Serving) -> None:
    """Nothing, when the process was asked to stop and has drained.

    Raises: BadFederation where it cannot listen; the error of a background work that failed: a
    process that no longer follows its directory stops, rather than serve whom it revoked.
    """
    log = logging.getLogger("narrows")
    server = grpc.aio.server(options=server_options())
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for service in serving.services:
        service.add_to(server)
    names = (*serving.names, HEALTH_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    try:
        port = server.add_secure_port(serving.listen, server_credentials(serving.identity))
    except RuntimeError as cause:
        raise _cannot_listen(serving) from cause
    if port == 0:
        raise _cannot_listen(serving)
    stopping = _stop_signal()
    await server.start()
    await _tell(checks, serving.names, well=True)
    log.info("serving on %s", serving.listen)
    beside = [asyncio.ensure_future(work()) for work in serving.background]
    beside += [
        asyncio.ensure_future(_keep_tally(serving)),
        asyncio.ensure_future(_watch(serving, checks)),
    ]
    for task in beside:
        task.add_done_callback(lambda ended: stopping.set() if _failure(ended) else None)
    await stopping.wait()
    log.info("stopping: no new calls are taken")
    await checks.enter_graceful_shutdown()
    await server.stop(serving.stop_s)
    if not await serving.underway.drained(serving.stop_s):
        log.warning("some calls did not end in time; they have no outcome")
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await _enter_tally(serving)
    for failure in filter(None, map(_failure, beside)):
        raise expected(failure) from failure


def _failure(ended: asyncio.Future[None]) -> Exception | None:
    error = None if ended.cancelled() else ended.exception()
    return error if isinstance(error, Exception) else None


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _tell(checks: health.HealthServicer, names: Sequence[str], *, well: bool) -> None:
    status = (
        health_pb2.HealthCheckResponse.SERVING
        if well
        else health_pb2.HealthCheckResponse.NOT_SERVING
    )
    for name in ("", *names):
        await checks.set(name, status)


async def _watch(serving: Serving, checks: health.HealthServicer) -> None:
    """Say that the process is not well as soon as its ledger takes no entries."""
    while not serving.ledger.failure:  # noqa: ASYNC110 - a thread sets it
        await asyncio.sleep(WATCH_S)
    await _tell(checks, serving.names, well=False)
    logging.getLogger("narrows").error(
        "the ledger takes no entries: mend the disk and start the process anew"
    )


async def _keep_tally(serving: Serving) -> None:
    while True:
        await asyncio.sleep(TALLY_S)
        await _enter_tally(serving)


async def _enter_tally(serving: Serving) -> None:
    try:
        await serving.tally.enter(serving.ledger)
    except LedgerUnavailable:
        logging.getLogger("narrows").warning("counts of callers could not be entered")


def _cannot_listen(serving: Serving) -> BadFederation:
    return BadFederation(
        f"`{serving.name}` cannot listen on `{serving.listen}`",
        hint="another process may have the port: `narrows status` shows who serves",
    )
