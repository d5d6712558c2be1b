r"""A test of one holder's policy as text that a privacy officer reads, and what it covers.

First prose, then what is asked, then what must be decided:

    The desk looks a card up, and sees the area of the address.

    -- request --
    as       reader-desk     purpose  interlibrary_loan
    day      2026-06-01      officer  12

    SELECT full_name, postal_code FROM patron WHERE card_number = 'ZZ1001'

    -- decision --
    NARROWED  interlibrary-loan
      narrowed  patron.postal_code: first 3

Two blanks or more part a word from its value. `as`, `purpose` and `day` are needed; `form` is
`lookup` unless said; of a decision the clauses and the lines `because` and `caveat` may be left
out, and `narrowed` and `withheld` must be all that there are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from narrows.core.catalog import Catalog
from narrows.core.normal import is_same_person
from narrows.core.plan.fragment import columns_of
from narrows.core.policy.decide import applicable, choose_grant
from narrows.core.policy.decision import Circumstances, Requester
from narrows.core.policy.model import Form, NeverColumns, Policy
from narrows.core.policy.offline import NOT_ASKED, Answered, PartDecision
from narrows.core.request import OPTIONAL_FIELDS
from narrows.core.terms import Holder, Purpose
from narrows.errors import BadFederation

SHORT = {"case": "case_number", "reference": "agreement_reference"}
"""Short names of fields, as the command line has them."""
FLAGS = ("emergency", "ticket", "signed")
_NEEDED = ("as", "purpose", "day")
_KNOWN = (*_NEEDED, "form", "merge", *FLAGS, *SHORT, *OPTIONAL_FIELDS, "authority")
_VERDICTS = ("ALLOWED", "NARROWED", "REFUSED", "HELD", NOT_ASKED)
_LINES = ("narrowed", "withheld", "because", "caveat")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a case says must be decided."""

    verdict: str
    clauses: tuple[str, ...]
    lines: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Case:
    """One test: the prose, the fields and the SQL of the request, and what is expected."""

    file: str
    prose: str
    fields: Mapping[str, str]
    sql: str
    expected: Expected


def read_case(text: str, file: str) -> Case:
    """The case that the text spells. Raises: BadFederation, naming file and line."""
    lines = text.splitlines()
    heads = {line.strip(): number for number, line in enumerate(lines) if line.startswith("-- ")}
    first, second = (heads.get(f"-- {name} --", -1) for name in ("request", "decision"))
    if not 0 <= first < second or len(heads) != 2:
        raise BadFederation(
            "a case has not the parts that it needs",
            hint="write prose, then `-- request --`, then `-- decision --`",
            file=file,
            line=1,
        )
    head, sql = _parted(lines[first + 1 : second])
    fields = _fields(head, file, first + 2)
    if not sql:
        raise BadFederation(
            "a case asks nothing",
            hint="write the SQL below an empty line",
            file=file,
            line=first + 1,
        )
    prose = "\n".join(lines[:first]).strip()
    return Case(file, prose, fields, sql, _expected(lines[second + 1 :], file, second + 2))


def _parted(lines: list[str]) -> tuple[list[str], str]:
    """The lines above the first empty one that follows a word, and the text below it."""
    begun = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    end = next((n for n in range(begun, len(lines)) if not lines[n].strip()), len(lines))
    return lines[:end], "\n".join(lines[end:]).strip()


def _fields(lines: list[str], file: str, line: int) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, text in enumerate(lines, start=line):
        words = re.split(r"\s{2,}", text.strip()) if text.strip() else []
        found |= dict(zip(words[::2], words[1::2], strict=False))
        unknown = [name for name in words[::2] if name not in _KNOWN]
        if len(words) % 2 or unknown:
            raise BadFederation(
                f"no field `{unknown[0]}`" if unknown else "a field without a value",
                hint=f"write `name  value`, two blanks between; one of {', '.join(_KNOWN)}",
                file=file,
                line=number,
            )
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise BadFederation(
            f"the request lacks `{missing[0]}`", hint="write it first", file=file, line=line
        )
    return found


def _expected(lines: list[str], file: str, line: int) -> Expected:
    found: dict[str, list[str]] = {name: [] for name in _LINES}
    told = [(number, text.strip()) for number, text in enumerate(lines, line) if text.strip()]
    head = re.split(r"\s{2,}", told[0][1]) if told else [""]
    if head[0] not in _VERDICTS or len(head) > 2:
        hint = f"one of {', '.join(_VERDICTS)}, then perhaps clauses, two blanks between"
        raise BadFederation("the decision is none that there is", hint=hint, file=file, line=line)
    for number, text in told[1:]:
        name, _, value = text.partition("  ")
        if name not in found or not value.strip():
            hint = f"one of {', '.join(_LINES)}, then two blanks and the words"
            raise BadFederation("a line says nothing known", hint=hint, file=file, line=number)
        found[name].append(value.strip())
    clauses = tuple(head[1].split(", ")) if len(head) > 1 else ()
    return Expected(head[0], clauses, {name: tuple(texts) for name, texts in found.items()})


