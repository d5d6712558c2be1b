"""A federation of two holders in one process: real engines, real ledgers on disk, real keys.

Only the sockets are left out: the gateway reaches a node through the same protocol, `Node`.
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from narrows.client.credential import RequestKey
from narrows.client.question import Ask, typed
from narrows.client.sign import Requesting, sign_request
from narrows.core.admission import Door
from narrows.core.answer import Answer
from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.directory import Directory, DirectoryKey, DirectoryMember, Endpoint
from narrows.core.exchange import NodeAnswer, NodeQuestion
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.policy.finish import no_pseudonym
from narrows.core.policy.language import parse_policy
from narrows.core.request import SignedRequest
from narrows.core.terms import (
    ColumnName,
    ColumnType,
    Holder,
    MemberName,
    Purpose,
    RelationName,
    Scalar,
)
from narrows.engines.duckdb import open_duckdb
from narrows.engines.merge_pool import MergePool
from narrows.engines.protocol import Engine
from narrows.engines.sqlite import open_sqlite
from narrows.gateway.answer import GatewayParts, answer
from narrows.gateway.exchange import Exchange, Node
from narrows.node.answer import Arrival, NodeParts
from narrows.node.answer import answer as node_answer
from narrows.store.files import DiskFiles
from narrows.store.keys import SigningKey, VerifyingKey, new_key
from narrows.store.ledger import Ledger, open_ledger
from narrows.telemetry.setup import start_telemetry

NSOR, OSOR, VPD, DESK = Holder("nsor"), Holder("osor"), MemberName("vpd"), MemberName("licensing")
GATEWAY = MemberName("gateway")
TEXT = ColumnType.TEXT


def _relation(name: str, columns: str, key: str, *, refers: bool = True) -> Relation:
    names = [ColumnName(column) for column in columns.split()]
    found = tuple(Column(column, TEXT, is_id=column.endswith("_id")) for column in names)
    references = (Reference((ColumnName("person_id"),), RelationName("person")),) if refers else ()
    return Relation(RelationName(name), (HOLDER, *found), (ColumnName(key),), references)


PERSON = "person_id surname residence_postal record_status"
RELATIONS = (
    _relation("person", PERSON, "person_id", refers=False),
    _relation("identifier", "identifier_id person_id ident_type ident_value", "identifier_id"),
    _relation("offender_registration", "registration_id person_id reg_status", "registration_id"),
)
CATALOG = Catalog(
    federation="canada",
    version=1,
    zone="America/Toronto",
    purposes=("licensing", "sexual_crime_investigation"),
    relations={found.name: found for found in RELATIONS},
    holds={holder: frozenset(found.name for found in RELATIONS) for holder in (NSOR, OSOR)},
)
POLICY = """
agency: {holder}
version: 1
effective: 2026-03-26
never:
  - rows: {{person: {{record_status: {{in: [SUSPENDED, SEALED]}}}}}}
    because: Criminal Records Act s.6
agreements:
  - id: sexual-crime-investigation
    authority: SOIRA 16(2)(a)
    with: {{classes: [municipal]}}
    purposes: [sexual_crime_investigation]
    requires: [case_number, officer, grounds]
    valid: {{from: 2026-03-26}}
    lookup:
      by: [[identifier.ident_type, identifier.ident_value]]
      at_most: {{rows: 5, literals: 2}}
      link: [person, identifier, offender_registration]
      show:
        person: {{surname: as is, residence_postal: first 3}}
        offender_registration: {{reg_status: as is}}
    caveats: ["SOIRA 16(5): no onward use"]
"""
ROWS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "person": (
        ("9", "Tremblay", "M4C1B5", "ACTIVE"),
        ("10", "Roy", "H2X0A9", "SUSPENDED"),
    ),
    "identifier": (
        ("1", "9", "PASSPORT", "ZZ123456"),
        ("2", "10", "PASSPORT", "ZZ654321"),
    ),
    "offender_registration": (("1", "9", "ACTIVE"), ("2", "10", "ACTIVE")),
}
QUESTION = """
SELECT p.holder, p.surname, p.residence_postal, r.reg_status
FROM person p JOIN identifier i USING (holder, person_id)
JOIN offender_registration r USING (holder, person_id)
WHERE i.ident_type = 'PASSPORT' AND i.ident_value = :document
"""
GIVEN = {
    "officer": "officer-4471",
    "grounds": "linked to an open file",
    "case_number": "VA2026-104233",
}


@dataclass(slots=True)
class Clock:
    """A clock that goes on by a millisecond at every look."""

    now: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass(slots=True)
class LocalNode:
    """A node without a socket; `before` may change what arrives, `after` what leaves."""

    parts: NodeParts
    before: Callable[[NodeQuestion], NodeQuestion] = lambda question: question
    after: Callable[[NodeAnswer], NodeAnswer] = lambda found: found

    async def answer(
        self, question: NodeQuestion, traceparent: str, deadline_s: float
    ) -> NodeAnswer:
        assert traceparent
        assert deadline_s > 0
        arrival = Arrival(self.before(question), GATEWAY, self.parts.clock())
        return self.after(await node_answer(arrival, self.parts, None))


@dataclass(frozen=True, slots=True)
class Federation:
    """All of it, for one test."""

    gateway: GatewayParts
    nodes: Mapping[Holder, LocalNode]
    keys: Mapping[MemberName, RequestKey]
    folder: Path
    clock: Clock

    def sign(self, ask: Ask, member: MemberName = VPD) -> SignedRequest:
        """A request of that member."""
        by = Requesting(
            member, GATEWAY, CATALOG, self.keys[member], PlanCache(), self.clock, os.urandom
        )
        return sign_request(ask, by)

    async def ask(self, ask: Ask, member: MemberName = VPD) -> Answer:
        """The answer to a freshly signed request."""
        return await answer(self.sign(ask, member), member, self.gateway)


def question(sql: str = QUESTION, **changes: object) -> Ask:
    """The question of the golden case, or another."""
    parameters: dict[str, Scalar] = {"document": "ZZ123456"} if ":document" in sql else {}
    found = Ask(sql, typed(parameters), Purpose("sexual_crime_investigation"), "sex-crimes", GIVEN)
    return replace(found, **changes)  # type: ignore[arg-type]


def about(document: str) -> Ask:
    """The golden question about another document."""
    return question(parameters=typed({"document": document}))


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature verifies, by the real library."""
    return VerifyingKey("any", public_key).verify(message, signature)


