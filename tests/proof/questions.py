"""Generated questions: a grammar over the accepted SQL, mostly of what a grant gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from narrows.core.catalog import Catalog, Column
from narrows.core.terms import ColumnType, RelationName, Scalar
from tests.proof.schema import HOLDERS, Place
from tests.proof.spec import Granted, Key
from tests.proof.values import TRIED, literal
from tests.proof.views import Row, Tables

_JOINS = (*["JOIN"] * 9, "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
_OPS = ("=", "<>", "<", "<=", ">", ">=")


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of one use of a relation."""

    alias: str
    column: Column

    def __str__(self) -> str:
        """As a question spells it."""
        return f"{self.alias}.{self.column.name}"


@dataclass(frozen=True, slots=True)
class Source:
    """A FROM clause, its aliases, and the conjuncts that anchor it."""

    text: str
    aliases: dict[str, RelationName]
    anchors: tuple[str, ...]


class Questions:
    """Writes questions under one grant, or of anything where there is none.

    Of `tables` come literals that are found, where they are among those that are ever tried.
    """

    def __init__(
        self, rng: Random, catalog: Catalog, grant: Granted | None, tables: Tables
    ) -> None:
        self.rng = rng
        self.catalog = catalog
        self.grant = grant
        self.tables = tables

    def question(self) -> str:
        """One question."""
        kinds = (
            self.plain,
            self.plain,
            self.star,
            self.everything,
            self.expressions,
            self.aggregate,
            self.windowed,
            self.united,
            self.nested,
            self.within,
            self.cut,
        )
        return self.rng.choice(kinds)()

    # --- whole questions -------------------------------------------------------------------

    def plain(self) -> str:
        """A few columns, joined and filtered."""
        source = self.source()
        return f"SELECT {self.columns(source)} {self.tail(source)}"

    def star(self) -> str:
        """A star, of all or of one relation."""
        source = self.source()
        alias = self.rng.choice(list(source.aliases))
        return f"SELECT {self.rng.choice(('*', f'{alias}.*'))} {self.tail(source)}"

    def everything(self) -> str:
        """All that is shown of one key set's relations, and no further condition."""
        source = self.source()
        cells = [cell for cell in self.cells(source) if self.is_shown(source, cell)]
        listed = ", ".join(f"{cell} AS c{n}" for n, cell in enumerate(cells)) or "1 AS c"
        return f"SELECT {listed} {self.tail(source, extra=0)}"

    def expressions(self) -> str:
        """Expressions over columns."""
        source = self.source()
        found = [f"{self.expression(self.cell(source))} AS e{n}" for n in range(self.number(1, 3))]
        return f"SELECT {', '.join(found)} {self.tail(source)}"

    def aggregate(self) -> str:
        """Groups and their figures."""
        source = self.source()
        group, value = self.cell(source), self.cell(source)
        figures = ["count(*)", f"count(DISTINCT {value})", f"min({value})", f"max({value})"]
        if _is_number(value):
            figures += [f"sum({value})", f"avg({value})"]
        chosen = ", ".join(
            f"{figure} AS f{n}" for n, figure in enumerate(self.rng.sample(figures, 2))
        )
        having = self.maybe(0.3, " HAVING count(*) > 1")
        if self.rng.random() < 0.3:
            return f"SELECT {chosen} {self.tail(source)}"
        return f"SELECT {group} AS g, {chosen} {self.tail(source)} GROUP BY {group}{having}"

    def windowed(self) -> str:
        """A window over what was found."""
        source = self.source()
        cell, part, order = self.cell(source), self.cell(source), self.cell(source)
        call = self.rng.choice(
            ("row_number()", "rank()", "dense_rank()", f"lag({cell})", f"max({cell})", "count(*)")
        )
        over = f"PARTITION BY {part} ORDER BY {order}"
        return f"SELECT {cell} AS c, {call} OVER ({over}) AS w {self.tail(source)}"

    def united(self) -> str:
        """Two questions of one column, put together."""
        word = self.rng.choice(("UNION", "UNION ALL", "INTERSECT", "EXCEPT"))
        one, two = self.source(), self.source()
        cell = self.cell(one)
        alike = [other for other in self.cells(two) if other.column.type is cell.column.type]
        other = str(self.rng.choice(alike)) if alike else "NULL"
        return f"SELECT {cell} AS u {self.tail(one)} {word} SELECT {other} AS u {self.tail(two)}"

    def nested(self) -> str:
        """A subquery or a common table expression."""
        source = self.source()
        first, second = self.cell(source), self.cell(source)
        inner = f"SELECT {first} AS a, {second} AS b {self.tail(source)}"
        test = self.maybe(0.4, " WHERE s.a IS NOT NULL")
        if self.rng.random() < 0.5:
            return f"WITH s AS ({inner}) SELECT s.a, count(*) AS n FROM s{test} GROUP BY s.a"
        return f"SELECT s.b, s.a FROM ({inner}) s{test} ORDER BY s.b, s.a"

    def within(self) -> str:
        """`EXISTS`, `IN` or a scalar subquery over another source."""
        outer, inner = self.source("o"), self.source("i")
        cell, own = self.cell(outer), self.cell(inner)
        alike = [one for one in self.cells(outer) if one.column.type is own.column.type]
        tied = f" AND {self.rng.choice(alike)} = {own}" if alike else ""
        word = self.rng.choice(("EXISTS", "NOT EXISTS"))
        match self.rng.randint(0, 2):
            case 0:
                test = f"{word} (SELECT 1 {self.tail(inner, extra=0)}{tied})"
            case 1 if alike:
                test = f"{alike[0]} IN (SELECT {own} {self.tail(inner, extra=0)})"
            case _:
                count = f"(SELECT count(*) {self.tail(inner, extra=0)}{tied})"
                return f"SELECT {cell} AS c, {count} AS n {self.tail(outer)}"
        return f"SELECT {cell} AS c {self.tail(outer)} AND {test}"

    def cut(self) -> str:
        """The first few, in some order."""
        source = self.source()
        order = self.cell(source)
        way = self.rng.choice(("", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
        limit = f" LIMIT {self.number(1, 3)}" + self.maybe(0.3, " OFFSET 1")
        distinct = self.maybe(0.4, "DISTINCT ")
        listed = f"{order} AS o" if distinct else f"{self.columns(source)}, {order} AS o"
        return f"SELECT {distinct}{listed} {self.tail(source)} ORDER BY o{way}{limit}"

    # --- their parts -----------------------------------------------------------------------

    def source(self, prefix: str = "t") -> Source:
        """Relations joined along keys, with what anchors them."""
        rng, grant = self.rng, self.grant
        key_set = rng.choice(grant.by) if grant is not None and grant.by else ()
        wanted = [*dict.fromkeys(key.relation for key in key_set)]
        if grant is not None:
            wanted += [name for name in grant.rows if name not in wanted]
        known = grant.link if grant is not None else tuple(self.catalog.relations)
        wanted = wanted or [rng.choice(known)]
        for _ in range(rng.choice((0, 0, 1, 2))):
            near = [name for name in known if name not in wanted and self.ties(wanted, name)]
            wanted += rng.sample(near, min(1, len(near)))
        if rng.random() < 0.04:
            wanted = [rng.choice(list(self.catalog.relations))]
        names = wanted + wanted[:1] * (rng.random() < 0.03)
        aliases = {f"{prefix}{n}": name for n, name in enumerate(names)}
        text = self.joined(aliases)
        kept = [one for one in self.anchors(key_set, aliases) if rng.random() > 0.03]
        return Source(text, aliases, tuple(kept))

    def ties(self, names: Sequence[RelationName], name: RelationName) -> list[tuple[str, str, str]]:
        """How a relation hangs on others: theirs, their column, its own."""
        domains = self.catalog.key_domains
        return [
            (other, theirs, own)
            for (other, theirs), domain in domains.items()
            if other in names
            for (mine, own), same in domains.items()
            if mine == name and same == domain
        ]

    def anchors(self, key_set: Sequence[Key], aliases: Mapping[str, RelationName]) -> list[str]:
        """The conjuncts that match a key set, of one relation by the values of one row."""
        rows = {
            name: self.rng.choice(found) if found and self.rng.random() < 0.8 else {}
            for name, found in self.tables.items()
        }
        found = [self.anchor(key, aliases, rows.get(key.relation, {})) for key in key_set]
        return [one for one in found if one]

    def joined(self, aliases: Mapping[str, RelationName]) -> str:
        """The FROM clause: each further alias joined to an earlier one."""
        done: list[str] = []
        text = ""
        for alias, name in aliases.items():
            ties = [
                f"{earlier}.{theirs} = {alias}.{own}"
                for earlier in done
                for _, theirs, own in self.ties([aliases[earlier]], name)
            ]
            if not done:
                text = f"{name} {alias}"
            elif not ties:
                text += f" CROSS JOIN {name} {alias}"
            else:
                tie = self.rng.choice(ties)
                earlier = tie.partition(".")[0]
                at = self.maybe(0.93, f"{earlier}.holder = {alias}.holder AND ")
                text += f" {self.rng.choice(_JOINS)} {name} {alias} ON {at}{tie}"
            done.append(alias)
        return text

    def anchor(self, key: Key, aliases: Mapping[str, RelationName], row: Row) -> str:
        """The conjunct that matches a key, with the row's own value where that may be tried."""
        alias = next((one for one, name in aliases.items() if name == key.relation), None)
        if alias is None or (key.is_optional and self.rng.random() < 0.5):
            return ""
        column = self.catalog.relations[key.relation].column(key.columns[0])
        assert column is not None
        name, said = f"{alias}.{column.name}", key.said
        value = row.get(column.name)
        tried = literal(value) if value in TRIED[column.type] else self.tried(column)
        if value is not None and column.is_id:
            tried = literal(f"{self.rng.choice(HOLDERS)}:{value}")
        if "similar" in said:
            names = " || ' ' || ".join(f"{alias}.{one}" for one in key.columns)
            return f"name_sim({names}, {tried}) >= {said['at_least']}"
        if "within_days" in said:
            days = ("1981-03-07", "1981-03-09"), ("2026-05-31", "2026-06-01")
            low, high = self.rng.choice(days)
            return f"{name} BETWEEN DATE '{low}' AND DATE '{high}'"
        many = int(str(said.get("in", 1)))
        more = [self.tried(column) for _ in range(self.rng.choice((0, 0, many - 1)))]
        values = list(dict.fromkeys([tried, *more]))
        if "first" in said:
            length = int(str(said["first"]))
            drawn = self.rng.sample(TRIED[column.type], many - 1)
            first = value if value in TRIED[column.type] else self.rng.choice(TRIED[column.type])
            texts = [str(one)[:length] for one in (first, *drawn)]
            return f"substr({name}, 1, {length}) IN ({', '.join(map(literal, texts))})"
        return f"{name} = {values[0]}" if len(values) == 1 else f"{name} IN ({', '.join(values)})"

    def tried(self, column: Column) -> str:
        """A literal of the column's type, one of those that are ever tried."""
        if column.is_id or (column.name.endswith("_id") and column.type is ColumnType.TEXT):
            return literal(f"{self.rng.choice(HOLDERS)}:{self.number(1, 4)}")
        return literal(self.rng.choice(column.codes or TRIED[column.type]))

    def tail(self, source: Source, extra: int = 1) -> str:
        """`FROM ... WHERE ...`, with at least one conjunct."""
        count = self.rng.choice((0, 0, 0, 1, 1, 2)) * extra
        tests = [*source.anchors, *(self.test(self.cell(source)) for _ in range(count))]
        if self.rng.random() < 0.1:
            alias = self.rng.choice(list(source.aliases))
            tests.append(f"{alias}.holder = '{self.rng.choice(HOLDERS)}'")
        self.rng.shuffle(tests)
        return f"FROM {source.text} WHERE {' AND '.join(tests or ['TRUE'])}"

    def test(self, cell: Cell) -> str:
        """A condition on a column."""
        value = self.tried(cell.column)
        found = [
            f"{cell} {self.rng.choice(_OPS)} {value}",
            f"{cell} IN ({value}, {self.tried(cell.column)})",
            f"{cell} IS NULL",
            f"{cell} IS NOT NULL",
            f"NOT ({cell} = {value})",
            f"({cell} = {value} OR {cell} IS NULL)",
            f"{cell} BETWEEN {value} AND {self.tried(cell.column)}",
            f"{self.expression(cell)} IS NOT NULL",
            f"{cell} IS {self.rng.choice(('', 'NOT '))}DISTINCT FROM {value}",
        ]
        if cell.column.type in (ColumnType.DATE, ColumnType.TIMESTAMP):
            found.append(f"year({cell}) {self.rng.choice(_OPS)} {self.rng.choice((1981, 2026))}")
        if cell.column.type is ColumnType.TIMESTAMP:
            day = f"CAST({cell} AS date)"
            found.append(f"{day} {self.rng.choice(_OPS)} DATE '2026-06-01'")
        if cell.column.type is ColumnType.TEXT:
            found += [
                f"{cell} LIKE 'a%'",
                f"{cell} NOT LIKE '_%o%'",
                f"substr({cell}, 1, 1) = 'R'",
                f"length({cell}) > 2",
            ]
        return self.rng.choice(found)

    def expression(self, cell: Cell) -> str:
        """An expression over a column, some of which raise."""
        value = self.tried(cell.column)
        found = [f"CASE WHEN {cell} = {value} THEN 'y' ELSE 'n' END", f"coalesce({cell}, {value})"]
        found.append(f"CAST({cell} AS VARCHAR)")
        match cell.column.type:
            case ColumnType.TEXT:
                found += [
                    f"upper({cell})",
                    f"{cell} || 'x'",
                    f"length({cell})",
                    f"CAST({cell} AS INTEGER)",
                    f"CAST({cell} AS DATE)",
                    f"strpos({cell}, 'a')",
                ]
            case ColumnType.INTEGER | ColumnType.BIGINT | ColumnType.DOUBLE:
                found += [f"{cell} + 1", f"abs({cell})", f"1 / ({cell} - 5)", f"{cell} * {cell}"]
            case ColumnType.DATE | ColumnType.TIMESTAMP:
                found += [f"year({cell})", f"date_trunc('month', {cell})"]
                found.append(f"date_diff('day', {cell}, {value})")
            case ColumnType.BOOLEAN:
                found.append(f"NOT {cell}")
        return self.rng.choice(found)

    def columns(self, source: Source) -> str:
        """A list of columns, each under a name of its own."""
        chosen = [self.cell(source) for _ in range(self.number(1, 4))]
        return ", ".join(f"{cell} AS c{n}" for n, cell in enumerate(chosen))

    def cell(self, source: Source) -> Cell:
        """A column, mostly one that is shown."""
        every = self.cells(source)
        shown = [cell for cell in every if self.is_shown(source, cell)]
        return self.rng.choice(shown if shown and self.rng.random() < 0.93 else every)

    def cells(self, source: Source) -> Sequence[Cell]:
        """Every column of the source, `holder` of the first alias among them."""
        return [
            Cell(alias, column)
            for n, (alias, name) in enumerate(source.aliases.items())
            for column in self.catalog.relations[name].columns[n > 0 :]
        ]

    def is_shown(self, source: Source, cell: Cell) -> bool:
        """Whether the grant shows the column."""
        if self.grant is None or cell.column.name == "holder":
            return True
        return cell.column.name in self.grant.show.get(source.aliases[cell.alias], {})

    def number(self, low: int, high: int) -> int:
        """A whole number."""
        return self.rng.randint(low, high)

    def maybe(self, chance: float, text: str) -> str:
        """The text, or nothing."""
        return text if self.rng.random() < chance else ""


def _is_number(cell: Cell) -> bool:
    return cell.column.type in (ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DOUBLE)


def hidden_places(catalog: Catalog, grant: Granted | None) -> list[Place]:
    """The columns that a grant neither shows nor lets be matched: what attacks go for."""
    shown = {} if grant is None else grant.show
    matched = {
        (key.relation, column)
        for key_set in (grant.by if grant is not None else ())
        for key in key_set
        for column in key.columns
    }
    return [
        Place(name, column)
        for name, relation in catalog.relations.items()
        for column in relation.columns[1:]
        if column.name not in shown.get(name, {}) and (name, column.name) not in matched
    ]


def tried_value(column: Column) -> Scalar:
    """Some value of the column's type that is tried."""
    return (column.codes or TRIED[column.type])[0]
