"""Every case under `cases/`, walked through the pure core: plan, decide, bind, release, merge.

A case says in plain text what is asked, what the policies say, and what must come of it. With
`NARROWS_BLESS=1` the sections that the walk makes are written instead of compared.
"""

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from narrows.core.catalog import Catalog
from narrows.core.plan.merge import merge_statement
from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.render import TODAY_PARAMETER
from narrows.core.plan.split import Split
from narrows.core.policy.bind import bind
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decide import decide
from narrows.core.policy.model import Circumstances, Decision, Policy, Requester
from narrows.core.policy.rows import Tables, release_rows
from narrows.core.policy.views import describe
from narrows.core.sql.parse import parse
from narrows.core.sql.resolve import resolve
from narrows.core.terms import (
    ColumnType,
    Holder,
    MemberName,
    Purpose,
    Scalar,
    TypedValue,
)
from narrows.errors import AnswerTooLarge
from tests.golden.case import Case, read_case
from tests.golden.catalog import golden_catalog
from tests.golden.oracle import Table, load, release_views, same_over_views

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))
CLASSES = {"vpd": "municipal", "licensing": "licensing"}
FIELDS = {"officer": "officer", "grounds": "grounds", "case": "case_number"}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    given = read_case(path.read_text())
    walk = Walk.of(given)
    made = walk.sections()
    written = given.spell(made)
    if os.environ.get("NARROWS_BLESS") == "1":
        path.write_text(written)
    assert path.read_text() == written
    sent = "\n".join(text for name, text in made.items() if name.startswith("sent to "))
    left = "\n".join((made["decision"], made["answer"], *walk.left()))
    for word in given.sections["must not appear"].split():
        whole = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        assert whole.search(given.inputs), f"`{word}` is nowhere in the case"
        assert not whole.search(left), f"`{word}` left"
        # What a policy tests for is public, and what is sent to its own holder spells it.
        assert whole.search(given.policies) or not whole.search(sent), f"`{word}` was sent"


def test_a_hidden_record_and_nobody_read_the_same() -> None:
    hidden, nobody = (
        Walk.of(read_case((CASES[0].parent / f"{name}.txt").read_text())).sections()
        for name in ("suspended_record", "nobody")
    )
    assert hidden == nobody


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_rows_are_those_of_the_same_query_over_the_release_views(path: Path) -> None:
    walk = Walk.of(read_case(path.read_text()))
    if not walk.complete:
        return
    views = [
        table
        for holder, policy in walk.policies.items()
        if (bounds := [bound for (_, who), bound in walk.bounds.items() if who == holder])
        for table in release_views(
            policy,
            walk.catalog,
            walk.circumstances,
            bounds,
            walk.given.tables(walk.catalog, holder),
        )
    ]
    resolved = resolve(parse(walk.given.sql), walk.catalog, {})
    anchored = {anchor.column for bound in walk.bounds.values() for anchor in bound.anchors}
    assert walk.merged() == same_over_views(resolved, anchored, views, walk.day)


