"""One small federation for tests of what stands around the walk: keys, directory, ledgers.

Two holders, `nsor` and `osor`, of one relation; `osor` also holds vehicles. `vpd` asks, `opc`
audits. Everything is real but the sockets; the clock goes on by a millisecond at every look.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from narrows.client.credential import RequestKey
from narrows.client.question import Ask, make_ask
from narrows.client.sign import Requesting, sign_request
from narrows.core.admission import Admitted, Door, admit
from narrows.core.catalog import HOLDER, Catalog, Column, Relation
from narrows.core.directory import (
    Directory,
    DirectoryKey,
    DirectoryMember,
    Endpoint,
    Peer,
    encode_directory,
    ledger_name,
)
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.publishing import PublishedPolicy, policy_bytes
from narrows.core.request import SignedRequest, decode_header
from narrows.core.terms import ColumnName, ColumnType, Holder, MemberName, RelationName
from narrows.store.files import DiskFiles
from narrows.store.keys import SigningKey, VerifyingKey, new_key, verify_signature
from narrows.store.ledger import Ledger, open_ledger

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FEDERATION = "canada"
NSOR, OSOR = Holder("nsor"), Holder("osor")
VPD, OPC, GATEWAY = MemberName("vpd"), MemberName("opc"), MemberName("gateway")
CLASSES = {VPD: "municipal", OPC: "auditor", NSOR: "federal", OSOR: "provincial"}


def key_of(name: str) -> SigningKey:
    """A key that only this name has."""
    return new_key(name, seed=sha256(name.encode()).digest())


def public(key: SigningKey) -> DirectoryKey:
    return DirectoryKey(key.verifier.public_key)


ROOT = key_of("canada/root")
LEDGER_KEYS = {name: key_of(ledger_name(FEDERATION, name)) for name in (GATEWAY, NSOR, OSOR)}
VERIFIERS: Mapping[str, VerifyingKey] = {name: key.verifier for name, key in LEDGER_KEYS.items()}
REQUEST_KEYS = {name: RequestKey(key_of(f"{name} asks")) for name in CLASSES}
POLICY_KEYS = {name: key_of(f"{name} publishes") for name in (NSOR, OSOR)}


def _relation(name: str, columns: str) -> Relation:
    pairs = [text.partition(":") for text in columns.split()]
    found = tuple(
        Column(ColumnName(one), ColumnType(kind or "text"), is_id=one.endswith("_id"))
        for one, _, kind in pairs
    )
    return Relation(RelationName(name), (HOLDER, *found), (found[0].name,))


PERSON = _relation("person", "person_id document surname postal_code")
VEHICLE = _relation("vehicle", "vehicle_id plate seen_on:date")
CATALOG = Catalog(
    federation=FEDERATION,
    version=1,
    zone="America/Toronto",
    purposes=("investigation", "licensing"),
    relations={one.name: one for one in (PERSON, VEHICLE)},
    holds={NSOR: frozenset({PERSON.name}), OSOR: frozenset({PERSON.name, VEHICLE.name})},
)
POLICY = """
agency: {holder}
version: {version}
effective: 2026-01-01
agreements:
  - id: investigation
    authority: Act 16(2)
    with: {{classes: [municipal]}}
    purposes: [investigation]
    requires: [officer]
    valid: {{from: 2026-01-01}}
    lookup:
      by: [[person.document]]
      at_most: {{rows: 5, literals: 2}}
      link: [person]
      show: {{person: {{surname: as is, postal_code: first 3}}}}
    caveats: ["{holder}: once only"]
