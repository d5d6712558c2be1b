"""The policy language: one agency's YAML file to a `Policy`, checked against the catalog.

`layout` says which keys there are, `reading` reads what names things of the catalog, and here the
parts are put together. The language and its meaning are taught in `docs/policy.md`.
"""

from collections.abc import Sequence
from dataclasses import replace

from narrows.core.catalog import Catalog
from narrows.core.document import Path, read_document
from narrows.core.policy.layout import (
    AgreementFile,
    BudgetFile,
    CubeFile,
    HoldFile,
    ListFile,
    LookupFile,
    MeasureFile,
    NeverFile,
    PointerFile,
    PolicyFile,
    ReleaseFile,
    given,
)
from narrows.core.policy.model import (
    Agreement,
    Budget,
    Cube,
    EmergencyRule,
    Form,
    Grant,
    HoldRule,
    Measure,
    NeverColumns,
    NeverRows,
    Parties,
    Policy,
)
from narrows.core.policy.reading import Reading
from narrows.core.request import OPTIONAL_FIELDS
from narrows.core.terms import ColumnType, Holder, MemberName, Purpose, digest_of
from narrows.errors import BadFederation

REQUIRABLE = (*OPTIONAL_FIELDS, "authority")
_NUMBERS = (ColumnType.INTEGER, ColumnType.BIGINT, ColumnType.DOUBLE)

MAX_POLICY_CHARACTERS = 100_000
"""Every gateway reads every policy: who publishes an endless one would keep all of them busy."""


def parse_policy(text: str, catalog: Catalog, file: str) -> Policy:
    """The policy that the text spells; its digest is SHA-256 of the text's bytes.

    Raises: BadFederation with file and line.
    """
    if len(text) > MAX_POLICY_CHARACTERS:
        raise BadFederation(
            f"the policy is over {MAX_POLICY_CHARACTERS} characters",
            hint="leave out agreements that are over, and what is said twice",
            file=file,
        )
    found, lines = read_document(text, PolicyFile, file)
    reader = _Reader(Reading(catalog, file, lines))
    never = [reader.never(n, one) for n, one in enumerate(found.never)]
    cubes = tuple(reader.cube(n, one) for n, one in enumerate(found.cubes))
    agreements = tuple(reader.agreement(n, one, cubes) for n, one in enumerate(found.agreements))
    reader.refuse_repeats("agreements", [agreement.id for agreement in agreements])
    reader.refuse_repeats("cubes", [cube.id for cube in cubes])
    return Policy(
        agency=Holder(found.agency),
        version=found.version,
        effective=found.effective,
        never=tuple(one for one in never if isinstance(one, NeverRows)),
        never_columns=tuple(one for one in never if isinstance(one, NeverColumns)),
        agreements=agreements,
        cubes=cubes,
        digest=digest_of(text.encode()),
    )


