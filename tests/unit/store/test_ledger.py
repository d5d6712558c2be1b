import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from narrows.core.ledger.checkpoint import open_checkpoint
from narrows.core.ledger.entry import Draft, Kind, check_opening
from narrows.core.ledger.receipt import verify_receipt
from narrows.core.ledger.tree import verify_consistency
from narrows.core.terms import RequestId
from narrows.errors import CheckFailed, LedgerUnavailable, MalformedRequest
from narrows.store.files import DiskFiles, Files
from narrows.store.keys import new_key
from narrows.store.ledger import Ledger, open_ledger
from narrows.store.verify import verify_ledger

if TYPE_CHECKING:
    from tests.unit.store.conftest import Fault, MemoryFiles

KEY = new_key("example.org/log", seed=b"k" * 32)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ONE, TWO = RequestId("01" * 16), RequestId("02" * 16)


def opened(files: Files, clock: Callable[[], datetime] = lambda: NOON) -> Ledger:
    return open_ledger(files, KEY, clock=clock, salt=lambda: os.urandom(32))


def intent(request: RequestId | None = ONE) -> Draft:
    return Draft(Kind.INTENT, request, {"purpose": "audit"}, {"officer": b"4471"})


async def test_an_entry_is_durable_and_proven(tmp_path: Path) -> None:
    ledger = opened(DiskFiles(tmp_path))
    index = await ledger.append(intent())
    receipt = await ledger.receipt(index)
    entry = verify_receipt(receipt, KEY.verifier)
    assert entry == ledger.entry(index)
    assert ledger.entry_bytes(index) == receipt.entry
    (opening,) = ledger.openings(index)
    check_opening(entry, opening)
    assert opening.value == b"4471"
    await ledger.close()
    await ledger.close()
    report = verify_ledger(DiskFiles(tmp_path), KEY.verifier)
    assert (report.is_sound, report.entries, report.covered, report.openings) == (True, 1, 1, 1)


async def test_many_tasks_share_the_syncs(memory_files: "MemoryFiles") -> None:
    ledger = opened(memory_files)
    before = len(memory_files.operations)
    indexes = await asyncio.gather(*(ledger.append(intent(None)) for _ in range(3_000)))
    assert list(indexes) == list(range(3_000))
    # Alone, each would need two: how many share them is up to the machine.
    assert memory_files.operations[before:].count("sync") < 2 * 3_000
    for index in (0, 1_234, 2_999):
        verify_receipt(await ledger.receipt(index), KEY.verifier)
    await ledger.close()
    assert open_checkpoint(memory_files.whole["checkpoint"], KEY.verifier).size == 3_000
    assert verify_ledger(memory_files, KEY.verifier).is_sound


async def test_one_checkpoint_serves_all_entries_that_it_covers(
    memory_files: "MemoryFiles",
) -> None:
    ledger = opened(memory_files)
    for _ in range(3):
        await ledger.append(intent())
    first, second = await ledger.receipt(2), await ledger.receipt(0)
    assert first.checkpoint == second.checkpoint == ledger.checkpoint()
    old = open_checkpoint(ledger.checkpoint(), KEY.verifier)
    await ledger.append(intent())
    new = open_checkpoint(ledger.checkpoint(), KEY.verifier)
    proof = ledger.prove_consistency(old.size, new.size)
    verify_consistency(proof, old.size, new.size, old.root, new.root)
    assert ledger.prove_inclusion(0, 3) == second.proof
    await ledger.close()


async def test_proofs_beyond_the_ledger_are_refused(memory_files: "MemoryFiles") -> None:
    ledger = opened(memory_files)
    await ledger.append(intent())
    with pytest.raises(MalformedRequest):
        ledger.prove_inclusion(0, 2)
    with pytest.raises(MalformedRequest):
        ledger.prove_consistency(1, 2)
    with pytest.raises(MalformedRequest):
        await ledger.receipt(1)
    await ledger.close()


async def test_requests_are_found_before_and_after_a_start(memory_files: "MemoryFiles") -> None:
    ledger = opened(memory_files)
    await ledger.append(intent(ONE))
    await ledger.append(intent(TWO))
    await ledger.append(Draft(Kind.OUTCOME, ONE, {}))
    await ledger.append(Draft(Kind.STARTED, None, {}))
    for _ in range(2):
        assert ledger.entries_of(ONE) == (0, 2)
        assert ledger.entries_of(TWO) == (1,)
        assert ledger.entries_of(RequestId("03" * 16)) == ()
        assert ledger.unfinished() == (TWO,)
        await ledger.close()
        ledger = opened(memory_files)
    assert ledger.recovery.found == ()
    await ledger.close()


