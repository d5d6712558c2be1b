"""`narrows policy decide` and `explain`: what a policy says, offline and in plain words."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated

import typer

from narrows.cli.policy_common import (
    Folder,
    FormatOf,
    HolderName,
    node_of,
    read_day,
    requester_named,
)
from narrows.cli.show import ANSWERED, REFUSED, Format, console, print_json
from narrows.core.catalog import Catalog
from narrows.core.plan.plan import plan
from narrows.core.policy.cases import circumstances_from
from narrows.core.policy.decide import applicable
from narrows.core.policy.decision import Circumstances, Verdict
from narrows.core.policy.model import Agreement, Policy
from narrows.core.policy.offline import NOT_ASKED, PartDecision, decide_parts, together
from narrows.core.policy.versions import in_force_or_first
from narrows.core.policy.views import describe
from narrows.core.policy.words import say_agreement, say_decision
from narrows.core.terms import TypedValue
from narrows.errors import MalformedRequest
from narrows.folder.load import Federation, load_folder


def decide(
    folder: Folder,
    member: HolderName,
    sql: Annotated[str, typer.Argument(help="one SELECT; the whole agreement, without")] = "",
    requester: Annotated[str, typer.Option("--as", help="the member that asks")] = "",
    purpose: Annotated[str, typer.Option(help="why: one of the federation's purposes")] = "",
    day: Annotated[str, typer.Option(help="the day of the request; today, without")] = "",
    form: Annotated[str, typer.Option(help="lookup, list, count or pointer")] = "lookup",
    officer: Annotated[str, typer.Option(help="who asks, at the member")] = "",
    case: Annotated[str, typer.Option(help="the case number")] = "",
    grounds: Annotated[str, typer.Option(help="the grounds, in words")] = "",
    approver: Annotated[str, typer.Option(help="who approved it")] = "",
    reference: Annotated[str, typer.Option(help="the agreement's reference")] = "",
    authority: Annotated[str, typer.Option(help="the legal authority that is claimed")] = "",
    signed: Annotated[str, typer.Option(help="who signed beside the agency: approver")] = "",
    merge: Annotated[str, typer.Option(help="the holder at which the answer is merged")] = "",
    emergency: Annotated[bool, typer.Option("--emergency", help="claim an emergency")] = False,
    ticket: Annotated[bool, typer.Option("--ticket", help="collect what was held")] = False,
    param: Annotated[
        list[str] | None, typer.Option(help="name=text, or name:type=value; may be repeated")
    ] = None,
    format: FormatOf = Format.TEXT,  # noqa: A002
) -> None:
    """Decide a question under the policy of MEMBER in force on a day; nobody is asked.

    Prints the decision, its clauses, the release views as SQL, and all of it in plain words.
    Exit code 3: refused.

    Example: narrows policy decide examples/library harbour
    "SELECT full_name FROM patron WHERE card_number = 'ZZ1001'" --as reader-desk
    --purpose interlibrary_loan --officer 12 --day 2026-06-01
    """
    if not requester or not purpose:
        raise MalformedRequest("the question lacks who asks, or why", hint="use --as and --purpose")
    federation = load_folder(folder)
    on = read_day(day, federation.catalog.zone)
    named = {
        "form": form, "officer": officer, "case": case, "grounds": grounds, "approver": approver,
        "reference": reference, "authority": authority, "signed": signed, "merge": merge,
        "emergency": "yes" if emergency else "", "ticket": "yes" if ticket else "",
    }  # fmt: skip
    fields = {name: text for name, text in named.items() if text}
    fields |= {"purpose": purpose, "day": on.isoformat()}
    who = circumstances_from(fields, requester_named(federation, requester), federation.catalog, "")
    policy = in_force_or_first(node_of(federation, member).policies, on)
    if not sql:
        _tell_agreement(policy, federation.catalog, who, format)
        return
    values = _values(param or [])
    types = {name: value.type for name, value in values.items()}
    split = plan(sql, types, federation.catalog, form)
    parts = decide_parts(policy, federation.catalog, split, who, values)
    if format is Format.JSON:
        print_json(_document(policy, federation.catalog, who, parts))
    else:
        for line in _lines(policy, federation.catalog, who, parts):
            console().print(line, markup=False)
    is_refused = together(part.decision for part in parts).verdict == Verdict.REFUSED
    raise typer.Exit(REFUSED if is_refused else ANSWERED)


def explain(
    folder: Folder,
    member: HolderName,
    agreement: Annotated[str | None, typer.Argument(help="one agreement; all, without")] = None,
    day: Annotated[str, typer.Option(help="the version in force on that day; today's")] = "",
    format: FormatOf = Format.TEXT,  # noqa: A002
) -> None:
    """Tell the agreements of MEMBER in plain words.

    Example: narrows policy explain examples/library harbour interlibrary-loan
    """
    federation = load_folder(folder)
    policy = _policy_on(federation, member, read_day(day, federation.catalog.zone))
    chosen = [one for one in policy.agreements if agreement in (None, one.id)]
    if not chosen:
        known = ", ".join(one.id for one in policy.agreements) or "it has none"
        raise MalformedRequest(f"`{member}` has no agreement `{agreement}`", hint=known)
    _print_agreements(policy, federation.catalog, chosen, format)


def _policy_on(federation: Federation, member: str, day: date) -> Policy:
    return in_force_or_first(node_of(federation, member).policies, day)


def _values(given: list[str]) -> Mapping[str, TypedValue]:
    if not given:
        return {}
    # Brings gRPC and Arrow, which take a while.
    from narrows.cli.ask import parameters_of

    return parameters_of(given)


def _tell_agreement(
    policy: Policy,
    catalog: Catalog,
    who: Circumstances,
    format: Format,  # noqa: A002
) -> None:
    found, reasons = applicable(policy, who)
    if found is None:
        if format is Format.JSON:
            print_json({"version": policy.version, "agreements": [], "reasons": list(reasons)})
        else:
            for reason in reasons:
                print(reason)
        raise typer.Exit(REFUSED)
    _print_agreements(policy, catalog, [found], format)


def _print_agreements(
    policy: Policy,
    catalog: Catalog,
    chosen: list[Agreement],
    format: Format,  # noqa: A002
) -> None:
    told = {one.id: say_agreement(policy, catalog, one) for one in chosen}
    if format is Format.JSON:
        agreements = [{"id": name, "words": list(lines)} for name, lines in told.items()]
        print_json({"version": policy.version, "agreements": agreements})
        return
    for lines in told.values():
        first, *rest = lines
        print(first)
        for line in rest:
            print(f"  {line}")


def _lines(
    policy: Policy, catalog: Catalog, who: Circumstances, parts: tuple[PartDecision, ...]
) -> Iterator[str]:
    yield f"policy of {policy.agency}, version {policy.version}, on {who.day}"
    if not parts:
        yield f"{NOT_ASKED}: the question concerns nothing that `{policy.agency}` holds"
    for part in parts:
        found = part.decision
        name = "" if len(parts) == 1 else f"part {part.name[1:]}: "
        yield f"{name}{found.verdict}  {', '.join(found.clauses)}"
        for head, texts in (
            ("narrowed", found.narrowed),
            ("withheld", found.withheld),
            ("because", found.reasons),
            ("caveat", found.caveats),
        ):
            yield from (f"  {head}  {text}" for text in texts)
        if found.keep_days is not None:
            yield f"  keep  at most {found.keep_days} days"
        if part.bound is not None:
            yield from ("", *describe(part.bound).splitlines())
        words = say_decision(policy, catalog, part.fragment, who, found)
        yield from ("", "in words: " + "; ".join(words))


def _document(
    policy: Policy, catalog: Catalog, who: Circumstances, parts: tuple[PartDecision, ...]
) -> dict[str, object]:
    return {
        "holder": policy.agency,
        "version": policy.version,
        "day": who.day.isoformat(),
        "decision": together(part.decision for part in parts).verdict,
        "parts": [
            {
                "decision": part.decision.verdict.value,
                "clauses": list(part.decision.clauses),
                "reasons": list(part.decision.reasons),
                "narrowed": list(part.decision.narrowed),
                "withheld": list(part.decision.withheld),
                "caveats": list(part.decision.caveats),
                "keep_days": part.decision.keep_days,
                "sql": None if part.bound is None else describe(part.bound),
                "words": list(say_decision(policy, catalog, part.fragment, who, part.decision)),
            }
            for part in parts
        ],
    }
