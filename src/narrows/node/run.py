"""A node process from its settings to its end: everything is opened and checked before it serves."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from narrows.core.admission import Door
from narrows.core.catalog import Catalog
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.policy.finish import no_pseudonym
from narrows.core.policy.model import Policy
from narrows.core.publishing import PublishedPolicy, open_policy
from narrows.core.terms import HOLDER_COLUMN, ColumnType, Holder, MemberName, RelationName
from narrows.engines.arrow import build_batches, schema_of
from narrows.engines.duckdb import open_duckdb
from narrows.engines.postgresql import open_postgresql
from narrows.engines.protocol import Engine, Statement
from narrows.engines.sqlite import open_sqlite
from narrows.errors import BadFederation, CheckFailed
from narrows.folder.load import Federation, Node, load_folder
from narrows.node.answer import NodeParts
from narrows.node.cubes import Cubes
from narrows.node.noise import OpenDpNoise
from narrows.node.service import CubeServicer, HeldServicer, NodeServicer
from narrows.node.settings import NodeSettings
from narrows.serving.logs import start_logs
from narrows.serving.settings import read_settings
from narrows.serving.start import Base, enter_start, open_base, raise_file_limit, serve
from narrows.store.editions import Editions
from narrows.store.keys import verify_signature
from narrows.store.seen import read_seen, write_seen

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
        published = _published(settings, described)
        policy = open_policy(published, federation.catalog, base.directory(), verify_signature)
        _keep_version(settings.home / "policy.version", policy)
        database = _Database(
            open_engine(described.engine, settings.database, connections=settings.connections),
            mapping_for(described, settings.database),
        )
        stack.callback(database.engine.close)
        await _check_mapping(settings.member, described, database, federation.catalog)
        # The first array that Arrow builds loads half of Python: not while an officer waits.
        build_batches([], schema_of([(HOLDER_COLUMN, ColumnType.TEXT)]))
        await enter_start(base, federation, policy)
        node = _parts(settings, federation, policy, database, base)
        servicer = NodeServicer(node, base.callers, base.underway, lambda: published)
        cubes = CubeServicer(node, base.callers, base.underway)
        held = HeldServicer(node, base.callers, base.underway)
        await serve(base, settings, settings.member, [servicer, cubes, held])


def _described(federation: Federation, settings: NodeSettings) -> Node:
    member = federation.members.get(MemberName(settings.member))
    if member is None or member.node is None:
        raise BadFederation(
            f"the federation has no member `{settings.member}` with a node",
            hint="name one in `member`, or add `node` to its member.yaml",
            file="federation.yaml",
        )
    return member.node


def _published(settings: NodeSettings, described: Node) -> PublishedPolicy:
    file = settings.home / "policy.sig"
    try:
        signature = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as cause:
        raise BadFederation(
            "the agency's signature of its policy is missing or no hexadecimal text",
            hint="`narrows up` signs policies",
            file=str(file),
        ) from cause
    text = described.policy_text.encode()
    return PublishedPolicy(Holder(settings.member), described.policy.version, text, signature)


def _keep_version(file: Path, policy: Policy) -> None:
    """Nothing, unless a higher version, or another text under this one, was served before.

    Who restores an old policy widens it; and every ledger cites a policy by its version.
    """
    seen, digest = read_seen(file), file.with_suffix(".digest")
    said = digest.read_text(encoding="ascii").strip() if digest.exists() else ""
    before = f"version {seen} was served before"
    if policy.version == seen and said not in ("", policy.digest.hex()):
        before = "another text of that version was served before"
    elif policy.version >= seen:
        digest.write_text(policy.digest.hex() + "\n", encoding="ascii")
        write_seen(file, policy.version)
        return
    raise BadFederation(
        f"the policy is of version {policy.version}, and {before}",
        hint="give every change of the policy a higher `version`",
        file=f"members/{policy.agency}/policy.yaml",
    )


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
    policy: Policy,
    database: _Database,
    base: Base,
) -> NodeParts:
    gateways = frozenset(str(name) for name in base.directory().gateways)
    return NodeParts(
        holder=Holder(settings.member),
        catalog=federation.catalog,
        door=Door(federation.catalog, gateways, PLANNER_VERSION, base.opened_at),
        directory=base.directory,
        policy=lambda: policy,
        mapping=database.mapping,
        engine=database.engine,
        ledger=base.ledger,
        telemetry=base.telemetry,
        verify=verify_signature,
        clock=base.clock,
        pseudonym=no_pseudonym,
        cubes=Cubes(
            catalog=federation.catalog,
            policy=lambda: policy,
            mapping=database.mapping,
            engine=database.engine,
            ledger=base.ledger,
            editions=Editions(settings.home / "editions"),
            noise=OpenDpNoise(),
            clock=base.clock,
        ),
        in_flight=set(),
    )