async def test_time_never_goes_back(memory_files: "MemoryFiles") -> None:
    times = iter([NOON, NOON - timedelta(hours=1), NOON + timedelta(seconds=1)])
    ledger = opened(memory_files, lambda: next(times))
    for _ in range(3):
        await ledger.append(intent())
    await ledger.close()
    again = opened(memory_files, lambda: NOON - timedelta(days=1))
    await again.append(intent())
    found = [again.entry(index).time - NOON for index in range(4)]
    second = timedelta(seconds=1)
    assert found == [timedelta(0), timedelta(0), second, second]
    await again.close()


async def test_two_processes_cannot_have_one_ledger(tmp_path: Path) -> None:
    ledger = opened(DiskFiles(tmp_path))
    with pytest.raises(LedgerUnavailable, match="another process"):
        opened(DiskFiles(tmp_path))
    await ledger.close()
    await opened(DiskFiles(tmp_path)).close()


@pytest.mark.parametrize("moment", range(5))
async def test_a_failing_disk_ends_the_ledger_for_good(
    memory_files: "MemoryFiles", fault_type: "type[Fault]", moment: int
) -> None:
    ledger = opened(memory_files)
    await ledger.append(intent())
    at = len(memory_files.operations) + moment
    memory_files.fault = fault_type(at, 0.5, lambda: OSError(28, "No space left on device"))
    with pytest.raises(LedgerUnavailable, match="no space left"):
        await ledger.append(intent())
    after = len(memory_files.operations)
    for _ in range(2):
        with pytest.raises(LedgerUnavailable, match="no space left"):
            await ledger.append(intent())
    assert ledger.size == 1
    verify_receipt(await ledger.receipt(0), KEY.verifier)
    await ledger.close()
    assert len(memory_files.operations) == after


async def test_all_who_wait_hear_of_the_failure(
    memory_files: "MemoryFiles", fault_type: "type[Fault]"
) -> None:
    ledger = opened(memory_files)
    at = len(memory_files.operations)
    memory_files.fault = fault_type(at, 0, lambda: OSError(30, "Read-only file system"))
    appended = (ledger.append(intent()) for _ in range(20))
    found = await asyncio.gather(*appended, return_exceptions=True)
    assert {type(error) for error in found} == {LedgerUnavailable}
    await ledger.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_writer_that_died(
    memory_files: "MemoryFiles", fault_type: "type[Fault]"
) -> None:
    ledger = opened(memory_files)
    memory_files.fault = fault_type(len(memory_files.operations), 0, lambda: ValueError("a bug"))
    appended = (ledger.append(intent()) for _ in range(20))
    found = await asyncio.gather(*appended, return_exceptions=True)
    assert {type(error) for error in found} == {LedgerUnavailable}
    with pytest.raises(LedgerUnavailable):
        await ledger.append(intent())
    await ledger.close()


async def test_an_entry_too_large_harms_nobody_else(memory_files: "MemoryFiles") -> None:
    ledger = opened(memory_files)
    with pytest.raises(CheckFailed):
        await ledger.append(Draft(Kind.INTENT, ONE, {"text": "x" * 70_000}))
    with pytest.raises(CheckFailed):
        await ledger.append(Draft(Kind.INTENT, ONE, {}, {"sql": bytes(2**25)}))
    assert await ledger.append(intent()) == 0
    await ledger.close()
    assert verify_ledger(memory_files, KEY.verifier).is_sound


async def test_a_task_that_gives_up_leaves_the_ledger_whole(memory_files: "MemoryFiles") -> None:
    ledger = opened(memory_files)
    given_up = asyncio.create_task(ledger.append(intent(TWO)))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await ledger.append(intent(ONE)) == 1
    assert ledger.entries_of(TWO) == (0,)
    await ledger.close()


async def test_a_closed_ledger_takes_nothing(memory_files: "MemoryFiles") -> None:
    ledger = opened(memory_files)
    await ledger.close()
    with pytest.raises(LedgerUnavailable, match="closed"):
        await ledger.append(intent())


async def test_entries_of_one_group_follow_each_other(memory_files: "MemoryFiles") -> None:
    ledger = opened(memory_files)
    alone, group = await asyncio.gather(
        ledger.append(intent(TWO)), ledger.append_all((intent(), intent(), intent(TWO)))
    )
    assert (alone, group) == (0, (1, 2, 3))
    assert ledger.entries_of(ONE) == (1, 2)
    assert ledger.entries_of_kind(Kind.INTENT) == (0, 1, 2, 3)
    assert ledger.entries_of_kind(Kind.OUTCOME) == ()
    await ledger.close()
    again = opened(memory_files)
    assert again.entries_of_kind(Kind.INTENT) == (0, 1, 2, 3)
    await again.close()


async def test_of_a_group_with_one_that_is_too_large_none_is_taken(
    memory_files: "MemoryFiles",
) -> None:
    ledger = opened(memory_files)
    large = Draft(Kind.INTENT, ONE, {"purpose": "x" * 70_000}, {})
    with pytest.raises(CheckFailed):
        await ledger.append_all((intent(), large))
    assert await ledger.append(intent(TWO)) == 0
    assert ledger.entries_of(ONE) == ()
    await ledger.close()
