import asyncio
import errno
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from narrows.core.ledger.entry import Draft, Kind
from narrows.core.terms import RequestId
from narrows.errors import LedgerUnavailable
from narrows.store.keys import new_key
from narrows.store.ledger import open_ledger

if TYPE_CHECKING:
    from tests.unit.store.conftest import Fault, MemoryFiles

KEY = new_key("example.org/log", seed=b"k" * 32)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DRAFT = Draft(Kind.INTENT, RequestId("01" * 16), {})


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.timeout(10)
async def test_a_task_that_looked_just_before_the_writer_died_is_told(
    memory_files: "MemoryFiles", fault_type: "type[Fault]"
) -> None:
    ledger = open_ledger(memory_files, KEY, clock=lambda: NOON, salt=lambda: os.urandom(32))
    memory_files.fault = fault_type(len(memory_files.operations), 0, lambda: ValueError("a bug"))
    with pytest.raises(LedgerUnavailable):
        await ledger.append(DRAFT)
    ledger._writer.stop()
    ledger._writer.failure = ""
    with pytest.raises(LedgerUnavailable):
        await ledger.append(DRAFT)
    await ledger.close()


@pytest.mark.timeout(20)
@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO])
async def test_a_checkpoint_that_cannot_be_opened_for_now_is_tried_again(
    memory_files: "MemoryFiles", fault_type: "type[Fault]", number: int
) -> None:
    """Strangers who use up the file descriptors must not end the ledger; a broken disk must."""
    ledger = open_ledger(memory_files, KEY, clock=lambda: NOON, salt=lambda: os.urandom(32))
    await ledger.append(DRAFT)
    before = memory_files.operations.count("replace")
    # The next operation is the idle writer's: it replaces the stored checkpoint.
    memory_files.fault = fault_type(
        len(memory_files.operations), 0, lambda: OSError(number, os.strerror(number))
    )
    while memory_files.operations.count("replace") == before:
        await asyncio.sleep(0)
    if number == errno.EIO:
        while not ledger.failure:
            await asyncio.sleep(0)
        with pytest.raises(LedgerUnavailable):
            await ledger.append(DRAFT)
    else:
        assert await ledger.append(DRAFT) == 1
        await ledger.close()
        assert memory_files.whole["checkpoint"].splitlines()[1] == b"2"
        return
    await ledger.close()
