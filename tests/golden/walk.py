"""One golden case walked through the pure core: plan, decide, bind, release, merge.

What the walk makes is text for people; `produced` is everything else that comes about on the way
and that somebody other than the holder could read.
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from narrows.core.catalog import Catalog
from narrows.core.entries import decided
from narrows.core.plan.fragment import ColumnOf, Fragment
from narrows.core.plan.given import columns_of_fragment
from narrows.core.plan.plan import plan
from narrows.core.plan.pushdown import TODAY_SLOT
from narrows.core.plan.render import TODAY_PARAMETER
from narrows.core.plan.split import Part, Split
from narrows.core.policy.bound import BoundFragment
from narrows.core.policy.decide import applicable
from narrows.core.policy.decision import Circumstances, Decision, Requester, Verdict
from narrows.core.policy.gaps import SPARED, why_withheld
from narrows.core.policy.model import Policy
from narrows.core.policy.together import Judged, decide_together
from narrows.core.policy.truth import sort_key
from narrows.core.policy.views import describe
from narrows.core.sql.parse import parse
from narrows.core.sql.resolve import resolve
from narrows.core.sql.tree import ResolvedQuery
from narrows.core.terms import ColumnType, Holder, MemberName, Purpose, Scalar, TypedValue
from narrows.errors import AnswerTooLarge
from tests.golden.case import Case, spell_value
from tests.golden.catalog import MEMBERS, golden_catalog
from tests.golden.cells import cell_views, with_measures
from tests.golden.editions import Counting, released_of
from tests.golden.oracle import (
    AskedOf,
    Table,
    anchored_columns,
    first_over_views,
    load,
    order_of,
    release_views,
    same_over_views,
)

FIELDS = {
    "officer": "officer",
    "grounds": "grounds",
    "case": "case_number",
    "approver": "approver",
    "reference": "agreement_reference",
    "authority": "authority",
}
OTHERS = {"agency", "purpose", "day", "gaps", "form", "signed", "emergency", "ticket"}
Rows = list[tuple[Scalar, ...]]
Key = tuple[str, Holder]
"""A part of the plan, and the holder that is asked it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One case at its end. `too_large` has the words of each holder that was asked too much."""

    given: Case
    catalog: Catalog
    circumstances: Circumstances
    split: Split
    policies: dict[Holder, Policy]
    decisions: dict[Key, Decision]
    bounds: dict[Key, BoundFragment]
    rows: dict[Key, Rows]
    too_large: dict[Holder, str]
    foreseen: list[str]
    """Why rows would be withheld whatever they are, known before any node is called; or nothing."""

    @classmethod
    def of(cls, given: Case) -> "Walk":
        """The case, walked."""
        catalog, fields = golden_catalog(given.holdings), given.fields
        unknown = fields.keys() - FIELDS.keys() - OTHERS
        assert not unknown, f"a request has no {unknown}"
        day = date.fromisoformat(fields["day"])
        circumstances = Circumstances(
            Requester(MemberName(fields["agency"]), *MEMBERS[fields["agency"]]),
            Purpose(fields["purpose"]),
            fields.get("form", "lookup"),
            day,
            frozenset(FIELDS[name] for name in fields if name in FIELDS),
            signed_by=frozenset(["agency", *([fields["signed"]] if "signed" in fields else [])]),
            self_approved=fields.get("approver", "") == fields.get("officer"),
            emergency="emergency" in fields,
            has_ticket="ticket" in fields,
        )
        split = plan(given.sql, {}, catalog, circumstances.form)
        policies = {holder: given.policy(catalog, holder, day) for holder in catalog.holders}
        walk = cls(given, catalog, circumstances, split, policies, {}, {}, {}, {}, [])
        walk._ask()
        return walk

    def _ask(self) -> None:
        judged: dict[Key, Judged] = {}
        for holder, policy in self.policies.items():
            asked = [part.name for part in self.split.parts if part.asked(holder) is None]
            fragments = [self.fragments[name] for name in asked]
            found = decide_together(policy, self.catalog, fragments, self.circumstances)
            judged |= {(name, holder): one for name, one in zip(asked, found, strict=True)}
        for key in [(part.name, holder) for part in self.split.parts for holder in self.policies]:
            if key in judged:
                self.decisions[key], bound = judged[key]
                if bound is not None:
                    self.bounds[key] = bound
        refusing = {holder for (_, holder), one in self.decisions.items() if not one.releases}
        if because := self._why_withheld(refusing):
            self.foreseen.append(because)
            for key in [key for key in self.bounds if key[1] not in refusing]:
                del self.bounds[key]
            return
        for key, bound in self.bounds.items():
            try:
                tables = self.given.tables(self.catalog, key[1])
                who = Counting(self.policies[key[1]], self.catalog, self.circumstances.day)
                self.rows[key] = released_of(bound, tables, who)
            except AnswerTooLarge as refusal:
                self.too_large[key[1]] = str(refusal)
        # A node answers as a whole: what overflows in one part keeps the others back too.
        for key in [key for key in self.rows if key[1] in self.too_large]:
            del self.rows[key]

    @property
    def fragments(self) -> dict[str, Fragment]:
        """The fragment of each part, filled."""
        filled = self.split.fill({TODAY_SLOT: self.day})
        return {part.name: found for part, found in zip(self.split.parts, filled, strict=True)}

    @property
    def day(self) -> TypedValue:
        """The day of the request, as a parameter."""
        return TypedValue(ColumnType.DATE, self.circumstances.day)

    @property
    def gaps(self) -> list[Key]:
        """What was asked and not answered."""
        return [key for key in self.decisions if key not in self.rows]

    @property
    def withheld_because(self) -> str:
        """Why there are no rows; nothing where there are."""
        if self.foreseen:
            return self.foreseen[0]
        return self._why_withheld({holder for _, holder in self.gaps})

    def _why_withheld(self, gaps: Collection[Holder]) -> str:
        places = {part.name: place for place, part in enumerate(self.split.parts)}
        asked: dict[Holder, list[int]] = {}
        for name, holder in sorted(self.decisions):
            asked.setdefault(holder, []).append(places[name])
        asked = {holder: asked[holder] for holder in self.catalog.holders if holder in asked}
        missing = [holder for holder in self.catalog.holders if holder in gaps]
        return why_withheld(self.split, asked, missing, partial="gaps" in self.given.fields)

    def sections(self) -> dict[str, str]:
        """The decision, what was sent, and the answer."""
        made = {
            "decision": "\n".join(line for key in self.decisions for line in self._decision(key))
        }
        for (part, holder), bound in self.bounds.items():
            name = f"sent to {holder}"
            text = f"{self._of_part(part)}{describe(bound)}"
            made[name] = f"{made[name]}\n\n{text}" if name in made else text
        lines = [line for part in self.split.parts for line in self._outcomes(part)]
        lines += [f"caveat  {text}" for text in self._caveats()]
        because = self.withheld_because
        lines += ["", f"no rows: {because}" if because else self._table()]
        made["answer"] = "\n".join(lines)
        return made

    def produced(self) -> list[str]:
        """Rows that left a node, those that the merge drops too, and open parts of entries."""
        entered = [
            str(decided(holder, 0, decision)) for (_, holder), decision in self.decisions.items()
        ]
        released = [
            " ".join(spell_value(value) for value in row)
            for rows in self.rows.values()
            for row in rows
        ]
        return [*released, *entered]

    def merged(self) -> Rows:
        """The rows of the answer."""
        tables = [
            Table(
                part.name,
                columns_of_fragment(part.fragment, self.catalog),
                [row for key, rows in self.rows.items() if key[0] == part.name for row in rows],
            )
            for part in self.split.parts
        ]
        return load(tables, self.split.statement, {TODAY_PARAMETER: self.day.value})

    def by_the_oracle(self) -> Rows:
        """The rows of the same SQL over the union of the release views, in one database."""
        resolved = resolve(parse(self.given.sql), self.catalog, {})
        if self.circumstances.form == "count":
            cells = [
                view
                for key in self.rows
                for view in cell_views(self._asked_of(key), self.given.tables(self.catalog, key[1]))
            ]
            return same_over_views(with_measures(resolved), self.catalog, {}, cells, self.day)
        if self.circumstances.form == "pointer":
            firsts = [row for key in self.rows for row in self._first_by_the_oracle(resolved, key)]
            return sorted(set(firsts), key=sort_key)
        views = [
            view
            for key, bound in self.bounds.items()
            if key in self.rows
            for view in self._views(key, anchored_columns(bound.anchors))
        ]
        anchors = [anchor for bound in self.bounds.values() for anchor in bound.anchors]
        return same_over_views(resolved, self.catalog, anchored_columns(anchors), views, self.day)

    def _first_by_the_oracle(self, resolved: ResolvedQuery, key: Key) -> Rows:
        order = order_of(self._asked_of(key))
        anchored = anchored_columns(self.bounds[key].anchors)
        views = self._views(key, {**dict.fromkeys(order), **anchored})
        return first_over_views(resolved, self.catalog, anchored, (views, order), self.day)

    def _views(self, key: Key, anchored: Mapping[ColumnOf, str | None]) -> list[Table]:
        tables = self.given.tables(self.catalog, key[1])
        return release_views(self._asked_of(key), anchored, tables)

    def _asked_of(self, key: Key) -> AskedOf:
        policy, fragment = self.policies[key[1]], self.fragments[key[0]]
        return AskedOf(policy, self.catalog, self.circumstances, fragment)

    def _decision(self, key: Key) -> Iterator[str]:
        found = self.decisions[key]
        yield f"{self._who(*key)}  {found.verdict}  {', '.join(found.clauses)}"
        yield from (f"  narrowed  {text}" for text in found.narrowed)
        yield from (f"  withheld  {text}" for text in found.withheld)
        yield from (f"  because  {text}" for text in found.reasons)
        yield from (f"  caveat  {text}" for text in found.caveats)
        if found.keep_days is not None:
            yield f"  keep  at most {found.keep_days} days"

    def _outcomes(self, part: Part) -> Iterator[str]:
        for holder in self.catalog.holders:
            key, who = (part.name, holder), self._who(part.name, holder)
            if (reason := part.asked(holder)) is not None:
                yield f"{who}  not asked  {reason}"
            elif self.foreseen and key not in self._refused:
                yield f"{who}  not asked  {SPARED}"
            elif key in self.rows:
                count = len(self.rows[key])
                yield f"{who}  answered  {count} row{'' if count == 1 else 's'}"
                if count and self._notifies(key):
                    yield f"  notice  `{holder}` and `{self.circumstances.requester.member}` are told"
            else:
                if key in self.decisions and self.decisions[key].verdict is Verdict.HELD:
                    yield f"{who}  held"
                    continue
                words = self.too_large.get(holder)
                yield f"{who}  refused{f'  {words}' if words else ''}"

    @property
    def _refused(self) -> set[Key]:
        holders = {holder for (_, holder), one in self.decisions.items() if not one.releases}
        return {key for key in self.decisions if key[1] in holders}

    def _notifies(self, key: Key) -> bool:
        asked = self._asked_of(key)
        agreement, _ = applicable(asked.policy, asked.circumstances)
        assert agreement is not None
        return any(grant.notify for grant in agreement.of_form(asked.circumstances.form))

    def _caveats(self) -> list[str]:
        found = [text for key in self.rows for text in self.decisions[key].caveats]
        return list(dict.fromkeys(found))

    def _who(self, part: str, holder: Holder) -> str:
        return holder if len(self.split.parts) == 1 else f"{holder}, part {part[1:]}"

    def _of_part(self, part: str) -> str:
        return "" if len(self.split.parts) == 1 else f"part {part[1:]}\n"

    def _table(self) -> str:
        out = io.StringIO()
        rows = [[spell_value(value) for value in row] for row in self.merged()]
        csv.writer(out, lineterminator="\n").writerows([self.split.outputs, *rows])
        return out.getvalue().rstrip("\n")
