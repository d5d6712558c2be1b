"""Generated worlds: catalog, policies, asker, and two federations that look the same from outside."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from hypothesis import Phase

from narrows.core.catalog import Catalog
from narrows.core.terms import Holder
from tests.proof.asking import Federations, Heard, Side, World, fill_side, make_world
from tests.proof.attacking import attack
from tests.proof.pairs import Pair, draw_tables, hidden_pair
from tests.proof.policies import draw_spec
from tests.proof.questions import Questions
from tests.proof.schema import HOLDERS, draw_catalog
from tests.proof.spec import Granted, Spec
from tests.proof.stores import Stores
from tests.proof.views import Asker, Tables, Views

SEED = int(os.environ.get("NARROWS_PROOF_SEED", "3"))
EXAMPLES = int(os.environ.get("NARROWS_PROOF_EXAMPLES", "2000"))
"""How many questions are asked of pairs; each is drawn, and asked of both databases."""
QUESTIONS_A_PAIR = 10
PHASES = (
    (Phase.generate,)
    if os.environ.get("NARROWS_PROOF_SHRINK") == "0"
    else (Phase.generate, Phase.shrink)
)
_ENGINES = (("duckdb", "sqlite"), ("sqlite", "duckdb"), ("postgresql", "sqlite"))


@dataclass(frozen=True, slots=True)
class Drawn:
    """One world before any database is filled."""

    catalog: Catalog
    specs: Mapping[Holder, Spec]
    form: str
    asker: Asker
    pairs: Mapping[Holder, Pair]
    questions: tuple[str, ...]
    engines: Sequence[str]

    def views(self, holder: Holder) -> Views:
        """The release views of a holder."""
        return Views(self.catalog, self.specs[holder], self.form, self.asker)


def draw_world(
    structure: Random, cells: Random, questions: int = QUESTIONS_A_PAIR, form: str = ""
) -> Drawn:
    """A world: its structure from one source of choices, the cells of its tables from another."""
    catalog = draw_catalog(structure)
    wanted = form
    spec, form = draw_spec(structure, catalog, wanted)
    # The holders mostly have one policy, so that questions are answered by both.
    other = spec if structure.random() < 0.85 else draw_spec(structure, catalog, wanted)[0]
    specs = dict(zip(HOLDERS, (spec, other), strict=True))
    asker = draw_asker(structure)
    engines = structure.choice(_ENGINES)
    pairs: dict[Holder, Pair] = {}
    for holder in HOLDERS:
        tables = draw_tables(cells, catalog, holder)
        views = Views(catalog, specs[holder], form, asker)
        pairs[holder] = hidden_pair(cells, tables, views)
    grants = Views(catalog, spec, form, asker).grants
    first = pairs[HOLDERS[0]].one
    asked = tuple(draw_question(structure, catalog, grants, first) for _ in range(questions))
    return Drawn(catalog, specs, form, asker, pairs, asked, engines)


def draw_asker(rng: Random) -> Asker:
    """Who asks: mostly somebody with whom there is an agreement."""
    chance = rng.random()
    if chance < 0.02:
        return Asker(member="other", member_class="licensing")
    if chance < 0.05:
        return Asker(purpose="audit")
    return Asker(day=date(2025, 12, 1)) if chance < 0.06 else Asker()


def draw_question(rng: Random, catalog: Catalog, grants: Sequence[Granted], tables: Tables) -> str:
    """One question: of the grammar, or of the catalogue of attacks."""
    grant = rng.choice(grants) if grants else None
    if rng.random() < 0.25:
        return attack(rng, catalog, grant, tables)
    return Questions(rng, catalog, grant, tables).question()


def sides_of(drawn: Drawn, stores: Stores) -> tuple[World, Side, Side]:
    """The world as nodes read it, and both federations, filled."""
    world = make_world(drawn.catalog, drawn.specs, drawn.form, drawn.asker)
    one = {holder: pair.one for holder, pair in drawn.pairs.items()}
    other = {holder: pair.other for holder, pair in drawn.pairs.items()}
    return (
        world,
        fill_side(stores, drawn.engines, one, drawn.catalog, "one"),
        fill_side(stores, drawn.engines, other, drawn.catalog, "other"),
    )


def heard_by_both(
    drawn: Drawn, stores: Stores, federations: Federations
) -> Iterator[tuple[str, Heard, Heard]]:
    """Each question, and what is heard of it from either federation."""
    world, one, other = sides_of(drawn, stores)
    for sql in drawn.questions:
        yield sql, federations.ask(sql, world, one), federations.ask(sql, world, other)


def found_by(
    stores: Stores,
    worlds: int,
    mend: Callable[[Drawn], Drawn] = lambda drawn: drawn,
    seed: int = SEED,
    first: int = 0,
) -> str:
    """The first question that tells a pair apart, among so many worlds from there; empty for none.

    For negative controls: no shrinking, no waiting.
    """
    federations = Federations(stores)
    for number in range(first, first + worlds):
        drawn = mend(draw_world(Random(f"{seed}/{number}"), Random(f"{seed}/{number}/cells")))
        for sql, one, other in heard_by_both(drawn, stores, federations):
            if difference := one.first_difference(other):
                return f"{sql}\n{difference}"
    return ""
