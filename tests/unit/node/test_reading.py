"""Figures are made beside the event loop, within the deadline, and of so many units in all."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, current_thread, main_thread
from types import SimpleNamespace
from typing import cast

import pytest

from narrows.core.plan.fragment import Fragment
from narrows.core.policy import edition as of_editions
from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.edition import CubeEdition
from narrows.core.policy.finish import Reading
from narrows.engines.arrow import build_batches
from narrows.errors import AnswerTooLarge, DeadlinePassed
from narrows.node import cubes as of_cubes
from narrows.node import reading as module
from narrows.node.case import Case, Judged
from narrows.node.cubes import Cubes
from narrows.node.reading import read_cubes
from tests.unit.core.policy.counting import ASKED
from tests.unit.core.policy.world import CATALOG, fragment_of
from tests.unit.node.cube_home import SQL, Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path)
    found.people(("CAN", range(5)))
    return found


def judged(home: Home) -> Judged:
    fragment: Fragment = fragment_of(SQL)
    decision, bound = decide_and_bind(home.given, CATALOG, fragment, ASKED)
    return Judged(0, fragment, decision, bound, None)


def case_of(cubes: Cubes) -> Case:
    """A case of which nothing is read but its node's cubes."""
    node = SimpleNamespace(cubes=cubes, catalog=CATALOG, pseudonym=lambda *_: "")
    sealing = SimpleNamespace(subjects=lambda *_: {})
    return cast("Case", SimpleNamespace(node=node, sealing=sealing))


async def test_batches_are_built_beside_the_event_loop(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def building(*given: object) -> list[bytes]:
        threads.append(current_thread())
        return build_batches(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "build_batches", building)
    async with home.open() as cubes:
        await cubes.build("people")
        (found,), as_of = await read_cubes((judged(home),), case_of(cubes), 60)
        assert (found.answer.row_count, as_of) == (5, cubes.current("people").as_of)
    assert threads
    assert main_thread() not in threads


async def test_figures_end_at_the_deadline_and_their_thread_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = Event()

    def endless(edition: CubeEdition, bound: BoundFragment) -> Iterator[Reading]:
        (first, *_) = of_editions.expand(edition, bound)
        until = time.monotonic() + 5
        try:
            while time.monotonic() < until:
                yield first
                time.sleep(0.001)
        finally:
            ended.set()

    async with home.open() as cubes:
        await cubes.build("people")
        monkeypatch.setattr(of_cubes, "expand", endless)
        begun = time.monotonic()
        with pytest.raises(DeadlinePassed):
            await read_cubes((judged(home),), case_of(cubes), 0.05)
        assert await asyncio.to_thread(ended.wait, 2)
        assert time.monotonic() - begun < 3


async def test_all_fragments_together_stand_for_so_many_units(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with home.open() as cubes:
        await cubes.build("people")
        monkeypatch.setattr(of_editions, "MOST_ROWS", 10)
        assert len((await cubes.read([home.bound()] * 2)).rows) == 2
        with pytest.raises(AnswerTooLarge, match="more than 10 units"):
            await cubes.read([home.bound()] * 3)