"""
SQL = "SELECT p.holder, p.surname, p.postal_code FROM person p WHERE p.document = :document"


def policy_text(holder: str, version: int = 1) -> bytes:
    return POLICY.format(holder=holder, version=version).encode()


def policy_of(holder: str, version: int = 1) -> Policy:
    return parse_policy(policy_text(holder, version).decode(), CATALOG, f"{holder}.yaml")


def published(holder: Holder, version: int = 1, text: bytes | None = None) -> PublishedPolicy:
    """The policy of a holder as it signed it."""
    text = policy_text(holder, version) if text is None else text
    return PublishedPolicy(holder, version, text, POLICY_KEYS[holder].sign(policy_bytes(text)))


def directory(epoch: int = 1, addresses: Mapping[str, str] | None = None) -> Directory:
    """A directory that lasts a day."""

    def endpoint(name: str) -> Endpoint:
        address = (addresses or {}).get(name, f"127.0.0.1:{7000 + len(name)}")
        return Endpoint(address, public(LEDGER_KEYS[MemberName(name)]))

    return Directory(
        federation=FEDERATION,
        epoch=epoch,
        issued_at=NOW - timedelta(hours=1),
        expires_at=NOW + timedelta(days=1),
        catalog=CATALOG.digest,
        auditors=frozenset({"auditor"}),
        members={
            MemberName(name): DirectoryMember(
                MemberName(name),
                member_class,
                "CAN",
                (public(REQUEST_KEYS[name].key),),
                public(POLICY_KEYS[Holder(name)]) if name in POLICY_KEYS else None,
                endpoint(name) if name in POLICY_KEYS else None,
            )
            for name, member_class in CLASSES.items()
        },
        gateways={GATEWAY: endpoint(GATEWAY)},
    )


def signed(found: Directory, root: SigningKey = ROOT) -> bytes:
    """The directory's file."""
    return encode_directory(found, public(root), root.sign)


@dataclass(slots=True)
class Clock:
    """A clock that goes on by a millisecond at every look."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass(frozen=True, slots=True)
class Context:
    """What a server's call context shows of the caller's certificate."""

    uri: str
    version: str = "TLSv1.3"

    def auth_context(self) -> Mapping[str, list[bytes]]:
        return {"ssl_tls_version": [self.version.encode()], "peer_uri": [self.uri.encode()]}


def calling(name: str, role: str = "member", federation: str = FEDERATION) -> Context:
    return Context(Peer(federation, role, MemberName(name)).uri)


DOOR = Door(CATALOG, frozenset({GATEWAY}), PLANNER_VERSION, NOW - timedelta(hours=1))


def question(sql: str = SQL, **how: object) -> Ask:
    """A question about one document."""
    found = make_ask(
        sql,
        {"document": "ZZ123456"} if ":document" in sql else {},
        purpose="investigation",
        officer="4471",
    )
    return replace(found, **how)  # type: ignore[arg-type]


def requesting(agency: str = VPD, clock: Clock | None = None) -> Requesting:
    key = REQUEST_KEYS[MemberName(agency)]
    ticking = clock or Clock()
    return Requesting(MemberName(agency), GATEWAY, CATALOG, key, PlanCache(), ticking, os.urandom)


def sign(ask: Ask | None = None, agency: str = VPD) -> SignedRequest:
    """A freshly signed request."""
    return sign_request(ask or question(), requesting(agency))


def admitted(request: SignedRequest) -> Admitted:
    """The request, let in at the moment at which it was issued."""
    issued_at = decode_header(request.header).issued_at
    return admit(request, DOOR, directory(), verify_signature, issued_at)


@dataclass(frozen=True, slots=True)
class World:
    """The ledgers of gateway and holders, open."""

    folder: Path
    clock: Clock
    ledgers: Mapping[str, Ledger] = field(default_factory=dict[str, Ledger])


def open_world_ledger(folder: Path, name: str, clock: Clock) -> Ledger:
    """The ledger of that name, in a folder of its own."""
    key = LEDGER_KEYS[MemberName(name)]
    files = DiskFiles(folder / name / "ledger")
    return open_ledger(files, key, clock=clock, salt=lambda: os.urandom(32))


@asynccontextmanager
async def opened_world(folder: Path) -> AsyncIterator[World]:
    """A world whose ledgers are closed in the end."""
    clock = Clock()
    ledgers = {name: open_world_ledger(folder, name, clock) for name in LEDGER_KEYS}
    try:
        yield World(folder, clock, {str(name): one for name, one in ledgers.items()})
    finally:
        for one in ledgers.values():
            await one.close()