def _databases(
    folder: Path, rows: Mapping[str, tuple[tuple[str, ...], ...]]
) -> dict[Holder, Engine]:
    with (
        duckdb.connect(folder / "nsor.duckdb") as one,
        sqlite3.connect(folder / "osor.sqlite") as two,
    ):
        for name, found in rows.items():
            marks = ", ".join("?" for _ in found[0])
            columns = [column.name for column in CATALOG.relations[RelationName(name)].columns[1:]]
            for database in (one, two):
                database.execute(f"CREATE TABLE {name} ({', '.join(f'{c} TEXT' for c in columns)})")
                database.executemany(f"INSERT INTO {name} VALUES ({marks})", found)
    two.close()
    return {
        NSOR: open_duckdb(folder / "nsor.duckdb", parquet=False),
        OSOR: open_sqlite(folder / "osor.sqlite"),
    }


def _ledger(folder: Path, name: str, clock: Clock) -> tuple[Ledger, SigningKey]:
    (folder / name).mkdir()
    key = new_key(f"{name}.canada/ledger", seed=os.urandom(32))
    salt = lambda: os.urandom(32)  # noqa: E731 - a source of salts, not a function of ours
    return open_ledger(DiskFiles(folder / name), key, clock=clock, salt=salt), key


@asynccontextmanager
async def federation(
    folder: Path, rows: Mapping[str, tuple[tuple[str, ...], ...]] = ROWS
) -> AsyncIterator[Federation]:
    """Two holders and a gateway, stopped at the end."""
    clock = Clock()
    keys = {name: RequestKey(new_key(name, seed=os.urandom(32))) for name in (VPD, DESK)}
    telemetry = start_telemetry("test", folder)
    ledgers = {name: _ledger(folder, name, clock) for name in (NSOR, OSOR, GATEWAY)}
    directory = _directory(keys, {name: key for name, (_, key) in ledgers.items()}, clock)
    door = Door(CATALOG, frozenset([GATEWAY]), PLANNER_VERSION, clock())
    policies = {
        h: parse_policy(POLICY.format(holder=h), CATALOG, f"{h}.yaml") for h in (NSOR, OSOR)
    }
    engines = _databases(folder, rows)
    nodes = {
        holder: LocalNode(
            NodeParts(
                holder=holder,
                catalog=CATALOG,
                door=door,
                directory=lambda: directory,
                policy=lambda holder=holder: policies[holder],  # type: ignore[misc]
                mapping={name: f"SELECT * FROM {name}" for name in CATALOG.relations},
                engine=engines[holder],
                ledger=ledgers[holder][0],
                telemetry=telemetry,
                verify=verify,
                clock=clock,
                pseudonym=no_pseudonym,
                in_flight=set(),
            )
        )
        for holder in (NSOR, OSOR)
    }
    async with AsyncExitStack() as stack:
        merges = MergePool(1)
        await merges.start()
        stack.push_async_callback(merges.close)
        for ledger, _ in ledgers.values():
            stack.push_async_callback(ledger.close)
        for engine in engines.values():
            stack.callback(engine.close)
        stack.callback(telemetry.close)
        reached: dict[Holder, Node] = dict(nodes)
        verifiers = {holder: ledgers[holder][1].verifier for holder in nodes}
        gateway = GatewayParts(
            name=GATEWAY,
            door=door,
            directory=lambda: directory,
            policies=lambda: policies,
            plans=PlanCache(),
            exchange=Exchange(reached, verifiers, telemetry),
            merges=merges,
            ledger=ledgers[GATEWAY][0],
            telemetry=telemetry,
            verify=verify,
            clock=clock,
        )
        yield Federation(gateway, nodes, keys, folder, clock)


def _directory(
    keys: Mapping[MemberName, RequestKey], ledgers: Mapping[str, SigningKey], clock: Clock
) -> Directory:
    classes = {VPD: "municipal", DESK: "licensing"}
    members = {
        name: DirectoryMember(
            name, classes[name], "CAN", (DirectoryKey(key.key.verifier.public_key),)
        )
        for name, key in keys.items()
    }
    endpoint = Endpoint("localhost:0", DirectoryKey(ledgers[GATEWAY].verifier.public_key))
    return Directory(
        federation="canada",
        epoch=1,
        issued_at=clock(),
        expires_at=clock() + timedelta(days=1),
        catalog=CATALOG.digest,
        auditors=frozenset(["auditor"]),
        members=members,
        gateways={GATEWAY: endpoint},
    )
