"""Questions of a grammar of the accepted SQL, drawn from a plain random source.

A question has one right answer. Where SQL leaves a choice, either the text leaves none or the
choice that Narrows promises is spelled out for the reference: a part in braces stands in the
reference alone. So rows that an `ORDER BY … LIMIT` ties are cut in the order of all output columns,
windows that count off rows are ordered by all that is shown, and nothing is compared, ordered or
grouped by an average or a deviation, whose last digit hangs on how it was added up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from narrows.core.catalog import Catalog
from narrows.core.terms import ColumnType, TypedValue
from tests.oracle.sources import Source, Sources
from tests.oracle.terms import BIGINT, BOOLEAN, DOUBLE, OPS, WHOLE, Term, Terms
from tests.oracle.world import VALUES
from tests.proof.values import literal

TODAY = "DATE '2026-06-01'"


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and what of its answer is fixed.

    `fixed` are the places of the output columns whose order of rows is; `loose` those of figures
    that are right within some last digits.
    """

    sql: str
    reference: str
    values: Mapping[str, TypedValue]
    fixed: tuple[int, ...] = ()
    loose: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A SELECT or set operation without what follows it.

    `columns` are its outputs by name; `hidden` terms that it may be ordered by beside them.
    """

    text: str
    columns: tuple[Term, ...]
    hidden: tuple[Term, ...] = ()
    loose: tuple[int, ...] = ()


class Grammar:
    """Draws one question about a catalog."""

    def __init__(self, rng: Random, catalog: Catalog) -> None:
        self.rng = rng
        self.catalog = catalog
        self.terms = Terms(rng, catalog.holders)
        self.sources = Sources(rng, catalog, self.terms, self.nested)

    def question(self) -> Question:
        """One question."""
        rng = self.rng
        ctes = ", ".join(self.cte() for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2))))
        body = self.cut() if rng.random() < 0.06 else self.body(depth=2)
        text, fixed = self.ordered(body, chance=0.4 if body.hidden else 0.8)
        whole = f"WITH {ctes} {text}" if ctes else text
        return spelled(whole, self.terms.values, fixed, body.loose)

    def cte(self) -> str:
        """A named query, which later ones may read."""
        return self.sources.name(*self.nested(1))

    def nested(self, depth: int) -> tuple[str, tuple[Term, ...]]:
        """A query inside another one, and its columns: often one in which rows are told apart."""
        chance = self.rng.random()
        if chance < 0.2:
            body = self.plain(depth, distinct=1)
        elif chance < 0.35:
            body = self.united(0)
        else:
            body = self.body(depth, exact=True)
        text, _ = self.ordered(body, chance=0.35, inside=True)
        return text, body.columns

    def body(self, depth: int, *, exact: bool = False) -> Body:
        """Any kind of select, or a set operation; with `exact`, of no averages."""
        kinds = (self.plain,) * 4 + (self.grouped,) * 4 + (self.windowed, self.starred)
        if depth and self.rng.random() < 0.15:
            return self.united(depth - 1)
        return self.rng.choice(kinds)(depth, exact=exact)

    # --- selects -----------------------------------------------------------------------------

    def plain(
        self,
        depth: int,
        *,
        exact: bool = False,
        kinds: Sequence[ColumnType] = (),
        distinct: float = 0.25,
    ) -> Body:
        """Columns and expressions of what is joined; of these types where they are given."""
        del exact
        source = self.sources.draw(depth)
        wanted: Sequence[ColumnType | None] = kinds or [None] * self.rng.randint(1, 4)
        items = [self.item(source, kind, depth) for kind in wanted]
        listed = ", ".join(f"{item.text} AS c{n}" for n, item in enumerate(items))
        word = self.terms.maybe(distinct, "DISTINCT ")
        return Body(
            f"SELECT {word}{listed} FROM {source.text}{self.where(source, depth)}",
            _outputs(items),
            () if word else source.cells,
        )

    def cut(self) -> Body:
        """Columns of what is joined at holders or not at all, without a condition."""
        source = self.sources.draw(2, most=self.rng.choice((1, 1, 2)))
        items = [self.rng.choice(source.cells) for _ in range(self.rng.randint(1, 3))]
        listed = ", ".join(f"{item.text} AS c{n}" for n, item in enumerate(items))
        word = self.terms.maybe(0.5, "DISTINCT ")
        return Body(f"SELECT {word}{listed} FROM {source.text}", _outputs(items))

    def item(self, source: Source, kind: ColumnType | None, depth: int) -> Term:
        """A column, an expression or a figure of a subquery."""
        chance = self.rng.random()
        cells = [cell for cell in source.cells if kind in (None, cell.kind)]
        if kind in (None, BIGINT) and depth and chance < 0.08:
            return Term(f"(SELECT count(*) {self.inner(source)[1]})", BIGINT)
        if cells and chance < 0.7:
            return self.rng.choice(cells)
        return self.terms.expression(source.cells, kind)

    def starred(self, depth: int, *, exact: bool = False) -> Body:
        """A star of one or of all."""
        source = self.sources.draw(depth, most=1 if exact else 3)
        alias = self.rng.choice([cell.alias for cell in source.cells if cell.alias])
        where = self.where(source, depth)
        own = [cell for cell in source.cells if cell.alias == alias]
        if source.leaves == 1 or self.rng.random() < 0.4:
            text = f"SELECT {'*' if source.leaves == 1 else f'{alias}.*'} FROM {source.text}{where}"
            outputs = tuple(Term(one.name, one.kind, one.adds) for one in own)
            return Body(text, outputs, tuple(own))
        # Names may come twice: its order is that of columns of the relations, by no place.
        columns = (Term("", BOOLEAN),) * source.width
        return Body(f"SELECT * FROM {source.text}{where}", columns, source.cells)

    def grouped(self, depth: int, *, exact: bool = False, kinds: Sequence[ColumnType] = ()) -> Body:
        """Groups and their figures, or figures of all rows."""
        del kinds
        source = self.sources.draw(depth)
        keys = [
            self.rng.choice(source.cells)
            if self.rng.random() < 0.75
            else self.terms.expression(source.cells)
            for _ in range(self.rng.choice((0, 1, 1, 1, 2)))
        ]
        figures = [self.figure(source, exact=exact) for _ in range(self.rng.randint(1, 3))]
        items = [*keys, *(term for term, _ in figures)]
        if keys and self.rng.random() < 0.1:
            items.append(Term("rank() OVER (ORDER BY count(*))", BIGINT))
        if keys and not exact and self.rng.random() < 0.1:
            # Groups without a figure are distinct rows.
            items, figures = list(keys), []
        loose = tuple(len(keys) + n for n, (_, is_loose) in enumerate(figures) if is_loose)
        listed = ", ".join(f"{item.text} AS c{n}" for n, item in enumerate(items))
        by = ", ".join(
            str(n + 1) if ":" in key.text or self.rng.random() < 0.5 else key.text
            for n, key in enumerate(keys)
        )
        group = f" GROUP BY {by}" if keys else ""
        having = ""
        if self.rng.random() < 0.2:
            having = f" HAVING count(*) {self.rng.choice(('>', '>=', '<', '<>'))} 1"
        return Body(
            f"SELECT {listed} FROM {source.text}{self.where(source, depth)}{group}{having}",
            _outputs(items),
            (Term("count(*)", BIGINT),),
            loose,
        )

    def figure(self, source: Source, *, exact: bool) -> tuple[Term, bool]:
        """An aggregate, and whether its last digits are open."""
        rng, cells = self.rng, source.cells
        cell: Term = rng.choice(cells)
        if rng.random() < 0.2:
            cell = self.terms.expression(cells)
        name = cell.text
        found = [
            (Term("count(*)", BIGINT), False),
            (Term(f"count({name})", BIGINT), False),
            (Term(f"count(DISTINCT {name})", BIGINT), False),
            (Term(f"min({name})", cell.kind, cell.adds), False),
            (Term(f"max({name})", cell.kind, cell.adds), False),
        ]
        if cell.kind is BOOLEAN:
            found.append((Term(f"{rng.choice(('bool_and', 'bool_or'))}({name})", BOOLEAN), False))
        numbers = [one for one in cells if one.kind in (*WHOLE, DOUBLE) and one.adds]
        if numbers:
            number = rng.choice(numbers)
            kind = DOUBLE if number.kind is DOUBLE else BIGINT
            found += [(Term(f"sum({number.text})", kind), False)] * 3
            found.append((Term(f"sum(DISTINCT {number.text})", kind), False))
            if not exact:
                small = [one for one in numbers if one.kind is not BIGINT] or numbers[:0]
                found += [(Term(f"avg({number.text})", DOUBLE), True)] * 2
                found += [
                    (
                        Term(
                            f"{rng.choice(('stddev_pop', 'stddev_samp', 'var_pop'))}({one.text})",
                            DOUBLE,
                        ),
                        True,
                    )
                    for one in small[:1]
                ]
        term, is_loose = rng.choice(found)
        if rng.random() < 0.2:
            only = self.terms.test(cells)
            term = replace(term, text=f"{term.text} FILTER (WHERE {only})")
        return term, is_loose

    def windowed(self, depth: int, *, exact: bool = False) -> Body:
        """A window, ordered by all that is shown where it counts off rows."""
        del exact
        source = self.sources.draw(depth)
        cells = [self.rng.choice(source.cells) for _ in range(3)]
        shown, part, order = cells
        numbers = [one for one in source.cells if one.kind in WHOLE]
        calls = [
            Term("rank()", BIGINT),
            Term("dense_rank()", BIGINT),
            Term("row_number()", BIGINT),
            Term("count(*)", BIGINT),
            Term(f"max({shown.text})", shown.kind),
            Term(f"lag({shown.text})", shown.kind),
            Term(f"first_value({shown.text})", shown.kind),
            Term("ntile(2)", BIGINT),
        ]
        if numbers:
            calls.append(Term(f"sum({self.rng.choice(numbers).text})", BIGINT))
        call = self.rng.choice(calls)
        counts_off = call.text.startswith(("row_number", "lag", "first_value", "ntile"))
        tie = f", {shown.text}, {part.text}" if counts_off else ""
        way = self.rng.choice(("", " DESC", " NULLS FIRST"))
        by = self.terms.maybe(0.7, f"PARTITION BY {part.text}")
        over = f"{by} ORDER BY {order.text}{way}{tie}".strip()
        items = [shown, part, order, replace(call, text=f"{call.text} OVER ({over})")]
        listed = ", ".join(f"{item.text} AS c{n}" for n, item in enumerate(items))
        where = self.where(source, depth)
        hidden = () if counts_off else source.cells
        return Body(f"SELECT {listed} FROM {source.text}{where}", _outputs(items), hidden)

    def united(self, depth: int) -> Body:
        """Two queries put together, of columns of the same types."""
        kinds = [self.rng.choice(list(VALUES)) for _ in range(self.rng.choice((1, 2, 2, 3)))]
        sides = []
        for _ in range(2):
            body = self.plain(depth, kinds=kinds)
            text, _ = self.ordered(body, chance=0.1, inside=True)
            sides.append((body, f"({text})" if text != body.text else text))
        word = self.rng.choice(("UNION", "UNION ALL", "INTERSECT", "EXCEPT"))
        word += self.terms.maybe(0.2, " ALL") if word in ("INTERSECT", "EXCEPT") else ""
        (one, left), (_, right) = sides
        return Body(f"{left} {word} {right}", one.columns)

    # --- what follows a select -----------------------------------------------------------------

    def ordered(
        self, body: Body, chance: float = 0.4, *, inside: bool = False
    ) -> tuple[str, tuple[int, ...]]:
        """The body with an order and a cut, at times; and the columns whose order is then fixed.

        Inside of another query a cut leaves no choice: what nobody reads there takes no part in it.
        """
        rng = self.rng
        if rng.random() > chance or not body.columns:
            return body.text, ()
        places = [n for n in range(len(body.columns)) if n not in body.loose]
        by_name = [n for n in places if body.columns[n].text]
        keys: list[str] = []
        fixed: list[int] = []
        is_open = False
        for place in rng.sample(places, rng.randint(0, min(2, len(places)))):
            name = body.columns[place].text
            keys.append(str(place + 1) if place not in by_name or rng.random() < 0.5 else name)
            fixed.append(place)
        if body.hidden and rng.random() < 0.3:
            keys.insert(0, rng.choice(body.hidden).text)
            is_open = True
        ways = ("", "", " DESC", " NULLS FIRST", " DESC NULLS LAST")
        keys = [f"{key}{rng.choice(ways)}" for key in keys]
        every = ", ".join(str(n + 1) for n in range(len(body.columns)))
        text = f"{body.text} ORDER BY {', '.join(keys)}" if keys else body.text
        if not body.loose and (not keys or rng.random() < 0.6):
            tie = f"{{, {every}}}" if keys else f"{{ ORDER BY {every}}}"
            tie = tie.strip("{}") if inside else tie
            limit = rng.choice((1, 2, 3, 3, 5, 20))
            text += f"{tie} LIMIT {limit}" + self.terms.maybe(0.3, f" OFFSET {rng.randint(1, 2)}")
            return text, tuple(range(len(body.columns)))
        if not body.loose and rng.random() < 0.4:
            return f"{text}, {every}", tuple(range(len(body.columns)))
        return text, () if is_open else tuple(fixed)

    def where(self, source: Source, depth: int) -> str:
        """A WHERE clause, at times."""
        count = self.rng.choice((0, 0, 1, 1, 2))
        tests = [self.condition(source, depth) for _ in range(count)]
        if any(word in source.text for word in ("RIGHT", "FULL")) and self.rng.random() < 0.4:
            # What a join left empty passes too.
            cell = self.rng.choice(source.cells)
            one = f"({cell.text} {self.rng.choice(OPS)} {self.terms.constant(cell)}"
            tests.append(f"{one} OR {cell.text} IS NULL)")
        if self.rng.random() < 0.08:
            holder = self.rng.choice(self.catalog.holders)
            named = [cell for cell in source.cells if cell.name == "holder"]
            tests += [f"{one.text} {self.rng.choice(('=', '<>'))} '{holder}'" for one in named[:1]]
        return f" WHERE {' AND '.join(tests)}" if tests else ""

    def condition(self, source: Source, depth: int) -> str:
        """A condition, with a subquery at times."""
        if depth and self.rng.random() < 0.25:
            return self.within(source)
        return self.terms.test(source.cells)

    def within(self, source: Source) -> str:
        """A condition with a subquery, which mostly reads the row that it is asked of."""
        rng = self.rng
        inner, tail = self.inner(source)
        own = rng.choice(inner.cells)
        alike = [cell for cell in source.cells if cell.kind is own.kind]
        negated = self.terms.maybe(0.5, "NOT ")
        kinds = ["exists", "exists", "grouped"]
        if alike:
            kinds += ["in", "in", "in", "scalar", "both"]
        match rng.choice(kinds):
            case "in":
                distinct = self.terms.maybe(0.2, "DISTINCT ")
                return f"{rng.choice(alike).text} {negated}IN (SELECT {distinct}{own.text} {tail})"
            case "scalar":
                figure = f"(SELECT {rng.choice(('min', 'max'))}({own.text}) {tail})"
                return f"{rng.choice(alike).text} {rng.choice(OPS)} {figure}"
            case "both":
                _, other = self.inner(source, ties=0)
                also = self.rng.choice(("UNION", "EXCEPT", "INTERSECT"))
                constant = literal(VALUES[own.kind][0])
                second = f"SELECT {constant} {other}"
                return f"{rng.choice(alike).text} {negated}IN (SELECT {own.text} {tail} {also} {second})"
            case "grouped":
                having = f"GROUP BY {own.text} HAVING count(*) > 1"
                return f"{negated}EXISTS (SELECT {own.text} {tail} {having})"
        shown = rng.choice(("1", "*", own.text))
        return f"{negated}EXISTS (SELECT {shown} {tail})"

    def inner(self, outer: Source, ties: float = 0.8) -> tuple[Source, str]:
        """A source of a subquery, and its FROM and WHERE, tied to the row around it at times."""
        source = self.sources.draw(0)
        tests = [self.terms.test(source.cells)] if self.rng.random() < 0.4 else []
        if self.rng.random() < ties and (tie := self.sources.tie(outer.cells, source.cells)):
            tests.insert(0, tie)
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        return source, f"FROM {source.text}{where}"


def spelled(
    text: str,
    values: Mapping[str, TypedValue],
    fixed: tuple[int, ...] = (),
    loose: tuple[int, ...] = (),
) -> Question:
    """The question of a text: what stands in braces is of the reference alone."""
    reference = text.replace("{", "").replace("}", "").replace("CURRENT_DATE", TODAY)
    reference = re.sub(r":([a-z]\w*)", lambda found: literal(values[found[1]].value), reference)
    sql = re.sub(r"\{[^}]*\}", "", text)
    read = {name: values[name] for name in dict.fromkeys(re.findall(r":([a-z]\w*)", sql))}
    return Question(sql, reference, read, fixed, loose)


def _outputs(items: Sequence[Term]) -> tuple[Term, ...]:
    return tuple(Term(f"c{n}", item.kind, item.adds) for n, item in enumerate(items))
