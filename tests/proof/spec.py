"""A policy as its generator thinks of it, and the YAML that says so.

What a policy hides is computed from this (`views`), never from what the language read: a reader
that drops a restriction would else drop it from both sides of a comparison.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeAlias

from narrows.core.terms import RelationName

TestsOfColumn: TypeAlias = Mapping[str, object]
"""Operator -> value, as in the YAML."""
Tests: TypeAlias = Mapping[str, TestsOfColumn]
"""Column -> tests."""


@dataclass(frozen=True, slots=True)
class Never:
    """Rows, columns or a relation that nobody sees."""

    relation: RelationName
    tests: Tests = field(default_factory=dict[str, TestsOfColumn])
    columns: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """One member of a key set. `how` is a word or a mapping, as in the YAML."""

    relation: RelationName
    columns: tuple[str, ...]
    how: str | Mapping[str, object]

    @property
    def said(self) -> Mapping[str, object]:
        """How, as a mapping; empty for a word."""
        return {} if isinstance(self.how, str) else self.how

    @property
    def is_optional(self) -> bool:
        """Whether a key set is matched without it."""
        return self.how == "optional equal"


@dataclass(frozen=True, slots=True)
class Granted:
    """One grant of one form."""

    form: str
    link: tuple[RelationName, ...]
    show: Mapping[RelationName, Mapping[str, str]]
    rows: Mapping[RelationName, Tests]
    by: tuple[tuple[Key, ...], ...] = ()
    row_cap: int = 50
    literal_cap: int = 10
    first_by: tuple[str, ...] = ()

    @property
    def relations(self) -> frozenset[RelationName]:
        """Every relation of which this grant may release something."""
        keys = {key.relation for key_set in self.by for key in key_set}
        return frozenset({*self.link, *self.show, *keys})


@dataclass(frozen=True, slots=True)
class Counted:
    """A published cube of one or two relations; each later one refers to an earlier, or is it.

    `measures` are columns by relation; counts are rounded to `rounding`, where that is not 0.
    """

    of: tuple[RelationName, ...]
    unit: tuple[RelationName, str]
    k: int
    group: Mapping[RelationName, Mapping[str, str]]
    measures: tuple[tuple[RelationName, str], ...] = ()
    rounding: int = 0


CUBE = "figures"
"""What a cube is called."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """One agreement; `counts` gives the policy's cube, `budget` is as in the YAML."""

    id: str
    grants: tuple[Granted, ...]
    parties: Mapping[str, object]
    purposes: tuple[str, ...] = ("inquiry",)
    valid: Mapping[str, date] = field(default_factory=lambda: {"from": date(2026, 1, 1)})
    requires: tuple[str, ...] = ()
    counts: bool = False
    budget: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Spec:
    """One policy."""

    never: tuple[Never, ...]
    agreements: tuple[Agreed, ...]
    cube: Counted | None = None


def spell_policy(spec: Spec, holder: str) -> str:
    """The policy as its officer would write it."""
    lines = [f"agency: {holder}", "version: 3", "effective: 2026-01-01", "never:"]
    lines += [f"  - {_flow(_never(one))}" for one in spec.never] or ["  []"]
    if spec.cube is not None:
        lines += ["cubes:", f"  - {_flow(_cube(spec.cube))}"]
    lines += ["agreements:", *(f"  - {_flow(_agreement(one))}" for one in spec.agreements)]
    return "\n".join(lines) + "\n"


def _never(one: Never) -> dict[str, object]:
    because = {"because": "the law says so"}
    if one.tests:
        stays = {"stays": list(one.stays)} if one.stays else {}
        return {"rows": {one.relation: one.tests}, **because, **stays}
    if one.columns:
        return {"columns": {one.relation: list(one.columns)}, **because}
    return {"relation": one.relation, **because}


def _agreement(one: Agreed) -> dict[str, object]:
    forms: dict[str, list[object]] = {}
    for grant in one.grants:
        forms.setdefault(grant.form, []).append(_grant(grant))
    return {
        "id": one.id,
        "authority": "an act, s. 1",
        "with": one.parties,
        "purposes": list(one.purposes),
        "requires": list(one.requires),
        "valid": one.valid,
        **{form: found[0] if len(found) == 1 else found for form, found in forms.items()},
        **({"count": CUBE} if one.counts else {}),
        **({"budget": one.budget} if one.budget else {}),
    }


def _cube(cube: Counted) -> dict[str, object]:
    measures: dict[str, dict[str, None]] = {}
    for relation, column in cube.measures:
        measures.setdefault(relation, {})[column] = None
    return {
        "id": CUBE,
        "of": list(cube.of),
        "unit": ".".join(cube.unit),
        "units": "units",
        "at_least": cube.k,
        "group": cube.group,
        "measure": measures,
        **({"round": cube.rounding} if cube.rounding else {}),
    }


def _grant(grant: Granted) -> dict[str, object]:
    found: dict[str, object] = {"link": list(grant.link), "show": grant.show, "rows": grant.rows}
    literals = {"literals": grant.literal_cap}
    keys = [{"+".join(_paths(key)): key.how for key in key_set} for key_set in grant.by]
    match grant.form:
        case "lookup":
            return {**found, "by": keys, "at_most": {"rows": grant.row_cap, **literals}}
        case "pointer":
            return {**found, "by": keys, "at_most": literals, "first_by": list(grant.first_by)}
    return {**found, "at_most": {"rows": grant.row_cap}}


def _paths(key: Key) -> list[str]:
    return [f"{key.relation}.{column}" for column in key.columns]


def _flow(value: object) -> str:
    """The value in the flow style of YAML, which reads an unquoted day as a day."""
    match value:
        case Mapping():
            inner = ", ".join(f"{_name(key)}: {_flow(one)}" for key, one in value.items())
            return f"{{{inner}}}"
        case list() | tuple():
            return f"[{', '.join(map(_flow, value))}]"
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _name(key: object) -> str:
    return json.dumps(str(key)) if "+" in str(key) else str(key)
