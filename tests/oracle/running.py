"""Many drawn questions: compared, counted, and a difference told as small as is cheap."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

import duckdb

from narrows.core.terms import Holder, RelationName
from tests.oracle.federated import Federation, Refused, Sent, difference
from tests.oracle.grammar import Grammar, Question
from tests.oracle.world import World, draw_world
from tests.proof.stores import Stores
from tests.proof.views import Row

QUESTIONS_A_WORLD = 20
_TRIES = 120
"""How many smaller cases are tried where an answer is wrong."""
SAID = {
    "inner join": r"[^TL] JOIN ",
    "left join": "LEFT JOIN",
    "right join": "RIGHT JOIN",
    "full join": "FULL JOIN",
    "cross join": r"CROSS JOIN|\w+ a\d+, \w+ a\d+",
    "using": r"USING \(",
    "exists": r"(?<!NOT )EXISTS \(",
    "not exists": r"NOT EXISTS \(",
    "in a query": r"(?<!NOT )IN \(SELECT",
    "not in a query": r"NOT IN \(SELECT",
    "scalar query": r"[=<>] \(SELECT|, \(SELECT count",
    "union": r"UNION \(?SELECT",
    "union all": "UNION ALL",
    "intersect": "INTERSECT",
    "except": "EXCEPT",
    "named query": "WITH ",
    "query in from": r"(FROM|JOIN) \(",
    "window": r"OVER \(",
    "distinct": "SELECT DISTINCT",
    "group by": "GROUP BY",
    "having": "HAVING",
    "filter": r"FILTER \(",
    "count": r"count\([a*]",
    "count distinct": r"count\(DISTINCT",
    "sum": r"sum\(",
    "least or most": r"(min|max)\(",
    "average": r"avg\(",
    "deviation": r"(stddev|var)_",
    "order by": "ORDER BY",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "nulls first": "NULLS FIRST",
    "case": "CASE ",
    "coalesce": r"coalesce\(",
    "star": r"SELECT (a\d+\.)?\*",
    "parameter": r":p\d",
    "today": "CURRENT_DATE",
    "likeness": r"name_sim\(",
}
"""What a question holds, by the words that say so."""


class Different(AssertionError):
    """An answer that is not that of the union."""


def ask_many(stores: Stores, seed: str, worlds: int) -> Counter[str]:
    """How many questions were compared and how, and how often each thing stood in a telling one.

    A telling question has an answer with rows, to which two holders or more sent something.
    Raises: Different.
    """
    counts: Counter[str] = Counter()
    for number in range(worlds):
        name = f"{seed}/{number}"
        federation = Federation(draw_world(Random(name)), stores)
        for place, question in enumerate(questions(federation.world, name)):
            fate, sent, rows = compared(federation, question)
            if fate.startswith("different"):
                told = smallest(federation, question, name)
                raise Different(f"question {place} of NARROWS_PROOF_SEED {name}\n{told}")
            counts[fate] += 1
            if sent is not None and sent.contributing > 1 and rows:
                counts["telling"] += 1
                counts.update(held_in(question, sent, federation.world))
        federation.close()
    return counts


def questions(world: World, name: str, count: int = QUESTIONS_A_WORLD) -> Iterator[Question]:
    """The questions of a world; each hangs on its own number alone."""
    for number in range(count):
        yield Grammar(Random(f"{name}/{number}"), world.catalog).question()


def compared(federation: Federation, question: Question) -> tuple[str, Sent | None, int]:
    """`same`, or what else became of it; what was sent, and how many rows the answer has."""
    try:
        sent = federation.sent(question.sql, question.values)
    except Refused as refused:
        return f"refused: {refused}", None, 0
    found = federation.merged(sent)
    try:
        expected = federation.expected(question.reference)
    except duckdb.Error as error:
        return f"not the text: {error}", None, 0
    if isinstance(found, str):
        return f"different: the merge fails ({found})", None, 0
    differs = difference(question, found, expected)
    return (f"different: {differs}" if differs else "same"), sent, len(expected[1])


def held_in(question: Question, sent: Sent, world: World) -> Iterator[str]:
    """What stands in the question, and what its plan does."""
    yield from (name for name, words in SAID.items() if re.search(words, question.sql))
    for name, holds in (
        ("joined at holders", any(one.links for one in sent.fragments)),
        ("filtered at holders", any(one.filters for one in sent.fragments)),
        ("gathered", any(one.gather for one in sent.fragments)),
        ("measured", any(one.gather and one.gather.measures for one in sent.fragments)),
        ("ranked", any(one.top for one in sent.fragments)),
        ("only renamed", sent.split.renaming is not None),
        ("several parts", len(sent.fragments) > 1),
        ("four holders", sent.contributing > 3),
        ("order is fixed", bool(question.fixed)),
    ):
        if holds:
            yield name
    yield from {f"on {world.engines[holder]}" for one in sent.rows.values() for holder in one}


def smallest(federation: Federation, question: Question, name: str) -> str:
    """The shortest of some questions that differ in this world, with no row that it can do without."""
    for other in questions(federation.world, f"{name}/shorter", 3 * QUESTIONS_A_WORLD):
        if len(other.sql) < len(question.sql) and _differs(federation, other):
            question = other
    world = _without_rows(federation, question)
    federation.fill(world)
    fate, _, _ = compared(federation, question)
    split = federation.sent(question.sql, question.values).split
    told = [fate, question.sql, f"with {dict(question.values)}", f"as {question.reference}"]
    told += [f"{one.name}: {one.fragment}" for one in split.parts]
    told.append(f"merge: {split.statement}")
    told += [
        f"{holder} ({world.engines[holder]}) {relation}: {row}"
        for holder, tables in world.tables.items()
        for relation, rows in tables.items()
        for row in rows
    ]
    return "\n".join(told)


def _differs(federation: Federation, question: Question) -> bool:
    return compared(federation, question)[0].startswith("different")


def _without_rows(federation: Federation, question: Question) -> World:
    """The world with as few rows as some tries come to."""
    world, tries = federation.world, 0
    places = [(holder, name) for holder, found in world.tables.items() for name in found]
    for holder, name in places:
        for kept in _fewer(world.tables[holder][name]):
            smaller = _with_rows(world, holder, name, kept)
            federation.fill(smaller)
            if tries < _TRIES and _differs(federation, question):
                world = smaller
                break
            tries += 1
    return world


def _fewer(rows: Sequence[Row]) -> list[list[Row]]:
    """Fewer and fewer rows taken away: all of them, either half, any one."""
    middle = len(rows) // 2
    found = [[], list(rows[:middle]), list(rows[middle:])]
    found += [[*rows[:n], *rows[n + 1 :]] for n in range(len(rows))]
    return [one for one in found if len(one) < len(rows)]


def _with_rows(world: World, holder: Holder, name: RelationName, rows: Sequence[Row]) -> World:
    tables = {**world.tables, holder: {**world.tables[holder], name: rows}}
    return replace(world, tables=tables)
