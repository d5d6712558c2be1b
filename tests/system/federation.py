"""A federation of two holders in one process: real engines, real ledgers on disk, real keys.

Only the sockets are left out: the gateway reaches a node through the same protocol, `Node`.
"""

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import duckdb

from narrows.client.credential import RequestKey
from narrows.client.question import Ask, typed
from narrows.client.sign import Requesting, sign_request
from narrows.core.admission import Door
from narrows.core.answer import Answer
from narrows.core.catalog import HOLDER, Catalog, Column, Reference, Relation
from narrows.core.directory import Approver, Directory, DirectoryKey, DirectoryMember, Endpoint
from narrows.core.exchange import NodeAnswer, NodeQuestion
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.render import type_name
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
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
from narrows.engines.sqlite import open_sqlite, sqlite_dialect
from narrows.gateway.answer import GatewayParts, answer
from narrows.gateway.exchange import Exchange, Node
from narrows.node.answer import answer as node_answer
from narrows.node.budgets import Budgets
from narrows.node.case import Arrival, NodeParts
from narrows.node.cubes import Cubes
from narrows.node.noise import OpenDpNoise
from narrows.store.editions import Editions
from narrows.store.files import DiskFiles
from narrows.store.keys import SigningKey, VerifyingKey, new_key
from narrows.store.ledger import Ledger, open_ledger
from narrows.store.sealing import MergeKey, new_merge_key
from narrows.store.secrets import Secrets, make_secret
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
Rows = Mapping[str, tuple[tuple[Scalar, ...], ...]]
ROWS: Rows = {
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


Databases: TypeAlias = Callable[[Path, Rows, Catalog], Mapping[Holder, Engine]]
"""Makes each holder's database, in a folder, with these rows."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a federation of the same two holders may be about. `policy` is filled with `holder`.

    `others` are policies of some holders instead of it; `approvers` the members' named persons.
    """

    catalog: Catalog
    policy: str
    others: Mapping[Holder, str] = field(default_factory=dict[Holder, str])
    approvers: Mapping[MemberName, tuple[Approver, ...]] = field(
        default_factory=dict[MemberName, tuple[Approver, ...]]
    )

    def policies(self) -> dict[Holder, Policy]:
        """The policy of each holder."""
        return {
            holder: parse_policy(text.format(holder=holder), self.catalog, f"{holder}.yaml")
            for holder in (NSOR, OSOR)
            for text in (self.others.get(holder, self.policy),)
        }


SETTING = Setting(CATALOG, POLICY)
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
    merge_key: MergeKey
    """Of `vpd`, which alone has one."""
    folder: Path
    clock: Clock
    ledger_keys: Mapping[str, SigningKey]

    def sign(
        self, ask: Ask, member: MemberName = VPD, approver: RequestKey | None = None
    ) -> SignedRequest:
        """A request of that member."""
        by = Requesting(
            agency=member,
            gateway=GATEWAY,
            catalog=self.gateway.door.catalog,
            key=self.keys[member],
            plans=PlanCache(),
            clock=self.clock,
            random=os.urandom,
        )
        return sign_request(ask, by, approver)

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


def embedded(folder: Path, rows: Rows, catalog: Catalog) -> Mapping[Holder, Engine]:
    """One holder on DuckDB, the other on SQLite."""
    with (
        duckdb.connect(folder / "nsor.duckdb") as one,
        sqlite3.connect(folder / "osor.sqlite") as two,
    ):
        for name, found in rows.items():
            columns = catalog.relations[RelationName(name)].columns[1:]
            for database, spell in ((one, type_name), (two, sqlite_dialect().type_name)):
                spelled = ", ".join(f"{column.name} {spell(column.type)}" for column in columns)
                database.execute(f"CREATE TABLE {name} ({spelled})")
                marks = ", ".join("?" for _ in columns)
                for row in found:
                    database.execute(f"INSERT INTO {name} VALUES ({marks})", _kept(row, database))
    two.close()
    return {
        NSOR: open_duckdb(folder / "nsor.duckdb", parquet=False),
        OSOR: open_sqlite(folder / "osor.sqlite"),
    }


def _kept(row: tuple[Scalar, ...], database: object) -> tuple[Scalar, ...]:
    """The row as that database keeps it: SQLite has no dates."""
    if not isinstance(database, sqlite3.Connection):
        return row
    return tuple(value.isoformat() if isinstance(value, date) else value for value in row)


async def renewed_by_nobody(holder: Holder) -> None:
    """Nothing: no node is asked for another policy."""
    assert holder


def secrets_in(folder: Path) -> Secrets:
    """A holder's secrets, made where they are missing, the same in every test."""
    make_secret(folder, 2026, bytes)
    return Secrets(folder)


def _ledger(folder: Path, name: str, clock: Clock) -> tuple[Ledger, SigningKey]:
    (folder / name).mkdir()
    key = new_key(f"{name}.canada/ledger", seed=os.urandom(32))
    salt = lambda: os.urandom(32)  # noqa: E731 - a source of salts, not a function of ours
    return open_ledger(DiskFiles(folder / name), key, clock=clock, salt=salt), key


def _no_cubes(folder: Path, engine: Engine, ledger: Ledger, clock: Clock) -> Cubes:
    """The cubes of a node whose policy declares none."""

    def none() -> Policy:
        raise AssertionError

    editions = Editions(folder / "editions")
    return Cubes(CATALOG, none, {}, engine, ledger, editions, OpenDpNoise(), clock)


@asynccontextmanager
async def federation(
    folder: Path,
    rows: Rows = ROWS,
    setting: Setting = SETTING,
    databases: Databases = embedded,
) -> AsyncIterator[Federation]:
    """Two holders and a gateway, stopped at the end."""
    clock = Clock()
    keys = {name: RequestKey(new_key(name, seed=os.urandom(32))) for name in (VPD, DESK)}
    telemetry = start_telemetry("test", folder)
    ledgers = {name: _ledger(folder, name, clock) for name in (NSOR, OSOR, GATEWAY)}
    catalog, policies = setting.catalog, setting.policies()
    ledger_keys = {str(name): key for name, (_, key) in ledgers.items()}
    merge_key = new_merge_key(seed=os.urandom(32))
    directory = _directory(keys, ledger_keys[GATEWAY], setting, clock)
    vpd = replace(directory.members[VPD], merge_key=DirectoryKey(merge_key.public_key))
    directory = replace(directory, members={**directory.members, VPD: vpd})
    door = Door(catalog, frozenset([GATEWAY]), PLANNER_VERSION, clock())
    engines = databases(folder, rows, catalog)
    secrets = {holder: secrets_in(folder / f"{holder}.secrets") for holder in (NSOR, OSOR)}
    nodes = {
        holder: LocalNode(
            NodeParts(
                holder=holder,
                catalog=catalog,
                door=door,
                directory=lambda: directory,
                policy=lambda _, holder=holder: policies[holder],  # type: ignore[misc]
                mapping={name: f"SELECT * FROM {name}" for name in catalog.relations},
                engine=engines[holder],
                ledger=ledgers[holder][0],
                telemetry=telemetry,
                verify=verify,
                clock=clock,
                cubes=_no_cubes(folder / holder, engines[holder], ledgers[holder][0], clock),
                pseudonym=secrets[holder].pseudonym,
                token=secrets[holder].token,
                budgets=Budgets(),
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
            policies=lambda _: policies,
            renew=renewed_by_nobody,
            plans=PlanCache(),
            exchange=Exchange(reached, verifiers, telemetry),
            merges=merges,
            ledger=ledgers[GATEWAY][0],
            telemetry=telemetry,
            verify=verify,
            clock=clock,
        )
        yield Federation(gateway, nodes, keys, merge_key, folder, clock, ledger_keys)


def _directory(
    keys: Mapping[MemberName, RequestKey], gateway: SigningKey, setting: Setting, clock: Clock
) -> Directory:
    classes = {VPD: "municipal", DESK: "licensing"}
    members = {
        name: DirectoryMember(
            name,
            classes.get(name, "registry"),
            "CAN",
            (DirectoryKey(keys[name].key.verifier.public_key),) if name in keys else (),
            approvers=setting.approvers.get(name, ()),
        )
        for name in (*keys, *map(MemberName, (NSOR, OSOR)))
    }
    endpoint = Endpoint("localhost:0", DirectoryKey(gateway.verifier.public_key))
    return Directory(
        federation="canada",
        epoch=1,
        issued_at=clock(),
        expires_at=clock() + timedelta(days=60),
        catalog=setting.catalog.digest,
        auditors=frozenset(["auditor"]),
        members=members,
        gateways={GATEWAY: endpoint},
    )
