"""Non-interfering, through both walks: real gateway, real nodes, real ledgers, the wire's bytes.

As `test_paired_databases`, for fewer questions, each signed, admitted, entered and answered as in
operation, in every form. What leaves a node is compared as the bytes that would go on the wire;
after each world, the open part of every ledger, and what the nodes have counted of their budgets.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from narrows.core.policy import bind, cubes
from narrows.core.terms import ColumnType
from narrows.engines.protocol import Statement
from narrows.node import answer, reading
from narrows.node.case import Case, Judged
from narrows.node.reading import Read
from tests.postgresql import Server
from tests.proof.heard import HeardOfWalk, hear
from tests.proof.stores import Stores
from tests.proof.walking import FORMS, Walk, draw_walk
from tests.proof.worlds import EXAMPLES

WORLDS = max(12, EXAMPLES // 160)


@pytest.fixture(scope="module")
def walking(tmp_path_factory: pytest.TempPathFactory, pg: Server) -> Iterator[Stores]:
    """Stores of their own: those that other proofs share belong to another loop."""
    found = Stores(tmp_path_factory.mktemp("walking"), lambda: pg)
    yield found
    found.close()


async def both(walk: Walk, folder: Path, stores: Stores) -> tuple[HeardOfWalk, HeardOfWalk]:
    """What is heard of both federations of a world."""
    world, one, other = walk.sides(stores)
    first = await hear(folder / "one", walk, world, one)
    return first, await hear(folder / "other", walk, world, other)


@pytest.mark.timeout(0)
async def test_hidden_values_change_nothing_on_the_wire(tmp_path: Path, walking: Stores) -> None:
    seen = Counter[str]()
    for number in range(WORLDS):
        walk = draw_walk(number)
        one, other = await both(walk, tmp_path / str(number), walking)
        assert one.first_difference(other) == "", (number, walk.drawn.form)
        assert one.is_kept, number
        seen[walk.drawn.form] += one.rows
        seen["answered"] += one.answered
        seen["spent"] += one.spent
        seen.update(walk.drawn.engines if one.rows else ())
        seen["second editions"] += walk.is_second and one.rows > 0
    # Pairs of which nothing is heard prove nothing.
    wanted = (*FORMS, "spent", "second editions", "duckdb", "sqlite", "postgresql")
    assert not [name for name in wanted if not seen[name]], seen
    assert seen["answered"] > 5 * WORLDS, seen
    assert seen["spent"] > WORLDS, seen


# --- negative controls: each fault must be seen, or the proof proves nothing -----------------


def _never_dropped(patching: pytest.MonkeyPatch) -> None:
    patching.setattr(bind, "keeps_of", lambda *_: ())


def _smaller_k(patching: pytest.MonkeyPatch) -> None:
    turn = cubes._turn
    patching.setattr(cubes, "_turn", lambda old, now, k, moved: turn(old, now, k - 1, moved))


def _editions_not_frozen(patching: pytest.MonkeyPatch) -> None:
    turn = cubes._turn
    patching.setattr(cubes, "_turn", lambda _, now, k, moved: turn(None, now, k, moved))


def _budget_by_what_is_hidden(patching: pytest.MonkeyPatch) -> None:
    """More is charged where there are more rows, hidden ones included."""
    read = reading.read

    async def charging(judged: tuple[Judged, ...], case: Case) -> Read:
        mapping, kind = case.node.mapping, (("n", ColumnType.BIGINT),)
        every = " + ".join(f"(SELECT count(*) FROM ({sql}) x)" for sql in mapping.values())
        counted = Statement(f"SELECT {every} AS n", (), kind)
        found = await case.node.engine.run([counted], 10)
        for spent in case.node.budgets._spent.values():
            spent.requests += int(str(found.rows[0][0][0]))
        return await read(judged, case)

    patching.setattr(answer, "read", charging)


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    ("fault", "first"),
    [
        (_never_dropped, 24),
        (_never_dropped, 3),
        (_smaller_k, 3),
        (_editions_not_frozen, 7),
        (_budget_by_what_is_hidden, 4),
    ],
)
async def test_a_fault_is_seen(
    fault: Callable[[pytest.MonkeyPatch], None],
    first: int,
    tmp_path: Path,
    walking: Stores,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looked for in worlds of one form, from the first that shows it as things stand."""
    fault(monkeypatch)
    for number in range(first, first + 10 * len(FORMS), len(FORMS)):
        one, other = await both(draw_walk(number, "control"), tmp_path / str(number), walking)
        if one.first_difference(other):
            return
    pytest.fail("two databases were not told apart")