class _Reader:
    """Turns the parts of one file into values."""

    def __init__(self, reading: Reading) -> None:
        self._read = reading

    def never(self, number: int, found: NeverFile) -> NeverRows | NeverColumns:
        path: Path = ("never", number)
        said = [found.rows, found.columns, found.relation]
        if sum(one is not None for one in said) != 1 or (found.stays and found.rows is None):
            hint = "write rows (with stays, if need be), or columns, or relation"
            raise self._read.wrong("a `never` is of one thing", path, hint)
        clause, line = f"never[{number + 1}]", self._read.line(path)
        if found.rows is not None:
            ((name, tests),) = found.rows.items()
            return NeverRows(
                clause=clause,
                line=line,
                relation=self._read.relation(name, (*path, "rows", name)).name,
                test=self._read.row_test(name, tests, (*path, "rows")),
                because=found.because,
                stays=self._read.relations(found.stays, (*path, "stays")),
            )
        if found.columns is not None:
            ((name, columns),) = found.columns.items()
            at = (*path, "columns", name)
            relation = self._read.relation(name, at)
            names = [self._read.column(relation, one, at).name for one in columns]
            if not names:
                raise self._read.wrong("no column is named", at, "name one, or write `relation`")
            return NeverColumns(clause, line, relation.name, frozenset(names), found.because)
        relation = self._read.relation(found.relation or "", (*path, "relation"))
        return NeverColumns(clause, line, relation.name, frozenset(), found.because)

    def agreement(self, number: int, found: AgreementFile, cubes: Sequence[Cube]) -> Agreement:
        path: Path = ("agreements", number)
        self._check_names(found, path)
        country = found.parties.country
        emergency = found.emergency
        return Agreement(
            id=found.id,
            line=self._read.line(path),
            authority=found.authority,
            parties=Parties(
                classes=frozenset(found.parties.classes),
                countries=frozenset([country] if isinstance(country, str) else country),
                members=frozenset(MemberName(name) for name in found.parties.members),
            ),
            purposes=frozenset(Purpose(purpose) for purpose in found.purposes),
            requires=frozenset(found.requires),
            signed_by=frozenset(found.signed_by),
            named_columns_only=found.named_columns_only,
            valid_from=found.valid.from_day,
            valid_to=found.valid.to,
            grants=self._grants(found, cubes, path),
            hold=None if found.held is None else _hold(found.held),
            emergency=None
            if emergency is None
            else EmergencyRule(frozenset(emergency.requires), emergency.review_hours),
            budget=None if found.budget is None else _budget(found.budget),
            answer_ticks_ms=found.answer_ticks_ms,
            caveats=tuple(found.caveats),
            keep_days=found.keep_days,
        )

    def _check_names(self, found: AgreementFile, path: Path) -> None:
        purposes = self._read.catalog.purposes
        for n, purpose in enumerate(found.purposes):
            if purpose not in purposes:
                allowed = f"one of {', '.join(sorted(purposes))}"
                raise self._read.wrong(f"no purpose `{purpose}`", (*path, "purposes", n), allowed)
        emergency = [] if found.emergency is None else found.emergency.requires
        places = [((*path, "requires", n), name) for n, name in enumerate(found.requires)]
        places += [((*path, "emergency", "requires", n), name) for n, name in enumerate(emergency)]
        for place, name in places:
            if name not in REQUIRABLE:
                allowed = f"one of {', '.join(REQUIRABLE)}"
                raise self._read.wrong(f"no field `{name}`", place, allowed)
        if found.valid.to is not None and found.valid.to < found.valid.from_day:
            message = "the term ends before it begins"
            raise self._read.wrong(message, (*path, "valid"), "swap the days")

    def refuse_repeats(self, key: str, ids: list[str]) -> None:
        for number, name in enumerate(ids):
            if name in ids[:number]:
                message = f"the id `{name}` stands twice"
                raise self._read.wrong(message, (key, number), "every clause has its own")

    # --- grants ----------------------------------------------------------------------------

    def _grants(self, found: AgreementFile, cubes: Sequence[Cube], path: Path) -> tuple[Grant, ...]:
        lookups = enumerate(given(found.lookup))
        lists = enumerate(given(found.listed))
        pointers = enumerate(given(found.pointer))
        counts = enumerate(given(found.count))
        grants = (
            *(self._lookup(one, (*path, "lookup", n)) for n, one in lookups),
            *(self._list(one, (*path, "list", n)) for n, one in lists),
            *(self._pointer(one, (*path, "pointer", n)) for n, one in pointers),
            *(self._count(one, cubes, (*path, "count", n)) for n, one in counts),
        )
        if not grants:
            hint = "add lookup, list, count or pointer"
            raise self._read.wrong(f"`{found.id}` gives nothing", path, hint)
        return grants

    def _lookup(self, found: LookupFile, path: Path) -> Grant:
        return self._release(
            Grant(
                Form.LOOKUP,
                self._read.line(path),
                by=tuple(
                    self._read.key_set(one, (*path, "by", n)) for n, one in enumerate(found.by)
                ),
                row_cap=found.at_most.rows,
                literal_cap=found.at_most.literals,
            ),
            found,
            path,
        )

    def _list(self, found: ListFile, path: Path) -> Grant:
        named = found.one_entry_for
        if named is not None and tuple(named.split(".")) not in self._read.catalog.key_domains:
            at = (*path, "one_entry_for")
            self._read.column_path(named, at)
            raise self._read.wrong(f"`{named}` is no key", at, "name a key, or what refers to one")
        grant = Grant(
            Form.LIST,
            self._read.line(path),
            row_cap=found.at_most.rows,
            entry_for=None
            if named is None
            else self._read.column_path(named, (*path, "one_entry_for")),
        )
        return self._release(grant, found, path)

    def _pointer(self, found: PointerFile, path: Path) -> Grant:
        return self._release(
            Grant(
                Form.POINTER,
                self._read.line(path),
                by=tuple(
                    self._read.key_set(one, (*path, "by", n)) for n, one in enumerate(found.by)
                ),
                literal_cap=found.at_most.literals,
                first_by=tuple(
                    self._read.column_path(one, (*path, "first_by", n))
                    for n, one in enumerate(found.first_by)
                ),
                notify=found.duty == "notify",
            ),
            found,
            path,
        )

    def _count(self, name: str, cubes: Sequence[Cube], path: Path) -> Grant:
        if name not in [cube.id for cube in cubes]:
            allowed = ", ".join(cube.id for cube in cubes) or "declare it under `cubes`"
            raise self._read.wrong(f"no cube `{name}`", path, allowed)
        return Grant(Form.COUNT, self._read.line(path), cube=name)

    def _release(self, grant: Grant, found: ReleaseFile, path: Path) -> Grant:
        return replace(
            grant,
            link=self._read.relations(found.link, (*path, "link")),
            show=self._read.shown(found.show, (*path, "show")),
            only=self._read.only(found.rows, (*path, "rows")),
            to=frozenset(Holder(name) for name in found.to),
        )

    # --- cubes -----------------------------------------------------------------------------

    def cube(self, number: int, found: CubeFile) -> Cube:
        path: Path = ("cubes", number)
        relations = tuple(
            self._read.relation(name, (*path, "of", n)).name for n, name in enumerate(found.of)
        )
        unit = self._read.column_path(found.unit, (*path, "unit"))
        group = self._read.shown(found.group, (*path, "group"))
        measures = tuple(
            self._measure(f"{name}.{column}", between, (*path, "measure", name, column))
            for name, columns in found.measure.items()
            for column, between in columns.items()
        )
        only = self._read.only(found.rows, (*path, "rows"))
        named = {unit[0], *group, *(one.relation for one in measures), *(o.relation for o in only)}
        if stray := sorted(named - set(relations)):
            message = f"the cube `{found.id}` is not of `{stray[0]}`"
            raise self._read.wrong(message, path, "add it to `of`, or take it out")
        noise = found.noise
        if noise is not None and (found.round is not None or any(m.low is None for m in measures)):
            hint = "leave out `round`, and give each measure `between: [low, high]`"
            raise self._read.wrong("noise cannot be drawn so", (*path, "noise"), hint)
        return Cube(
            id=found.id,
            line=self._read.line(path),
            relations=relations,
            unit=unit,
            unit_name=found.units,
            k=found.at_least,
            group=group,
            measures=measures,
            only=only,
            rounding=found.round,
            epsilon=None if noise is None else noise.epsilon,
            epsilon_a_year=None if noise is None else noise.a_year,
        )

    def _measure(self, name: str, found: MeasureFile | None, path: Path) -> Measure:
        relation, column = self._read.column_path(name, path)
        known = self._read.catalog.relations[relation].column(column)
        if known is None or known.type not in _NUMBERS:
            raise self._read.wrong(f"`{name}` is no number", path, "measure numbers")
        if found is None or found.between is None:
            return Measure(relation, column)
        low, high = found.between
        if low >= high:
            raise self._read.wrong("the bounds are in the wrong order", path, "low, then high")
        return Measure(relation, column, low, high)


def _hold(found: HoldFile) -> HoldRule:
    return HoldRule(
        found.by, found.second, found.urgent_hours, found.routine_hours, found.collect_hours
    )


def _budget(found: BudgetFile) -> Budget:
    day = found.a_day
    return Budget(frozenset(found.per), day.requests, day.literals, day.same_person)
