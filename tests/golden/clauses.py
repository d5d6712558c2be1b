"""Whether a case quotes a policy of the worked federation, or says something else.

The catalog of the cases is smaller than that of the federation: what it lacks cannot be quoted. A
case may leave out whole agreements, and key sets that it does not ask by; budgets and ticks, too,
which are kept by a node and decide nothing here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from narrows.core.catalog import Catalog
from narrows.core.policy.model import Agreement, Cube, Grant, Mask, OnlyRows, Policy
from narrows.core.terms import ColumnName, RelationName

Shown = Mapping[RelationName, Mapping[ColumnName, Mask]]


@dataclass(frozen=True, slots=True)
class Quoting:
    """What can be said in a catalog of a policy of a larger one."""

    catalog: Catalog

    def differences(self, quoted: Policy, whole: Policy) -> Iterator[str]:
        """What the quotation says otherwise than the policy; nothing where it is faithful."""
        if self._never(quoted) != self._never(whole):
            yield "never"
        if quoted.effective != whole.effective:
            yield "effective"
        agreements = {one.id: one for one in whole.agreements}
        for mine in quoted.agreements:
            if mine.id not in agreements:
                yield f"{mine.id}: is not there"
                continue
            theirs = agreements[mine.id]
            if _terms(mine) != _terms(theirs):
                yield f"{mine.id}: terms"
            grants = [self._grant(one) for one in theirs.grants]
            for grant in map(self._grant, mine.grants):
                same = [one for one in grants if replace(one, by=()) == replace(grant, by=())]
                if not any(set(grant.by) <= set(one.by) for one in same):
                    yield f"{mine.id}: {grant.form}"
        cubes = {one.id: self._cube(one) for one in whole.cubes}
        for cube in map(self._cube, quoted.cubes):
            if cubes.get(cube.id) != cube:
                yield f"{cube.id}: cube"

    def _has(self, relation: RelationName, column: ColumnName) -> bool:
        found = self.catalog.relations.get(relation)
        return found is not None and column in {one.name for one in found.columns}

    def _never(self, policy: Policy) -> set[object]:
        rows = {
            (one.relation, one.test, one.because)
            for one in policy.never
            if all(self._has(one.relation, test.column) for test in one.test.tests)
        }
        columns = {
            (one.relation, column, one.because)
            for one in policy.never_columns
            for column in one.columns
            if self._has(one.relation, column)
        }
        return {*rows, *columns}

    def _grant(self, grant: Grant) -> Grant:
        return replace(
            grant,
            line=0,
            link=grant.link & self.catalog.relations.keys(),
            show=self._shown(grant.show),
            only=self._only(grant.only),
        )

    def _cube(self, cube: Cube) -> Cube:
        return replace(cube, line=0, group=self._shown(cube.group), only=self._only(cube.only))

    def _shown(self, shown: Shown) -> Shown:
        return {
            relation: kept
            for relation, columns in shown.items()
            if (kept := {name: mask for name, mask in columns.items() if self._has(relation, name)})
        }

    def _only(self, only: tuple[OnlyRows, ...]) -> tuple[OnlyRows, ...]:
        return tuple(
            one
            for one in only
            if all(self._has(one.relation, test.column) for test in one.test.tests)
        )


def _terms(agreement: Agreement) -> Agreement:
    """All but what is given."""
    return replace(agreement, line=0, grants=(), budget=None, answer_ticks_ms=None)
