"""A policy in plain words: an agreement as a whole, or what it gives to one question.

Every construct of `model` has its words; a privacy officer reads these beside the YAML.
"""

from collections.abc import Iterable, Iterator, Mapping

from narrows.core.catalog import Catalog
from narrows.core.plan.fragment import Fragment
from narrows.core.policy.anchors import Match
from narrows.core.policy.cascade import reaches
from narrows.core.policy.decide import applicable, choose_grant
from narrows.core.policy.decision import Circumstances, Decision, Verdict
from narrows.core.policy.model import (
    AS_IS,
    Agreement,
    Budget,
    Cube,
    EmergencyRule,
    Form,
    Grant,
    HoldRule,
    KeyKind,
    Mask,
    NeverColumns,
    NeverRows,
    Policy,
)
from narrows.core.policy.wording import (
    count_of,
    key_set_words,
    listed,
    mask_words,
    number,
    parties_words,
    path_words,
    plain,
    rows_words,
)
from narrows.core.terms import HOLDER_COLUMN, ColumnName, RelationName

_FORMS = {
    Form.LOOKUP: "may ask about",
    Form.LIST: "may ask for a list",
    Form.COUNT: "may ask for figures",
    Form.POINTER: "may ask whether there is somebody to call about",
}


# --- one question --------------------------------------------------------------------------


def say_decision(
    policy: Policy,
    catalog: Catalog,
    fragment: Fragment,
    circumstances: Circumstances,
    decision: Decision,
) -> tuple[str, ...]:
    """What this decision means to the one who asks, in parts of one sentence."""
    who = circumstances.requester.member
    agreement, _ = applicable(policy, circumstances)
    if decision.verdict is Verdict.REFUSED or agreement is None:
        return (f"{who} is given nothing", *decision.reasons)
    grant, reading = choose_grant(policy, catalog, fragment, agreement, circumstances)
    assert grant is not None  # INVARIANT: the decision gives it
    told = [*decision.reasons] if decision.verdict is Verdict.HELD else []
    matches = () if reading.anchoring is None else reading.anchoring.matches
    cube = policy.cube(grant.cube)
    told.append(f"{who} {_FORMS[grant.form]}{_asked(catalog, matches, grant, cube)}")
    shown: dict[RelationName, dict[ColumnName, Mask]] = {}
    outputs = {output.column for output in fragment.outputs}
    for column, mask in reading.masks:
        if column in outputs and column.column != HOLDER_COLUMN:
            relation = fragment.relation_of(column.alias)
            shown.setdefault(relation, {})[column.column] = mask
    told.append(f"sees {_shown(shown) if shown else 'only that there is something'}")
    if decision.withheld:
        told.append(f"gets no value of {listed(decision.withheld)}")
    told += _nothing_of(policy, catalog, fragment.relations)
    told += [f"only {name}" for name in _only(grant)]
    return (*told, *_after(agreement))


def _asked(catalog: Catalog, matches: Iterable[Match], grant: Grant, cube: Cube | None) -> str:
    """What is matched, as one asks for it: `one ident value (passport) at a time`."""
    found = list(matches)
    if cube is not None:
        return f" of {cube.unit_name}, at least {number(cube.k)} in each cell"
    if not found:
        return ""
    # A key of few codes says of what kind the others are.
    of_kind = [match for match in found if _has_codes(catalog, match)]
    named = [match for match in found if match not in of_kind] or found
    codes = [str(value.value).lower() for match in of_kind for value in match.values]
    kind = f" ({listed(codes)})" if named != found else ""
    most = f", at most {count_of(grant.row_cap, 'row')}" if grant.form is Form.LOOKUP else ""
    return f" {listed([_match(match) for match in named])}{kind} at a time{most}"


def _has_codes(catalog: Catalog, match: Match) -> bool:
    column = catalog.relations[match.key.relation].column(match.key.columns[0])
    return column is not None and bool(column.codes)


