"""Non-interfering, through both walks: real gateway, real nodes, real ledgers, the wire's bytes.

As `test_paired_databases`, for fewer questions, each signed, admitted, entered and answered as in
operation; what leaves a node is compared as the bytes that would go on the wire. The agreements
have small budgets: what is spent is compared too, and what is refused because it is spent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from narrows.client.question import Ask
from narrows.core.answer import Answer
from narrows.core.canonical import Json
from narrows.core.exchange import NodeAnswer
from narrows.core.ledger.entry import decode_entry
from narrows.core.policy import bind
from narrows.core.policy.model import Policy
from narrows.core.terms import Holder, Purpose
from narrows.errors import NarrowsError
from narrows.wire.node import node_answer_parts
from tests.postgresql import Server
from tests.proof.asking import Side, World, pseudonym
from tests.proof.schema import HOLDERS
from tests.proof.spec import Spec
from tests.proof.stores import Stores
from tests.proof.worlds import EXAMPLES, SEED, Drawn, draw_world, sides_of
from tests.system.federation import Federation, Setting, federation

FORMS = ("lookup", "list", "pointer")
WORLDS = max(6, EXAMPLES // 200 // len(FORMS) * len(FORMS))
_TIMES = ("as_of", "received_at", "asked")
"""What differs between two requests for the same, whatever is held."""


@dataclass(frozen=True)
class _Drawn(Setting):
    """A federation of a drawn world."""

    drawn: Mapping[Holder, Policy] = field(default_factory=dict[Holder, Policy])

    def policies(self) -> dict[Holder, Policy]:
        return dict(self.drawn)


async def heard(folder: Path, drawn: Drawn, world: World, side: Side) -> list[tuple[object, ...]]:
    """What is heard of every question by gateway, requester, and readers of the open ledgers."""
    found: list[tuple[object, ...]] = []
    setting = _Drawn(world.catalog, "", drawn=world.policies)
    async with federation(folder, {}, setting) as running:
        for holder, node in running.nodes.items():
            node.parts = replace(
                node.parts,
                engine=side.stores[holder].engine,
                mapping=side.mappings[holder],
                pseudonym=pseudonym,
            )
            node.after = lambda answer, holder=holder: _noted(found, holder, answer)  # type: ignore[misc]
        for sql in drawn.questions:
            ask = Ask(
                sql, {}, Purpose("inquiry"), "unit", {"officer": "4471"}, drawn.form, partial=True
            )
            found.append((sql, await _answered(running, ask)))
        for holder, node in running.nodes.items():
            # The holders' keys are the same on both sides, hence the tokens of one word too.
            found.append((holder, "spent", dict(node.parts.budgets._spent)))
    return found


async def _answered(running: Federation, ask: Ask) -> object:
    try:
        return _spelled(await running.ask(ask))
    except NarrowsError as error:
        return type(error).__name__, error.reason, str(error)


def _spelled(answer: Answer) -> object:
    reports = [
        (one.holder, one.outcome, one.reasons, one.narrowed, one.withheld, one.row_count)
        for one in answer.holders
    ]
    return answer.columns, answer.batches, answer.withheld_because, answer.caveats, reports


def _noted(found: list[tuple[object, ...]], holder: Holder, answer: NodeAnswer) -> NodeAnswer:
    """The answer, once its bytes on the wire and its entry are noted."""
    *batches, trailer = node_answer_parts(answer)
    fragments = [one.SerializeToString(deterministic=True) for one in trailer.trailer.fragments]
    entered: dict[str, Json] = {
        name: value
        for name, value in decode_entry(answer.receipt.entry).open.items()
        if name not in _TIMES
    }
    wire = [one.SerializeToString(deterministic=True) for one in batches]
    found.append((holder, sorted(wire), fragments, entered))
    return answer


@pytest.mark.timeout(0)
async def test_hidden_values_change_nothing_on_the_wire(tmp_path: Path, walking: Stores) -> None:
    answered, out_of_budget = dict.fromkeys(FORMS, 0), 0
    spent: list[object] = []
    for number in range(WORLDS):
        of_one, of_other, questions = await _both(number, tmp_path, walking)
        for first, second in zip(of_one, of_other, strict=True):
            assert first == second
        answered[_form(number)] += len(of_one) - questions
        out_of_budget += sum("for this day is spent" in repr(one) for one in of_one)
        spent += [one[2] for one in of_one if one[1] == "spent"]
    tallies = [tally for one in spent if isinstance(one, dict) for tally in one.values()]
    assert any(one.requests and one.literals and one.persons for one in tallies)
    assert min(answered.values()) > 3 * WORLDS // len(FORMS)
    assert out_of_budget > WORLDS


@pytest.mark.timeout(0)
async def test_a_never_that_is_dropped_is_seen_on_the_wire(
    tmp_path: Path, walking: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bind, "keeps_of", lambda *_: ())
    for number in range(20):
        of_one, of_other, _ = await _both(number, tmp_path, walking)
        if of_one != of_other:
            return
    pytest.fail("what no `never` hides was not told apart")


async def _both(
    number: int, folder: Path, stores: Stores
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]], int]:
    """What is heard of both federations of a world, in order, and how many questions there were."""
    drawn = _drawn(number)
    world, one, other = sides_of(drawn, stores)
    heard_of = []
    for name, side in (("one", one), ("other", other)):
        place = folder / f"{number}-{name}"
        place.mkdir()
        heard_of.append(sorted(await heard(place, drawn, world, side), key=repr))
    return heard_of[0], heard_of[1], len(drawn.questions)


@pytest.fixture
def walking(tmp_path: Path, pg: Server) -> Iterator[Stores]:
    """Stores of every engine, opened in the loop of this test."""
    found = Stores(tmp_path, lambda: pg)
    yield found
    found.close()


def _form(number: int) -> str:
    return FORMS[number % len(FORMS)]


def _drawn(number: int) -> Drawn:
    """A world of that form, in which a member with an agreement asks, within a small budget."""
    for attempt in range(1000):
        name = f"{SEED}/walk/{number}/{attempt}"
        drawn = draw_world(Random(name), Random(f"{name}/cells"), questions=20)
        is_plain = drawn.form == _form(number) and drawn.asker == type(drawn.asker)()
        if is_plain and drawn.views(HOLDERS[0]).grants:
            rng = Random(f"{name}/budget")
            specs = {holder: _with_budget(spec, rng) for holder, spec in drawn.specs.items()}
            return replace(drawn, specs=specs)
    raise AssertionError


def _with_budget(spec: Spec, rng: Random) -> Spec:
    a_day = {
        "requests": rng.randint(6, 14),
        "literals": rng.randint(4, 12),
        "same_person": rng.randint(2, 6),
    }
    some = dict(rng.sample(sorted(a_day.items()), rng.randint(1, 3)))
    agreements = tuple(replace(one, a_day=some) for one in spec.agreements)
    return replace(spec, agreements=agreements)
