"""Monotone: a stricter policy never lets a requester tell more pairs apart.

Pairs are such that nobody can tell them apart under the looser policy; then nobody can under the
stricter one. With the pairs of `test_paired_databases` that is the whole statement: what is told
apart under the stricter policy was told apart before.
"""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.proof.asking import Federations
from tests.proof.schema import HOLDERS
from tests.proof.stores import Stores
from tests.proof.stricter import stricter, wider
from tests.proof.views import Views
from tests.proof.worlds import (
    EXAMPLES,
    PHASES,
    QUESTIONS_A_PAIR,
    SEED,
    Drawn,
    draw_question,
    draw_world,
    found_by,
    heard_by_both,
)


def made_stricter(drawn: Drawn, rng: Random) -> Drawn:
    """The same pairs under stricter policies, with questions of both policies' kind."""
    specs = {holder: stricter(rng, spec, drawn.catalog) for holder, spec in drawn.specs.items()}
    grants = Views(drawn.catalog, specs[HOLDERS[0]], drawn.form, drawn.asker).grants
    tables = drawn.pairs[HOLDERS[0]].one
    more = [draw_question(rng, drawn.catalog, grants, tables) for _ in range(QUESTIONS_A_PAIR // 2)]
    asked = (*more, *drawn.questions[: QUESTIONS_A_PAIR // 2])
    return replace(drawn, specs=specs, questions=asked)


def made_wider(drawn: Drawn) -> Drawn:
    """The same pairs under policies that show more, as if that were stricter."""
    rng = Random(1)
    specs = {holder: wider(rng, spec, drawn.catalog) for holder, spec in drawn.specs.items()}
    grants = Views(drawn.catalog, specs[HOLDERS[0]], drawn.form, drawn.asker).grants
    tables = drawn.pairs[HOLDERS[0]].one
    more = [draw_question(rng, drawn.catalog, grants, tables) for _ in range(QUESTIONS_A_PAIR)]
    return replace(drawn, specs=specs, questions=tuple(more))


@pytest.mark.timeout(0)
@seed(SEED)
@settings(
    max_examples=max(1, EXAMPLES // (4 * QUESTIONS_A_PAIR)),
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
@given(structure=st.randoms(use_true_random=True), cells=st.integers(0, 2**64 - 1))
def test_a_stricter_policy_tells_no_more_apart(
    stores: Stores, structure: Random, cells: int
) -> None:
    drawn = made_stricter(draw_world(structure, Random(cells)), structure)
    for sql, one, other in heard_by_both(drawn, stores, Federations(stores)):
        assert one.first_difference(other) == "", sql


def test_a_wider_policy_is_caught(stores: Stores) -> None:
    assert found_by(stores, worlds=50, mend=made_wider) != ""
