"""A node process from its settings to its end: everything is opened and checked before it serves."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from narrows.core.admission import Door, day_of
from narrows.core.catalog import Catalog
from narrows.core.directory import ledger_name
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.terms import HOLDER_COLUMN, ColumnType, Holder, MemberName, RelationName
from narrows.engines.arrow import build_batches, schema_of
from narrows.engines.duckdb import open_duckdb
from narrows.engines.postgresql import open_postgresql
from narrows.engines.protocol import Engine, Statement
from narrows.engines.sqlite import open_sqlite
from narrows.errors import BadFederation, CheckFailed
from narrows.folder.load import Federation, Node, load_folder
from narrows.node.budgets import Budgets
from narrows.node.case import NodeParts
from narrows.node.cubes import Cubes
from narrows.node.noise import OpenDpNoise
from narrows.node.outbox import Outbox
from narrows.node.policies import Policies, Sources
from narrows.node.service import CubeServicer, HeldServicer, NodeServicer, NoticeServicer
from narrows.node.settings import NodeSettings
from narrows.node.webhook import Pushing, posting_to
from narrows.serving.logs import start_logs
from narrows.serving.server import Service
from narrows.serving.settings import read_settings
from narrows.serving.start import Base, enter_start, open_base, raise_file_limit, serve
from narrows.store.editions import Editions
from narrows.store.keys import load_key, verify_signature
from narrows.store.secrets import Secrets

CHECK_S = 30.0


@dataclass(frozen=True, slots=True)
class _Database:
    """The holder's own database, and the SELECT over it that gives each relation."""

    engine: Engine
    mapping: Mapping[RelationName, str]


def serve_node(settings_file: Path) -> None:
    """Nothing, when the node was asked to stop.

    Raises: NarrowsError where it does not start, naming the file and line that is wrong.
    """
    settings = read_settings(settings_file, NodeSettings, os.environ)
    start_logs(f"narrows.{settings.member}")
    raise_file_limit()
    asyncio.run(_serve(settings))


async def _serve(settings: NodeSettings) -> None:
    federation = load_folder(settings.federation)
    described = _described(federation, settings)
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(open_base(settings, federation, settings.member))
        policies = _policies(settings, federation, base)
        database = _Database(
            open_engine(described.engine, settings.database, connections=settings.connections),
            mapping_for(described, settings.database),
        )
        stack.callback(database.engine.close)
        await _check_mapping(settings.member, described, database, federation.catalog)
        # The first array that Arrow builds loads half of Python: not while an officer waits.
        build_batches([], schema_of([(HOLDER_COLUMN, ColumnType.TEXT)]))
        today = day_of(base.clock(), federation.zone)
        await enter_start(base, federation, policies.on(today))
        node = _parts(settings, federation, policies, database, base)
        servicer = NodeServicer(node, base.callers, base.underway, policies)
        is_pushed = settings.webhook is not None
        outbox = Outbox(base.ledger, node.holder, is_pushed=is_pushed)
        services: list[Service] = [
            servicer,
            CubeServicer(node, base.callers, base.underway),
            HeldServicer(node, base.callers, base.underway),
            NoticeServicer(outbox, base.callers),
        ]
        background = _pushing(settings, federation.name, outbox, base)
        await serve(base, settings, settings.member, services, background)


def _pushing(
    settings: NodeSettings, federation: str, outbox: Outbox, base: Base
) -> list[Callable[[], Awaitable[None]]]:
    """What pushes notices, where the settings say whither."""
    if settings.webhook is None:
        return []
    key = load_key(settings.home / "ledger.key", ledger_name(federation, settings.member))
    pushing = Pushing(
        outbox,
        MemberName(settings.member),
        base.ledger.origin,
        key.sign,
        posting_to(settings.webhook.url, settings.webhook.timeout_s),
    )
    return [pushing.keep_pushing]


def _described(federation: Federation, settings: NodeSettings) -> Node:
    member = federation.members.get(MemberName(settings.member))
    if member is None or member.node is None:
        raise BadFederation(
            f"the federation has no member `{settings.member}` with a node",
            hint="name one in `member`, or add `node` to its member.yaml",
            file="federation.yaml",
        )
    return member.node


