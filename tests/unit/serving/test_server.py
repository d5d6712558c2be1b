"""Work goes on after its caller has gone, and a stop waits for it."""

import asyncio
import logging
from pathlib import Path

import pytest

from narrows.errors import CheckFailed, NarrowsError
from narrows.serving.callers import Tally
from narrows.serving.server import Serving, Underway, run
from tests.unit.gateway.nodes_serving import Street
from tests.unit.serving.world import GATEWAY, opened_world


async def test_work_gives_what_it_gives() -> None:
    async def work() -> int:
        return 7

    async def fail() -> int:
        raise CheckFailed("nothing was sent")

    underway = Underway()
    assert await underway.finish(work()) == 7
    with pytest.raises(CheckFailed):
        await underway.finish(fail())
    assert await underway.drained(0)


async def test_work_goes_on_after_its_caller_is_cancelled() -> None:
    underway, go_on, done = Underway(), asyncio.Event(), []

    async def work() -> None:
        await go_on.wait()
        done.append("outcome")

    caller = asyncio.create_task(underway.finish(work()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not await underway.drained(0)
    assert done == []
    go_on.set()
    assert await underway.drained(5)
    assert done == ["outcome"]


async def test_the_text_of_an_error_that_nobody_waited_for_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    underway, go_on = Underway(), asyncio.Event()

    async def work() -> None:
        await go_on.wait()
        raise ValueError("Tremblay")

    caller = asyncio.create_task(underway.finish(work()))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    with caplog.at_level(logging.DEBUG):
        assert await underway.drained(5)
        del caller
        await asyncio.sleep(0)
    assert "Tremblay" not in caplog.text


@pytest.mark.parametrize("error", [OSError("Tremblay"), CheckFailed("the folder is gone")])
async def test_a_process_whose_background_work_fails_stops(
    tmp_path: Path, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """It would else serve on with a directory that nobody follows."""

    async def fail() -> None:
        raise error

    async with opened_world(tmp_path) as world:
        serving = Serving(
            name=GATEWAY,
            identity=Street.at(tmp_path).gateway,
            listen="127.0.0.1:0",
            stop_s=1,
            services=(),
            ledger=world.ledgers[GATEWAY],
            tally=Tally(world.clock),
            underway=Underway(),
            background=(fail,),
        )
        async with asyncio.timeout(20):
            with pytest.raises(NarrowsError) as raised:
                await run(serving)
    assert "Tremblay" not in caplog.text + str(raised.value)