@dataclass(frozen=True, slots=True)
class Walk:
    """One case walked to its end; by part and holder: decisions, bound fragments, rows."""

    given: Case
    catalog: Catalog
    circumstances: Circumstances
    split: Split
    policies: dict[Holder, Policy]
    decisions: dict[tuple[str, Holder], Decision]
    bounds: dict[tuple[str, Holder], BoundFragment]
    rows: dict[tuple[str, Holder], list[tuple[Scalar, ...]] | str]

    @classmethod
    def of(cls, given: Case) -> "Walk":
        """The case, walked."""
        catalog, fields = golden_catalog(), given.fields
        agency = fields["agency"]
        circumstances = Circumstances(
            Requester(MemberName(agency), CLASSES[agency], "CAN"),
            Purpose(fields["purpose"]),
            "lookup",
            date.fromisoformat(fields["day"]),
            frozenset(FIELDS[name] for name in fields if name in FIELDS),
        )
        split = plan(given.sql, {}, catalog)
        policies = {holder: given.policy(catalog, holder) for holder in catalog.holders}
        walk = cls(given, catalog, circumstances, split, policies, {}, {}, {})
        for part, fragment in zip(split.parts, split.fill({TODAY_SLOT: walk.day}), strict=True):
            for holder, policy in policies.items():
                if part.asked(holder) is not None:
                    continue
                key = (part.name, holder)
                walk.decisions[key] = found = decide(policy, catalog, fragment, circumstances)
                if found.releases:
                    walk.bounds[key] = bind(policy, catalog, fragment, circumstances, found)
                    walk.rows[key] = _released(walk.bounds[key], given.tables(catalog, holder))
        return walk

    @property
    def day(self) -> TypedValue:
        """The day of the request, as a parameter."""
        return TypedValue(ColumnType.DATE, self.circumstances.day)

    @property
    def complete(self) -> bool:
        """Whether every holder that was asked gave its rows."""
        return all(isinstance(self.rows.get(key), list) for key in self.decisions)

    def sections(self) -> dict[str, str]:
        """The decision, what was sent, and the answer."""
        made = {
            "decision": "\n".join(line for key in self.decisions for line in self._decision(key))
        }
        for key, bound in self.bounds.items():
            name = f"sent to {key[1]}"
            made[name] = f"{made[name]}\n\n{describe(bound)}" if name in made else describe(bound)
        outcomes = "\n".join(
            line for part in self.split.parts for line in self._outcomes(part.name)
        )
        made["answer"] = f"{outcomes}\n\n{self._table() if self.complete else 'no rows'}"
        return made

    def left(self) -> list[str]:
        """What left each node: its rows, also those that the merge drops."""
        return [str(rows) for rows in self.rows.values()]

    def merged(self) -> list[tuple[Scalar, ...]]:
        """The rows of the answer. Needs: `complete`."""
        tables = [
            Table(
                part.name,
                [(out.name, self._type(part.name, n)) for n, out in enumerate(outs)],
                rows,
            )
            for part in self.split.parts
            if (outs := part.fragment.outputs) and (rows := self._union(part.name)) is not None
        ]
        return load(tables, merge_statement(self.split), {TODAY_PARAMETER: self.day.value})

    def _union(self, part: str) -> list[tuple[Scalar, ...]]:
        found = [rows for (name, _), rows in self.rows.items() if name == part]
        return [row for rows in found if not isinstance(rows, str) for row in rows]

    def _type(self, part: str, place: int) -> ColumnType:
        found = next(one.fragment for one in self.split.parts if one.name == part)
        column = found.outputs[place].column
        relation = self.catalog.relations[found.relation_of(column.alias)]
        return next(one.type for one in relation.columns if one.name == column.column)

    def _decision(self, key: tuple[str, Holder]) -> Iterator[str]:
        found = self.decisions[key]
        yield f"{key[1]}  {found.verdict}  {', '.join(found.clauses)}"
        yield from (f"  narrowed  {text}" for text in found.narrowed)
        yield from (f"  withheld  {text}" for text in found.withheld)
        yield from (f"  because  {text}" for text in found.reasons)

    def _outcomes(self, name: str) -> Iterator[str]:
        part = next(one for one in self.split.parts if one.name == name)
        for holder in self.catalog.holders:
            rows, reason = self.rows.get((name, holder)), part.asked(holder)
            if reason is not None:
                yield f"{holder}  not asked  {reason}"
            elif rows is None or isinstance(rows, str):
                yield f"{holder}  refused{f'  {rows}' if rows else ''}"
            else:
                yield f"{holder}  answered  {len(rows)} row{'' if len(rows) == 1 else 's'}"

    def _table(self) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.split.outputs, *self.merged()])
        return out.getvalue().rstrip("\n")


def _released(bound: BoundFragment, tables: Tables) -> list[tuple[Scalar, ...]] | str:
    try:
        return release_rows(bound, tables)
    except AnswerTooLarge as refusal:
        return str(refusal)