def _policies(settings: NodeSettings, federation: Federation, base: Base) -> Policies:
    text = federation.folder / "members" / settings.member / "policy.yaml"
    sources = Sources(Holder(settings.member), text, settings.home)
    return Policies(sources, federation.catalog, base.directory, base.clock)


def open_engine(name: str, database: Path, *, connections: int) -> Engine:
    """The engine over a database. Raises: BadFederation where it is missing or does not open."""
    if not database.exists():
        raise BadFederation(
            "the database of the node is missing",
            hint="`narrows generate` makes those of an example",
            file=str(database),
        )
    match name:
        case "sqlite":
            return open_sqlite(database, connections=connections)
        case "postgresql":
            return open_postgresql(_read_uri(database), connections=connections)
        case "parquet":
            return open_duckdb(database, parquet=True, connections=connections)
        case _:
            return open_duckdb(database, parquet=False, connections=connections)


def _read_uri(file: Path) -> str:
    """The one line of the file, in which a connection URI is expected."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as cause:
        raise BadFederation(
            "the file with the connection URI of the database cannot be read",
            hint="see that it is a file of text, and readable",
            file=str(file),
        ) from cause


def mapping_for(described: Node, database: Path) -> dict[RelationName, str]:
    """The SELECT of each relation; `{database}` stands for the folder of Parquet files."""
    quoted = str(database.resolve()).replace("'", "''")
    return {
        relation: select.replace("{database}", quoted)
        for relation, select in described.mapping.items()
    }


async def _check_mapping(
    member: str,
    described: Node,
    database: _Database,
    catalog: Catalog,
) -> None:
    """Nothing, when the engine takes the mapping of every relation. Raises: BadFederation."""
    for relation, select in database.mapping.items():
        try:
            await database.engine.run([_probe(relation, select, catalog)], CHECK_S)
        except CheckFailed as cause:
            raise BadFederation(
                f"the database does not take the mapping of `{relation}`, "
                "or it lacks a column of the catalog",
                hint=_hint(cause),
                file=f"members/{member}/mapping.yaml",
                line=described.lines.get(relation, 0),
            ) from cause


def _hint(cause: CheckFailed) -> str:
    """What to do about it: an engine that knows the column says so."""
    return str(cause) if cause.hint else "run its SQL by hand against the database"


def _probe(relation: RelationName, select: str, catalog: Catalog) -> Statement:
    columns = [column for column in catalog.relations[relation].columns if column.name != "holder"]
    names = ", ".join(column.name for column in columns)
    return Statement(
        f"SELECT {names} FROM ({select}) AS mapped LIMIT 0",
        (),
        tuple((column.name, column.type) for column in columns),
    )


def _parts(
    settings: NodeSettings,
    federation: Federation,
    policies: Policies,
    database: _Database,
    base: Base,
) -> NodeParts:
    gateways = frozenset(str(name) for name in base.directory().gateways)
    secrets, budgets = Secrets(settings.home / "secrets"), Budgets()
    budgets.rebuild(base.ledger, base.clock())
    return NodeParts(
        holder=Holder(settings.member),
        catalog=federation.catalog,
        door=Door(federation.catalog, gateways, PLANNER_VERSION, base.opened_at),
        directory=base.directory,
        policy=policies.on,
        mapping=database.mapping,
        engine=database.engine,
        ledger=base.ledger,
        telemetry=base.telemetry,
        verify=verify_signature,
        clock=base.clock,
        cubes=Cubes(
            catalog=federation.catalog,
            policy=lambda: policies.on(day_of(base.clock(), federation.zone)),
            mapping=database.mapping,
            engine=database.engine,
            ledger=base.ledger,
            editions=Editions(settings.home / "editions"),
            noise=OpenDpNoise(),
            clock=base.clock,
        ),
        pseudonym=secrets.pseudonym,
        token=secrets.token,
        budgets=budgets,
        in_flight=set(),
    )
