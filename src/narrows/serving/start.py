"""What every serving process opens before it serves: directory, ledger, telemetry; then it serves."""

import logging
import os
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from narrows.core.directory import Directory, DirectoryKey, ledger_name
from narrows.core.ledger.parts import Outcome, Started, draft
from narrows.core.policy.model import Policy
from narrows.errors import BadFederation
from narrows.folder.load import Federation
from narrows.serving.callers import Callers, Tally
from narrows.serving.members import Members
from narrows.serving.server import Service, Serving, Underway, run
from narrows.serving.service import Auditing, AuditServicer
from narrows.serving.settings import ProcessSettings
from narrows.store.files import DiskFiles
from narrows.store.keys import load_key
from narrows.store.ledger import Ledger, open_ledger
from narrows.telemetry.setup import Telemetry, start_telemetry

SALT_BYTES = 32
MOST_FILES = 65_536


@dataclass(frozen=True, slots=True)
class Base:
    """The common parts of a process; `opened_at` is its start."""

    members: Members
    ledger: Ledger
    telemetry: Telemetry
    callers: Callers
    tally: Tally
    underway: Underway
    clock: Callable[[], datetime]
    opened_at: datetime

    @property
    def directory(self) -> Callable[[], Directory]:
        """What gives the directory in force."""
        return self.members.current


def raise_file_limit() -> None:
    """Nothing; the process may open as many files as the system lets it, connections included."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def open_base(
    settings: ProcessSettings, federation: Federation, name: str
) -> AsyncIterator[Base]:
    """The common parts, closed in the end.

    Raises: BadFederation, LedgerUnavailable, ProofInvalid: the process does not start.
    """
    members = Members(
        settings.directory,
        DirectoryKey(bytes.fromhex(settings.root_key)),
        settings.home / "directory.epoch",
        now,
    )
    _check_directory(members.current(), federation)
    key = load_key(settings.home / "ledger.key", ledger_name(federation.name, name))
    ledger = open_ledger(DiskFiles(settings.home / "ledger"), key, clock=now, salt=_salt)
    telemetry = start_telemetry(f"narrows.{name}", settings.home)
    tally = Tally(now)
    callers = Callers(
        federation.name,
        members.current,
        tally,
        settings.calls_per_caller,
        settings.calls_at_once,
    )
    try:
        yield Base(members, ledger, telemetry, callers, tally, Underway(), now, now())
    finally:
        telemetry.close()
        await ledger.close()


async def serve(
    base: Base,
    settings: ProcessSettings,
    name: str,
    services: Sequence[Service],
    background: Sequence[Callable[[], Awaitable[None]]] = (),
) -> None:
    """Nothing, when the process was asked to stop; beside its services, auditors are answered.

    Raises: as `run`.
    """
    auditor = AuditServicer(Auditing(base.ledger, base.callers))
    await run(
        Serving(
            name=name,
            identity=settings.home,
            listen=settings.listen,
            stop_s=settings.stop_s,
            services=(*services, auditor),
            ledger=base.ledger,
            tally=base.tally,
            underway=base.underway,
            background=background,
        )
    )


async def enter_start(base: Base, federation: Federation, policy: Policy | None = None) -> None:
    """Nothing, when it is durable that this process serves, and what a crash had cut off.

    Raises: LedgerUnavailable.
    """
    log = logging.getLogger("narrows")
    repaired = base.ledger.recovery.found
    for line in repaired:
        log.warning("the ledger was mended: %s", line)
    part = Started(
        version=version("narrows"),
        catalog=federation.catalog.digest,
        directory_epoch=base.directory().epoch,
        policy_version=None if policy is None else policy.version,
        policy=None if policy is None else policy.digest,
        repaired=repaired,
    )
    await base.ledger.append(draft(part))
    for request in base.ledger.unfinished():
        log.warning("request %s was cut off: it has an intent and had no outcome", request)
        cut_off = Outcome(
            outcome="cut off",
            reason="the gateway stopped before this request had an outcome",
            complete=False,
            column_count=0,
            row_count=0,
            holders=(),
            caveats=(),
        )
        await base.ledger.append(draft(cut_off, request))


def _check_directory(directory: Directory, federation: Federation) -> None:
    if directory.federation != federation.name:
        raise BadFederation("the directory is of another federation than the folder")
    if directory.catalog != federation.catalog.digest:
        raise BadFederation(
            "the directory was signed for another catalog than that of the folder",
            hint="publish a directory for the changed catalog: run `narrows up` again",
            file="catalog.yaml",
        )


def _salt() -> bytes:
    return os.urandom(SALT_BYTES)