def circumstances_from(
    fields: Mapping[str, str], requester: Requester, catalog: Catalog, file: str
) -> Circumstances:
    """Who asks under which circumstances, as the fields say.

    Raises: BadFederation for a day, and for a word, that there is not: else a slip would be refused
    by every policy, and a case that expects a refusal would pass by it.
    """
    _check_words(fields, catalog, file)
    given = {SHORT.get(name, name) for name in fields}
    try:
        day = date.fromisoformat(fields["day"])
    except ValueError as cause:
        raise BadFederation(
            "the day is none of the calendar", hint="write it as 2026-03-26", file=file
        ) from cause
    roles = {"agency", *(fields["signed"].split(", ") if "signed" in fields else ())}
    return Circumstances(
        requester=requester,
        purpose=Purpose(fields["purpose"]),
        form=fields.get("form", Form.LOOKUP.value),
        day=day,
        given=frozenset(given & {*OPTIONAL_FIELDS, "authority"}),
        signed_by=frozenset(roles),
        self_approved=is_same_person(fields.get("approver"), fields.get("officer")),
        emergency="emergency" in fields,
        has_ticket="ticket" in fields,
        merge_at=Holder(fields["merge"]) if "merge" in fields else None,
    )


def _check_words(fields: Mapping[str, str], catalog: Catalog, file: str) -> None:
    known: Mapping[str, Sequence[str]] = {
        "purpose": catalog.purposes,
        "form": list(Form),
        "signed": ("approver",),
        "merge": catalog.holders,
        "emergency": ("yes",),
        "ticket": ("yes",),
    }
    for name, words in known.items():
        if name in fields and not set(fields[name].split(", ")) <= set(words):
            raise BadFederation(
                f"`{name}` says what there is not", hint=f"one of {', '.join(words)}", file=file
            )


def differences(expected: Expected, found: Answered) -> tuple[str, ...]:
    """What was decided otherwise than a case says; nothing where it passes."""
    wrong = []
    if expected.verdict != found.verdict:
        wrong.append(f"decided {found.verdict}, expected {expected.verdict}")
    if expected.clauses and set(expected.clauses) != set(found.clauses):
        wrong.append(f"cites {', '.join(found.clauses)}, expected {', '.join(expected.clauses)}")
    for name, texts in (("narrowed", found.narrowed), ("withheld", found.withheld)):
        wrong += [
            f"{name} and not expected: {one}" for one in texts if one not in expected.lines[name]
        ]
        wrong += [f"not {name}: {one}" for one in expected.lines[name] if one not in texts]
    for name, texts in (("because", found.reasons), ("caveat", found.caveats)):
        wrong += [f"not said as {name}: {one}" for one in expected.lines[name] if one not in texts]
    if wrong and found.reasons:
        wrong += [f"because: {reason}" for reason in found.reasons]
    return tuple(wrong)


# --- coverage ------------------------------------------------------------------------------


def clauses_of(policy: Policy) -> tuple[str, ...]:
    """Every clause that a case can cover: each `never`, agreement, and grant."""
    rows = [(one.line, one.clause) for one in policy.never]
    never = sorted([*rows, *((one.line, one.clause) for one in policy.never_columns)])
    agreements = (
        name
        for agreement in policy.agreements
        for name in (agreement.id, *_grants_of(policy, agreement.id))
    )
    return (*(clause for _, clause in never), *agreements)


def _grants_of(policy: Policy, agreement: str) -> tuple[str, ...]:
    (found,) = (one for one in policy.agreements if one.id == agreement)
    return tuple(
        f"{agreement}: {form}" if len(grants) == 1 else f"{agreement}: {form} {place}"
        for form in Form
        for grants in (found.of_form(form),)
        for place in range(1, len(grants) + 1)
    )


def covered_by(
    policy: Policy, catalog: Catalog, circumstances: Circumstances, parts: Iterable[PartDecision]
) -> frozenset[str]:
    """The clauses that decided on these parts."""
    found: set[str] = set()
    agreement, _ = applicable(policy, circumstances)
    if agreement is None:
        return frozenset()
    names = _grants_of(policy, agreement.id)
    grants = [grant for form in Form for grant in agreement.of_form(form)]
    for part in parts:
        found |= {agreement.id, *part.decision.clauses}
        grant, _ = choose_grant(policy, catalog, part.fragment, agreement, circumstances)
        found |= {name for name, one in zip(names, grants, strict=True) if one is grant}
        found |= {one.clause for one in policy.never_columns if _concerns(one, part)}
    return frozenset(found)


def _concerns(never: NeverColumns, part: PartDecision) -> bool:
    """Whether the part would use what the clause takes away."""
    fragment = part.fragment
    if not never.columns:
        return never.relation in fragment.relations
    used = {output.column for output in fragment.outputs}
    used |= {column for found in fragment.filters for column in columns_of(found)}
    return any(never.covers(fragment.relation_of(one.alias), one.column) for one in used)
