"""Worlds for the real walk: of every form, on every engine, some with a budget that is soon spent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.policy.rows import release_rows
from narrows.core.policy.together import decide_together
from narrows.core.terms import ColumnName, ColumnType, TypedValue
from narrows.errors import NarrowsError
from tests.proof.asking import Side, World, make_world, pseudonym
from tests.proof.attacking import attack
from tests.proof.counted import CubeViews, draw_counting
from tests.proof.pairs import draw_tables, hidden_pair
from tests.proof.questions import Questions
from tests.proof.schema import HOLDERS, draw_catalog
from tests.proof.spec import Spec
from tests.proof.stores import Stores
from tests.proof.views import Asker
from tests.proof.worlds import SEED, Drawn, draw_world, sides_of

FORMS = ("lookup", "list", "pointer", "count")
ENGINES = (("duckdb", "sqlite"), ("sqlite", "postgresql"))
"""The first and every second four worlds need no server."""
QUESTIONS, LEAST = 14, 6
"""How many questions are asked of a world, and how many of them give rows."""
_TRIED = 40
_DAY = {TODAY_SLOT: TypedValue(ColumnType.DATE, Asker().day)}


@dataclass(frozen=True, slots=True)
class Walk:
    """A world; of a cube that `is_second`, both sides built an edition of the same tables before."""

    drawn: Drawn
    is_second: bool

    def sides(self, stores: Stores) -> tuple[World, Side, Side]:
        """The world, and both federations, filled."""
        return sides_of(self.drawn, stores)


def draw_walk(number: int, name: str = f"{SEED}/walk") -> Walk:
    """The world of that number: forms, engines, budgets and second editions take turns."""
    form, turn = FORMS[number % len(FORMS)], number // len(FORMS)
    engines = ENGINES[turn % len(ENGINES)]
    is_second = form == "count" and turn % 3 > 0
    for attempt in range(1000):
        seeded = f"{name}/{number}/{attempt}"
        structure, cells = Random(seeded), Random(f"{seeded}/cells")
        if form == "count":
            drawn = _counting(structure, cells, is_second=is_second)
        else:
            drawn = draw_world(structure, cells, _TRIED, form)
        asked = _worth_asking(drawn, structure)
        if not asked:
            continue
        drawn = replace(drawn, engines=engines, questions=asked)
        if number % 3:
            budget = _budget(structure, form)
            specs = {holder: _limited(spec, budget) for holder, spec in drawn.specs.items()}
            drawn = replace(drawn, specs=specs)
        return Walk(drawn, is_second)
    raise AssertionError


def _worth_asking(drawn: Drawn, rng: Random) -> tuple[str, ...]:
    """Mostly questions that give rows, some that find nothing, and some that are refused.

    None at all where hardly any would be answered: walking takes its time.
    """
    changes = sum(pair.changes for pair in drawn.pairs.values())
    if drawn.asker != Asker() or changes < LEAST:
        return ()
    world = make_world(drawn.catalog, drawn.specs, drawn.form, drawn.asker)
    found: dict[str, list[str]] = {"rows": [], "miss": [], "none": []}
    for sql in dict.fromkeys(drawn.questions):
        found[_comes_to(sql, world, drawn)].append(sql)
    if len(found["rows"]) < LEAST:
        return ()
    asked = [*found["rows"][: QUESTIONS - 5], *found["miss"][:3]]
    asked += found["none"][: QUESTIONS - len(asked)]
    rng.shuffle(asked)
    return tuple(asked)


def _comes_to(sql: str, world: World, drawn: Drawn) -> str:
    """Whether a question gives rows, finds nothing, or is refused by the first holder."""
    holder = HOLDERS[0]
    try:
        split = plan(sql, {}, world.catalog, world.form)
    except NarrowsError:
        return "none"
    fragments = [
        fragment
        for part, fragment in zip(split.parts, split.fill(_DAY), strict=True)
        if part.asked(holder) is None
    ]
    judged = decide_together(world.policies[holder], world.catalog, fragments, world.circumstances)
    bounds = [bound for _, bound in judged if bound is not None]
    if not bounds or len(bounds) < len(judged):
        return "none"
    if world.form == "count":
        return "rows"
    tables = {
        name: [{ColumnName(column): value for column, value in row.items()} for row in rows]
        for name, rows in drawn.pairs[holder].one.items()
    }
    try:
        found = [release_rows(one, tables, pseudonym) for one in bounds]
    except NarrowsError:
        return "miss"
    return "rows" if any(found) else "miss"


def _counting(structure: Random, cells: Random, *, is_second: bool) -> Drawn:
    catalog = draw_catalog(structure)
    spec = draw_counting(structure, catalog)
    pairs = {}
    for holder in HOLDERS:
        tables = draw_tables(cells, catalog, holder, most=14, least=7)
        views = CubeViews(catalog, spec, tables if is_second else None)
        pairs[holder] = hidden_pair(cells, tables, views, steps=40)
    grant, first = CubeViews(catalog, spec).grant, pairs[HOLDERS[0]].one
    asked = tuple(
        attack(structure, catalog, grant, first)
        if structure.random() < 0.2
        else Questions(structure, catalog, grant, first).question()
        for _ in range(_TRIED)
    )
    return Drawn(catalog, dict.fromkeys(HOLDERS, spec), "count", Asker(), pairs, asked, ())


def _budget(rng: Random, form: str) -> Mapping[str, object]:
    """A budget of which the questions of one world spend more than there is."""
    limits = {
        "requests": rng.randint(3, 9),
        "literals": rng.randint(3, 9),
        "same_person": rng.randint(1, 2),
    }
    # A list and a cube match nothing that could be counted.
    names = ["requests"] if form in ("list", "count") else sorted(limits)
    chosen = rng.sample(names, min(len(names), rng.choice((1, 2, 3))))
    per = rng.choice(([], ["officer"], ["purpose"], ["officer", "purpose"]))
    return {"per": per, "a_day": {name: limits[name] for name in chosen}}


def _limited(spec: Spec, budget: Mapping[str, object]) -> Spec:
    agreements = tuple(
        replace(one, budget=budget) if one.id == "main" else one for one in spec.agreements
    )
    return replace(spec, agreements=agreements)