def _match(match: Match) -> str:
    many = max(match.key.at_most, 1) if match.key.kind in (KeyKind.IN, KeyKind.FIRST) else 1
    name = listed(map(plain, match.key.columns))
    return f"one {name}" if many == 1 else f"up to {number(many)} values of {name}"


# --- one agreement -------------------------------------------------------------------------


def say_agreement(policy: Policy, catalog: Catalog, agreement: Agreement) -> tuple[str, ...]:
    """The agreement as a whole: one sentence a line."""
    required = f"; a request names {listed(agreement.requires)}" if agreement.requires else ""
    ends = f" until {agreement.valid_to}" if agreement.valid_to else ""
    lines = [
        f"`{agreement.id}` rests on {agreement.authority}, from {agreement.valid_from}{ends}",
        f"with {parties_words(agreement.parties)}, for {listed(agreement.purposes, 'or')}{required}",
    ]
    if agreement.signed_by:
        lines.append(f"a request bears the signature of the {listed(agreement.signed_by)} too")
    if agreement.requires & {"approver"} or agreement.signed_by:
        lines.append("the approver is somebody else than the officer")
    lines += [line for grant in agreement.grants for line in _grant(policy, grant)]
    relations = {name for grant in agreement.grants for name in _relations(policy, grant)}
    lines += _nothing_of(policy, catalog, relations)
    return (*lines, *_rules(agreement), *_after(agreement))


def _relations(policy: Policy, grant: Grant) -> frozenset[RelationName]:
    cube = policy.cube(grant.cube)
    return grant.link | grant.show.keys() | set(cube.relations if cube else ())


def _grant(policy: Policy, grant: Grant) -> Iterator[str]:
    cube = policy.cube(grant.cube)
    if cube is not None:
        yield from say_cube(cube)
        return
    for number_of, key_set in enumerate(grant.by):
        word = _FORMS[grant.form] if number_of == 0 else "or about"
        yield f"{word} {key_set_words(key_set)}"
    if grant.form is Form.LIST:
        yield _FORMS[grant.form]
    yield from (f"only {text}" for text in _only(grant))
    if grant.literal_cap:
        values = "one value" if grant.literal_cap == 1 else f"{number(grant.literal_cap)} values"
        yield f"with at most {values} in one question"
    if grant.form is Form.POINTER:
        first = listed(map(path_words, grant.first_by))
        yield f"gets at most one row, the first by {first}, whatever else there is"
        yield "both units are told of it" if grant.notify else "nobody is told of it"
    else:
        yield f"gets at most {count_of(grant.row_cap, 'row')}, or a refusal"
    if grant.show:
        yield f"sees {_shown(grant.show)}"
    if len(grant.link) > 1:
        yield f"may join {listed(map(plain, sorted(grant.link)))}"
    if grant.to:
        yield f"only where the answer is put together at {listed(grant.to, 'or')}"


def say_cube(cube: Cube) -> Iterator[str]:
    """A published cube: what is counted, by what, and what keeps a small cell back."""
    dimensions = [
        _column(name, mask) for shown in cube.group.values() for name, mask in shown.items()
    ]
    yield (
        f"may ask for figures of {cube.unit_name}, counted by {listed(dimensions)}, from "
        f"`{cube.id}`; a cell of fewer than {number(cube.k)} is left out, and totals are sums of "
        "shown cells"
    )
    for measure in cube.measures:
        bounds = "" if measure.low is None else f", between {measure.low:,} and {measure.high:,}"
        yield f"with the mean of {path_words((measure.relation, measure.column))}{bounds}"
    for only in cube.only:
        yield f"counted only where {rows_words(only.test)} ({plain(only.relation)})"
    if cube.rounding is not None:
        yield f"counts are rounded to {cube.rounding}"
    if cube.epsilon is not None:
        yield (
            f"counts carry noise, drawn once an edition with epsilon {cube.epsilon}, and all "
            f"editions of a year spend at most {cube.epsilon_a_year}"
        )


