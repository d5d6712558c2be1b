"""What drawn questions read: relations, subqueries and named queries, joined in every way.

Joins are kept small: at most one of their sides is itself a query, and sides that no equality ties
are relations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from narrows.core.catalog import Catalog
from tests.oracle.terms import BOOLEAN, Cell, Term, Terms

_JOINS = ("JOIN", "JOIN", "JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
Nested = Callable[[int], tuple[str, tuple[Term, ...]]]


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause and the cells in sight; `width` is that of its star, 0 where not known."""

    text: str
    cells: tuple[Cell, ...]
    width: int
    leaves: int = 1
    is_query: bool = False
    reach: tuple[Cell, ...] = ()
    """What a further `ON` may read, where that is not all: a comma binds weaker than a join."""

    @property
    def reached(self) -> tuple[Cell, ...]:
        """The cells that a condition of a further join may read."""
        return self.reach or tuple(cell for cell in self.cells if cell.alias)


@dataclass(slots=True)
class Sources:
    """Draws sources; `nested` draws a query that nests no deeper than that."""

    rng: Random
    catalog: Catalog
    terms: Terms
    nested: Nested
    aliases: int = 0
    named: list[tuple[str, tuple[Term, ...]]] = field(
        default_factory=list[tuple[str, tuple[Term, ...]]]
    )

    def name(self, text: str, columns: tuple[Term, ...]) -> str:
        """A common table expression, which what is drawn later may read."""
        name = f"w{len(self.named) + 1}"
        self.named.append((name, columns))
        return f"{name} AS ({text})"

    def draw(self, depth: int, most: int = 3) -> Source:
        """One to three sources, joined; fewer deep inside, or where one is a query."""
        count = min(most, self.rng.choice((1, 1, 2, 2, 2, 3) if depth > 1 else (1, 1, 1, 2)))
        found = self._leaf(depth, may_nest=True)
        while found.leaves < min(count, 2 if found.is_query else 3):
            before = found.leaves
            right = self._leaf(depth, found.cells, may_nest=not found.is_query)
            found = self._joined(found, right)
            if found.leaves == before:
                break
            if found.reach and self.rng.random() < 0.4:
                count = 3
        return found

    def tie(self, left: Sequence[Cell], right: Sequence[Cell], *, loosely: bool = True) -> str:
        """A condition that ties two sources: at one holder by a key, by a key, or by any values."""
        rng = self.rng
        left, right = ([cell for cell in side if cell.alias] for side in (left, right))
        keyed = [
            (one, other)
            for one in left
            for other in right
            if one.domain is not None and one.domain == other.domain
        ]
        if keyed and rng.random() < 0.85:
            one, other = rng.choice(keyed)
            tie = f"{one.text} = {other.text}"
            if one.relation != other.relation and rng.random() < 0.8:
                return f"{one.alias}.holder = {other.alias}.holder AND {tie}"
            return tie
        alike = [
            (one, other)
            for one in left
            for other in right
            if one.kind is other.kind and one.kind is not BOOLEAN
        ]
        if not alike:
            return ""
        one, other = rng.choice(alike)
        at = ""
        if one.relation and other.relation and "holder" not in (one.name, other.name):
            at = self.terms.maybe(0.4, f"{one.alias}.holder = {other.alias}.holder AND ")
        ops = ("=", "=", "=", "IS NOT DISTINCT FROM", *("<",) * loosely)
        return f"{at}{one.text} {rng.choice(ops)} {other.text}"

    def _leaf(self, depth: int, beside: Sequence[Cell] = (), *, may_nest: bool) -> Source:
        chance = self.rng.random()
        self.aliases += 1
        alias = f"a{self.aliases}"
        if may_nest and self.named and chance < 0.5:
            name, columns = self.rng.choice(self.named)
            return _query(f"{name} {alias}", alias, columns)
        if may_nest and depth and chance > 0.84:
            text, columns = self.nested(depth - 1)
            return _query(f"({text}) {alias}", alias, columns)
        domains = self.catalog.key_domains
        known = {cell.domain for cell in beside if cell.domain is not None}
        seen = {cell.relation for cell in beside}
        near = [name for (name, _), one in domains.items() if one in known and name not in seen]
        is_near = near and self.rng.random() < 0.7
        name = self.rng.choice(near if is_near else list(self.catalog.relations))
        relation = self.catalog.relations[name]
        cells = tuple(
            Cell(
                f"{alias}.{one.name}",
                one.type,
                alias=alias,
                name=one.name,
                column=one,
                relation=relation.name,
                domain=domains.get((relation.name, one.name)),
            )
            for one in relation.columns
        )
        return Source(f"{relation.name} {alias}", cells, len(cells))

    def _joined(self, left: Source, right: Source) -> Source:
        rng = self.rng
        is_query = left.is_query or right.is_query
        # A column that `USING` made one of two has no alias, and means nothing beside a third.
        cells = (*(cell for cell in left.cells if cell.alias), *right.cells)
        leaves = left.leaves + right.leaves
        width = left.width and left.width + right.width
        word = rng.choice(_JOINS)
        if using := self._using(left, right):
            text = f"{left.text} {word} {right.text} USING ({using})"
            merged = [replace(one, text=one.name, alias="") for one in right.cells]
            both = [one for one in merged if one.name in using.split(", ")]
            return Source(text, (*cells, *both * 2), 0, leaves)
        is_small = leaves == 2 and not is_query
        tie = self.tie(left.reached, right.cells, loosely=is_small)
        if is_small and (not tie or rng.random() < 0.14):
            glue = rng.choice((" CROSS JOIN ", ", ", ", "))
            reach = right.cells if glue == ", " else ()
            return Source(f"{left.text}{glue}{right.text}", cells, width, leaves, reach=reach)
        if not tie:
            return left
        tests = [tie]
        sides = (left.reached, right.cells, left.reached + right.cells)
        if rng.random() < 0.3:
            tests.append(self.terms.test(rng.choice(sides)))
        if rng.random() < 0.18:
            holders = [cell.text for cell in rng.choice(sides[:2]) if cell.name == "holder"]
            tests += [
                f"{one} {rng.choice(('=', '<>'))} '{rng.choice(self.terms.holders)}'"
                for one in holders[:1]
            ]
        text = f"{left.text} {word} {right.text} ON {' AND '.join(tests)}"
        reach = (*left.reach, *right.cells) if left.reach else ()
        return Source(text, cells, width, leaves, is_query, reach)

    def _using(self, left: Source, right: Source) -> str:
        """Columns that both relations have, for `USING`; or nothing."""
        if self.rng.random() > 0.3 or left.leaves > 1 or left.is_query or right.is_query:
            return ""
        names = {(one.name, one.kind) for one in left.cells if one.domain is not None}
        shared = [one.name for one in right.cells if one.domain and (one.name, one.kind) in names]
        if not shared or left.cells[0].relation == right.cells[0].relation:
            return ""
        return self.terms.maybe(0.8, "holder, ") + self.rng.choice(shared)


def _query(text: str, alias: str, columns: Sequence[Term]) -> Source:
    cells = tuple(
        Cell(f"{alias}.{one.text}", one.kind, one.adds, alias=alias, name=one.text)
        for one in columns
    )
    return Source(text, cells, len(cells), is_query=True)
