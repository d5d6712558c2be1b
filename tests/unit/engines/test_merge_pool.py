"""The merge pool against statements that try to get out, and workers that die."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import pytest

from narrows.core.terms import ColumnType, TypedValue
from narrows.engines.arrow import build_batches, read_batch, schema_of
from narrows.engines.merge_pool import MergePool, MergeTable, MergeTask
from narrows.errors import (
    AnswerTooLarge,
    CheckFailed,
    DeadlinePassed,
    NarrowsError,
    UnsupportedQuery,
)

COLUMNS = (("name", ColumnType.TEXT), ("n", ColumnType.BIGINT))


@pytest.fixture
async def pool() -> AsyncIterator[MergePool]:
    found = MergePool(1)
    await found.start()
    yield found
    await found.close()


def task(statement: str) -> MergeTask:
    rows = [("a", 1), ("secretname", 2**62), ("b", 2**62)]
    table = MergeTable(COLUMNS, build_batches(rows, schema_of(COLUMNS)))
    values = {
        "today_": TypedValue(ColumnType.DATE, date(2026, 6, 1)),
        "x": TypedValue(ColumnType.BIGINT, 1),
    }
    return MergeTask(statement, values, {"f1": table})


async def rows_of(pool: MergePool, statement: str) -> list[tuple[object, ...]]:
    result = await pool.merge(task(statement), 20)
    schema = schema_of(result.columns)
    return [
        tuple(row.values())
        for batch in result.batches
        for row in read_batch(batch, schema).to_pylist()
    ]


async def test_merges_in_canonical_types(pool: MergePool) -> None:
    found = await rows_of(
        pool,
        "SELECT name, n, $today_ AS d, sum(1) AS s, avg(n) AS a, NULL AS z, 1.5::DECIMAL(3,1) AS e"
        " FROM f1 WHERE n = $x GROUP BY ALL",
    )
    assert found == [("a", 1, date(2026, 6, 1), 1, 1.0, None, 1.5)]
    assert await rows_of(pool, "SELECT name FROM f1 WHERE n < 0") == []


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT 1 // (n - n) FROM f1", UnsupportedQuery),
        ("SELECT 1 / (n - n) FROM f1", UnsupportedQuery),
        ("SELECT CAST(name AS INTEGER) FROM f1", UnsupportedQuery),
        ("SELECT n * n FROM f1", UnsupportedQuery),
        ("SELECT sum(n) * 4 FROM f1", AnswerTooLarge),
        ("SELECT a.range FROM range(400) a, range(400) b", AnswerTooLarge),
        ("SELECT * FROM read_csv('/etc/passwd')", CheckFailed),
        ("SELECT * FROM nosuch", CheckFailed),
        ("CREATE TABLE t AS SELECT 1", CheckFailed),
        ("SELECT 1; SELECT 2", CheckFailed),
        ("SELECT error(name) FROM f1", CheckFailed),
        ("SELECT [1]", CheckFailed),
        ("SELECT $unknown", CheckFailed),
    ],
)
async def test_errors_have_fixed_texts_and_the_pool_goes_on(
    pool: MergePool, statement: str, error: type[NarrowsError]
) -> None:
    with pytest.raises(error) as caught:
        await pool.merge(task(statement), 20)
    assert "secretname" not in str(caught.value)
    assert await rows_of(pool, "SELECT 1") == [(1,)]


async def test_no_merge_sees_what_another_left(pool: MergePool) -> None:
    assert await rows_of(pool, "SELECT name FROM f1 WHERE n = 1") == [("a",)]
    for statement in (
        "SELECT name FROM f1",
        "SELECT name FROM temp.f1",
        "SELECT * FROM query_table('f1')",
    ):
        with pytest.raises(CheckFailed):
            await pool.merge(MergeTask(statement, {}, {}), 20)
        assert await rows_of(pool, "SELECT name FROM f1 WHERE n = 1") == [("a",)]
    views = "SELECT count(*) AS n FROM duckdb_views() WHERE NOT internal"
    assert await rows_of(pool, views) == [(1,)]


async def test_a_late_worker_is_killed_and_replaced(pool: MergePool) -> None:
    with pytest.raises(DeadlinePassed):
        await pool.merge(task("SELECT count(*) FROM range(10000000000) a, range(1000) b"), 0.5)
    assert await rows_of(pool, "SELECT 1") == [(1,)]


async def test_a_value_cannot_outgrow_the_worker(pool: MergePool) -> None:
    with pytest.raises(NarrowsError):
        await pool.merge(task("SELECT length(lpad(name, 2000000000, 'y')) FROM f1"), 5)
    assert await rows_of(pool, "SELECT 1") == [(1,)]


async def test_a_crashed_worker_is_an_error_and_replaced(pool: MergePool) -> None:
    pool._alive[0].process.kill()
    with pytest.raises(CheckFailed):
        await pool.merge(task("SELECT 1"), 20)
    assert await rows_of(pool, "SELECT 1") == [(1,)]


async def test_waiting_for_a_worker_counts(pool: MergePool) -> None:
    worker = await pool._idle.get()
    with pytest.raises(DeadlinePassed):
        await pool.merge(task("SELECT 1"), 0.05)
    pool._idle.put_nowait(worker)
    assert await rows_of(pool, "SELECT 1") == [(1,)]


async def test_a_worker_that_says_what_went_wrong_is_kept(pool: MergePool) -> None:
    """Else anybody's wrong casts would use up the workers: each costs half a second to start."""
    (before,) = [worker.process.pid for worker in pool._alive]
    for _ in range(3):
        with pytest.raises(UnsupportedQuery):
            await pool.merge(task("SELECT CAST(name AS INTEGER) FROM f1"), 20)
    assert [worker.process.pid for worker in pool._alive] == [before]
    assert await rows_of(pool, "SELECT name FROM f1 WHERE n = 1") == [("a",)]


async def test_nobody_has_all_workers_at_once() -> None:
    pool = MergePool(2)
    await pool.start()
    endless = "SELECT count(*) FROM range(100000000000) a, range(1000) b"
    try:
        greedy = [asyncio.ensure_future(pool.merge(task(endless), 30, "greedy")) for _ in range(4)]
        for _ in range(3):
            result = await pool.merge(task("SELECT name FROM f1 WHERE n = 1"), 20, "modest")
            assert result.row_count == 1
        assert not any(one.done() for one in greedy)
        for one in greedy:
            one.cancel()
        await asyncio.gather(*greedy, return_exceptions=True)
    finally:
        await pool.close()