def _only(grant: Grant) -> list[str]:
    return [f"{plain(one.relation)} where {rows_words(one.test)}" for one in grant.only]


def _shown(show: Mapping[RelationName, Mapping[ColumnName, Mask]]) -> str:
    """What is shown, relation by relation; first what is shown as it is."""
    parts = []
    for relation, masks in show.items():
        whole = [plain(name) for name, mask in masks.items() if mask == AS_IS]
        less = [_column(name, mask) for name, mask in masks.items() if mask != AS_IS]
        parts.append(f"of {plain(relation)}: {listed([*whole, *less])}")
    return "; ".join(parts)


def _column(name: ColumnName, mask: Mask) -> str:
    return plain(name) if mask == AS_IS else f"{plain(name)} {mask_words(mask)}"


# --- never, and what goes with an answer ---------------------------------------------------


def _nothing_of(
    policy: Policy, catalog: Catalog, relations: Iterable[RelationName]
) -> Iterator[str]:
    """What stays hidden of these relations, and why."""
    wanted = sorted(relations)
    for never in policy.never:
        reached = [name for name in wanted if reaches(never, catalog, name)]
        if reached:
            yield f"nothing of {say_never(never, reached)}"
    for columns in policy.never_columns:
        if columns.relation in wanted:
            yield f"never {say_never_columns(columns)}"


def say_never(never: NeverRows, reached: Iterable[RelationName] = ()) -> str:
    """Whose rows are hidden, and what hangs on them."""
    hanging = [plain(name) for name in reached if name != never.relation]
    beside = f", nor {listed(hanging, 'or')} that hangs on it" if hanging else ""
    where = f"{plain(never.relation)} where {rows_words(never.test)} or unknown"
    return f"{where}{beside} ({never.because})"


def say_never_columns(never: NeverColumns) -> str:
    """Which columns are used for nothing."""
    what = f"{listed(map(plain, sorted(never.columns)))} of " if never.columns else ""
    return f"{what}{plain(never.relation)} ({never.because})"


def _rules(agreement: Agreement) -> Iterator[str]:
    if agreement.hold is not None:
        yield _held(agreement.hold)
    if agreement.emergency is not None:
        yield _emergency(agreement.emergency)
    if agreement.budget is not None:
        yield from _budget(agreement.budget)
    if agreement.answer_ticks_ms is not None:
        ticks = f"{agreement.answer_ticks_ms:,} ms"
        yield f"answers leave at ticks of {ticks}, so that the time tells nothing"


def _held(hold: HoldRule) -> str:
    second = " and by somebody else after that" if hold.second else ""
    return (
        f"each request is first decided by the {hold.role}{second}, within "
        f"{count_of(hold.routine_hours, 'hour')}, or {count_of(hold.urgent_hours, 'hour')} in an "
        f"emergency; what is approved is collected within {count_of(hold.collect_hours, 'hour')}"
    )


def _emergency(rule: EmergencyRule) -> str:
    return (
        f"in an emergency a request names {listed(rule.requires)} alone, and its use is reviewed "
        f"within {count_of(rule.review_hours, 'hour')}"
    )


def _budget(budget: Budget) -> Iterator[str]:
    whose = listed(["member", *sorted(budget.per)])
    for count, what in (
        (budget.requests, "request"),
        (budget.literals, "value asked for"),
        (budget.same_person, "question about the same subject"),
    ):
        if count is not None:
            head, _, tail = what.partition(" ")
            yield f"at most {count_of(count, head)}{f' {tail}' if tail else ''} a day of each {whose}"


def _after(agreement: Agreement) -> Iterator[str]:
    yield from (f"every answer says: {caveat}" for caveat in agreement.caveats)
    if agreement.keep_days is not None:
        yield f"may be kept for {count_of(agreement.keep_days, 'day')}"
