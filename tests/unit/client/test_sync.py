"""The client without `await`: the same answers and errors, and a thread that ends."""

import asyncio
import threading
from pathlib import Path

import pytest

from narrows.client import Answer, connect_sync
from narrows.errors import DisclosureDenied, NodeUnavailable
from tests.unit.client.gateway_serving import Line, Telling, honest, serving
from tests.unit.serving.world import SQL, opened_world

HOW = {"document": "ZZ123456"}


def _ask(line: Line, journal: Path) -> tuple[Answer, str]:
    with connect_sync(line.address, credential=line.credential, journal=journal) as client:
        assert client.federation.gateway == "gateway"
        found = client.ask(SQL, HOW, purpose="investigation", officer="4471")
        plan = client.explain(SQL, HOW, purpose="investigation", officer="4471")
    return found, plan.merge.sql


def _threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name == "narrows-client"]


async def test_it_asks_explains_and_acknowledges(tmp_path: Path) -> None:
    async with opened_world(tmp_path) as world:
        gateway = Telling(honest(world))
        async with serving(tmp_path, gateway) as line:
            found, merge = await asyncio.to_thread(_ask, line, tmp_path / "requests.jsonl")
    assert found.table.num_rows == 3
    assert merge == "SELECT merged"
    assert len(gateway.acknowledged) == 3
    assert '"acknowledged"' in (tmp_path / "requests.jsonl").read_text()
    assert _threads() == []


async def test_its_errors_are_the_same_and_leave_no_thread(tmp_path: Path) -> None:
    async with opened_world(tmp_path) as world:
        gateway = Telling(honest(world), failure=DisclosureDenied("not you"))
        async with serving(tmp_path, gateway) as line:
            with pytest.raises(DisclosureDenied, match="not you"):
                await asyncio.to_thread(_ask, line, tmp_path / "requests.jsonl")
        with pytest.raises(NodeUnavailable):
            await asyncio.to_thread(_ask, line, tmp_path / "requests.jsonl")
    assert _threads() == []
