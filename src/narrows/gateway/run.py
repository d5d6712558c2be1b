"""A gateway process from its settings to its end."""

import asyncio
import logging
import os
from contextlib import AsyncExitStack
from pathlib import Path

from narrows.core.admission import Door
from narrows.core.plan.plan import PlanCache
from narrows.core.plan.split import PLANNER_VERSION
from narrows.core.terms import HOLDER_COLUMN, ColumnType, MemberName
from narrows.engines.arrow import build_batches, schema_of
from narrows.engines.merge_pool import MergePool, MergeTable, MergeTask
from narrows.errors import BadFederation
from narrows.folder.load import Federation, load_folder
from narrows.gateway.answer import GatewayParts
from narrows.gateway.exchange import Exchange
from narrows.gateway.nodes import Nodes
from narrows.gateway.service import GatewayServicer
from narrows.gateway.settings import GatewaySettings
from narrows.serving.callers import Lanes
from narrows.serving.logs import start_logs
from narrows.serving.settings import read_settings
from narrows.serving.start import Base, enter_start, open_base, raise_file_limit, serve
from narrows.store.keys import verify_signature

WARM_UP_S = 30.0


def serve_gateway(settings_file: Path) -> None:
    """Nothing, when the gateway was asked to stop.

    Raises: NarrowsError where it does not start, naming the file and line that is wrong.
    """
    settings = read_settings(settings_file, GatewaySettings, os.environ)
    log = start_logs(f"narrows.{settings.name}")
    raise_file_limit()
    asyncio.run(_serve(settings))
    log.info("stopped")


async def _serve(settings: GatewaySettings) -> None:
    federation = load_folder(settings.federation)
    async with AsyncExitStack() as stack:
        base = await stack.enter_async_context(open_base(settings, federation, settings.name))
        if settings.name not in base.directory().gateways:
            raise BadFederation(
                f"the directory names no gateway `{settings.name}`",
                hint="publish a directory that does",
            )
        merges = MergePool(settings.merge_workers)
        stack.push_async_callback(merges.close)
        await merges.start()
        if not merges.isolated:
            log = logging.getLogger("narrows")
            log.warning("merge workers could not leave the network: the kernel gives no namespaces")
        nodes = Nodes(settings.home, federation.catalog, base.directory)
        nodes.open()
        stack.push_async_callback(nodes.close)
        await _warm_up(merges)
        await enter_start(base, federation)
        gateway = _parts(settings, federation, nodes, merges, base)
        servicer = GatewayServicer(gateway, nodes, base, Lanes(settings.calls_at_work))
        await serve(base, settings, settings.name, [servicer], background=[nodes.keep_up])


async def _warm_up(merges: MergePool) -> None:
    """Nothing, when every worker has merged once: the first merge loads half of Python."""
    columns = ((HOLDER_COLUMN, ColumnType.TEXT),)
    nothing = build_batches([], schema_of(columns))
    task = MergeTask("SELECT holder FROM f1", {}, {"f1": MergeTable(columns, nothing)})
    await asyncio.gather(*(merges.merge(task, WARM_UP_S) for _ in range(merges.size)))


def _parts(
    settings: GatewaySettings,
    federation: Federation,
    nodes: Nodes,
    merges: MergePool,
    base: Base,
) -> GatewayParts:
    name = MemberName(settings.name)
    return GatewayParts(
        name=name,
        door=Door(federation.catalog, frozenset([name]), PLANNER_VERSION, base.opened_at),
        directory=base.directory,
        policies=nodes.policies_on,
        renew=nodes.renew,
        plans=PlanCache(),
        exchange=Exchange(nodes.calls, nodes.verifiers, base.telemetry),
        merges=merges,
        ledger=base.ledger,
        telemetry=base.telemetry,
        verify=verify_signature,
        clock=base.clock,
    )
