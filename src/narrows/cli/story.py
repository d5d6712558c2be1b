"""The story of a request, told from the entries of every ledger, and what does not fit in it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from narrows.cli.show import counted
from narrows.core.canonical import Json
from narrows.core.ledger.entry import Entry, Kind, ticket_in
from narrows.core.ledger.receipt import Receipt
from narrows.core.terms import MemberName

_SEALED = (
    "officer", "case_number", "grounds", "approver", "agreement_reference", "sql", "parameters",
)  # fmt: skip

FRAGMENT = "fragments/"


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one ledger holds about the request, verified.

    `failure` says why it was not read, and `reason` is that error's.
    """

    name: MemberName
    role: str
    entries: tuple[tuple[Receipt, Entry, Mapping[str, bytes]], ...]
    failure: str = ""
    reason: str = ""

    def of(self, kind: Kind) -> list[Entry]:
        """The entries of one kind."""
        return [entry for _, entry, _ in self.entries if entry.kind is kind]

    def about(self, request: str) -> "Ledger":
        """The same ledger, with the entries about one request alone."""
        return replace(
            self, entries=tuple(one for one in self.entries if one[1].request == request)
        )


@dataclass(frozen=True, slots=True)
class Story:
    """The story in lines for people and as a document for programs."""

    lines: tuple[str, ...]
    document: Mapping[str, object]
    findings: tuple[str, ...]
    trace_id: str


def tell(request_id: str, ledgers: list[Ledger]) -> Story:
    """The story; `findings` are what an auditor should look at, none for one that fits."""
    chain = _chain(request_id, ledgers)
    findings = (*_unread(request_id, ledgers), *_all_findings(chain, ledgers))
    sealed = _sealed([one.about(chain[0]) for one in ledgers])
    lines = (
        f"request {request_id}",
        *([f"  {'ticket':<20} {chain[0]}, and what cites it"] if len(chain) > 1 else []),
        *_who(ledgers, sealed),
        "",
        *_timeline(ledgers, is_chain=len(chain) > 1),
        "",
    )
    unread = [f"{one.name} could not be read: {one.failure}" for one in ledgers if one.failure]
    told = [f"AMISS  {finding}" for finding in findings] or [
        "all that was read verifies and agrees"
    ]
    document = {
        "request_id": request_id,
        "chain": list(chain),
        "sealed": {name: value for name, value in sealed.items() if name != "trace_id"},
        "ledgers": [_ledger(one) for one in ledgers],
        "findings": list(findings),
    }
    return Story((*lines, *unread, *told), document, findings, sealed.get("trace_id", ""))


def _who(ledgers: list[Ledger], sealed: Mapping[str, str]) -> Iterator[str]:
    asked = _asked(ledgers)
    if asked is None:
        yield "no ledger that was read says who asked"
        return
    names = ("agency", "unit", "purpose", "form", "authority", "issued_at")
    for name in names:
        if asked.get(name):
            yield f"  {name:<20} {asked[name]}"
    for name in _SEALED:
        if name in sealed:
            yield f"  {name:<20} {' '.join(sealed[name].split())}"
    # Nodes are not told the text: without the gateway, its fragments are what is known of it.
    for name in sorted(sealed) if "sql" not in sealed else ():
        if name.startswith(FRAGMENT):
            yield f"  {name:<20} {sealed[name]}"


def _chain(request_id: str, ledgers: list[Ledger]) -> tuple[str, ...]:
    """The requests of which the ledgers tell: a ticket first, and then those that cite it."""
    entries = [entry for ledger in ledgers for _, entry, _ in ledger.entries]
    times: dict[str, datetime] = {}
    for entry in entries:
        if entry.request is not None:
            times[entry.request] = min(entry.time, times.get(entry.request, entry.time))
    tickets = {found for entry in entries if (found := ticket_in(entry.open)) is not None}
    first = [name for name in times if name in tickets]
    others = sorted((name for name in times if name not in tickets), key=lambda one: times[one])
    return (*first, *others) or (request_id,)


def _timeline(ledgers: list[Ledger], *, is_chain: bool) -> Iterator[str]:
    """Every entry in order of time, in one line or a few; of a chain with its day and request."""
    found = [
        (entry.time, ledger.name, receipt.index, entry, opened)
        for ledger in ledgers
        for receipt, entry, opened in ledger.entries
    ]
    for time, name, index, entry, opened in sorted(found, key=lambda one: one[:3]):
        whose = f"{(entry.request or '')[:8]}  " if is_chain else ""
        when = f"{time:%Y-%m-%d} {_clock(time)}" if is_chain else _clock(time)
        yield f"{when}  {whose}{name:<10} #{index:<5} {_headline(entry)}"
        for line in (*_details(entry), *_ruled_by(opened)):
            yield f"{'':33} {line}"


def _clock(time: datetime) -> str:
    return time.strftime("%H:%M:%S.%f")


def _ruled_by(opened: Mapping[str, bytes]) -> Iterator[str]:
    if "ruled_by" in opened:
        yield f"by {opened['ruled_by'].decode()}"


def _headline(entry: Entry) -> str:
    found = entry.open
    match entry.kind:
        case Kind.INTENT:
            return "intent: is about to ask the nodes"
        case Kind.DISCLOSURE:
            rows = sum(int(str(one["row_count"])) for one in _rows(found.get("released")))
            return (
                f"may leave, to {found['recipient']} by way of {found['via']}: {_row_count(rows)}"
            )
        case Kind.REFUSAL:
            return f"refused: {found['reason']}: {found['check']}"
        case Kind.OUTCOME:
            whole = "" if found["complete"] else ", not complete"
            reason = f": {found['reason']}" if found["reason"] else ""
            return f"outcome: {found['outcome']}, {_row_count(found['row_count'])}{whole}{reason}"
        case Kind.ACKNOWLEDGEMENT:
            return f"{found['agency']} acknowledges {_row_count(found['row_count'])}"
        case Kind.ACCESS:
            return f"{found['reader']} read this, mandate: {found['mandate']}"
        case Kind.NOTICE:
            told = counted(int(str(found["notice_count"])), "pointer")
            return f"notice to {found['agency']} and to the holder: {told}"
        case Kind.LISTED:
            part = f"part {int(str(found['chunk'])) + 1} of {found['chunk_count']}"
            return f"of a list, {part}: {_row_count(found['row_count'])}"
        case _:
            return _headline_of_person(entry)


def _headline_of_person(entry: Entry) -> str:
    """As `_headline`, of what a person at a holder decides."""
    found = entry.open
    match entry.kind:
        case Kind.HELD:
            hold = found["hold"]
            if not isinstance(hold, Mapping):
                return "held: its ticket is not decided yet"
            return f"held for the {hold['role']}, within {hold['decide_hours']} h"
        case Kind.RULING:
            return f"ruling: {found['says']}, {found['approvals']} of {found['needed']} approve"
        case Kind.REVIEW:
            late = ", overdue" if found["overdue"] else ""
            return f"review of emergency use: {found['says']}{late}"
        case _:
            return str(entry.kind)


def _details(entry: Entry) -> Iterator[str]:
    if entry.open.get("review_due"):
        yield f"emergency use, to be reviewed by {entry.open['review_due']}"
    for one in _rows(entry.open.get("decisions")):
        clauses = _words(one["clauses"])
        version = f"policy version {one['policy_version']}"
        yield f"{one['holder']} {one['decision']} by {clauses} ({version})"
        for name in ("narrowed", "withheld"):
            if one[name]:
                yield f"  {name} {_words(one[name])}"
        if one["reason"]:
            yield f"  because {one['reason']}"
    for one in _rows(entry.open.get("released")):
        yield f"columns {_words(one['columns'])}"
    for one in _rows(entry.open.get("holders")):
        reason = f": {one['reason']}" if one["reason"] else ""
        yield f"{one['holder']} {one['outcome']}, {_row_count(one['row_count'])}{reason}"


def _unread(request_id: str, ledgers: list[Ledger]) -> Iterator[str]:
    read = [one for one in ledgers if not one.failure]
    if not read:
        yield "no ledger could be read"
    elif not any(one.about(request_id).entries for one in read):
        yield "no ledger that was read knows this request"


def _all_findings(chain: tuple[str, ...], ledgers: list[Ledger]) -> Iterator[str]:
    """What an auditor should look at, of each request; named, where there are several."""
    for request in chain:
        for finding in _findings([one.about(request) for one in ledgers]):
            yield finding if len(chain) == 1 else f"{request[:8]}: {finding}"


def _findings(ledgers: list[Ledger]) -> Iterator[str]:
    """Where ledgers disagree about one request, or something is missing."""
    read = [one for one in ledgers if not one.failure]
    nodes = {str(one.name): one for one in read if one.role != "gateway"}
    for gateway in (one for one in read if one.role == "gateway"):
        outcomes = gateway.of(Kind.OUTCOME)
        if gateway.of(Kind.INTENT) and not outcomes:
            yield f"{gateway.name} has an intent and no outcome: it is under way, or was cut off"
        for outcome in outcomes:
            yield from _differences(gateway, outcome, nodes)
            yield from _acknowledged(gateway, [outcome.open])
        for intent in gateway.of(Kind.INTENT):
            yield from _other_questions(gateway, intent, nodes)
    for name, node in nodes.items():
        yield from _acknowledged(node, [one.open for one in node.of(Kind.DISCLOSURE)])
        if node.of(Kind.DISCLOSURE) and not node.of(Kind.ACKNOWLEDGEMENT):
            yield f"{name} entered what may leave, and no acknowledgement came back"


def _differences(gateway: Ledger, outcome: Entry, nodes: Mapping[str, Ledger]) -> Iterator[str]:
    if outcome.open["outcome"] == "cut off":
        yield f"{gateway.name} was cut off: it stopped before this request had an outcome"
    reported = {str(one["holder"]): one for one in _rows(outcome.open.get("holders"))}
    for name, node in nodes.items():
        one = reported.get(name)
        gave, held = node.of(Kind.DISCLOSURE), node.of(Kind.HELD)
        told = [*gave, *held, *(one for one in node.of(Kind.REFUSAL) if one.open.get("decisions"))]
        if held and (one is None or one["receipt"] is None):
            yield f"{name} holds the request, and {gateway.name} reports no receipt of it"
        if gave and (one is None or one["receipt"] is None):
            yield f"{name} entered what may leave, and {gateway.name} reports no receipt of it"
        if one is not None and one["receipt"] is not None and not told:
            yield f"{gateway.name} reports a receipt of {name}, whose ledger has no such entry"
        if gave and one is not None and one["receipt"] is not None:
            rows = sum(int(str(row["row_count"])) for row in _rows(gave[0].open.get("released")))
            if rows != one["row_count"]:
                yield f"{name} entered {rows} rows, and {gateway.name} {one['row_count']}"
            said = [found.open["receipt"] for found in node.of(Kind.ACKNOWLEDGEMENT)]
            if said and said[0] != one["receipt"]:
                yield f"{gateway.name} reports another receipt of {name} than was acknowledged"


def _acknowledged(ledger: Ledger, given: list[Mapping[str, Json]]) -> Iterator[str]:
    """Where a requester says that it received another number of rows than was given."""
    for one in given[:1]:
        released = _rows(one.get("released")) or [one]
        rows = sum(int(str(row.get("row_count", 0))) for row in released)
        for said in ledger.of(Kind.ACKNOWLEDGEMENT):
            if said.open["row_count"] != rows:
                received = said.open["row_count"]
                yield f"{ledger.name} entered {rows} rows, and {received} were acknowledged"


def _other_questions(gateway: Ledger, intent: Entry, nodes: Mapping[str, Ledger]) -> Iterator[str]:
    """Where a node entered another question than the gateway, or decided it otherwise."""
    for name, node in nodes.items():
        decided = [one for one in _rows(intent.open.get("decisions")) if one["holder"] == name]
        for gave in node.of(Kind.DISCLOSURE):
            if gave.open.get("asked") != intent.open.get("asked"):
                yield f"{name} entered another question than {gateway.name}"
            if _rows(gave.open.get("decisions")) != decided:
                yield f"{name} decided otherwise than {gateway.name} foresaw"


def _ledger(ledger: Ledger) -> dict[str, object]:
    return {
        "name": ledger.name,
        "role": ledger.role,
        "read": not ledger.failure,
        "failure": ledger.failure,
        "entries": [
            {
                "index": receipt.index,
                "time": entry.time.isoformat(),
                "kind": entry.kind.value,
                "open": entry.open,
                "sealed": {
                    name: value.hex() if _is_binary(name) else value.decode()
                    for name, value in opened.items()
                },
            }
            for receipt, entry, opened in ledger.entries
        ],
    }


def _is_binary(name: str) -> bool:
    return name.startswith("rows/") or name in ("tokens", "subjects")


def _row_count(value: Json) -> str:
    return counted(int(str(value)), "row")


def _asked(ledgers: list[Ledger]) -> Mapping[str, Json] | None:
    for ledger in ledgers:
        for _, entry, _ in ledger.entries:
            found = entry.open.get("asked")
            if isinstance(found, dict):
                return found
    return None


def _sealed(ledgers: list[Ledger]) -> dict[str, str]:
    """The sealed values that are not erased, of the first ledger that opens them."""
    found: dict[str, str] = {}
    for ledger in ledgers:
        for _, _, opened in ledger.entries:
            for name, value in opened.items():
                if name in (*_SEALED, "trace_id") or name.startswith(FRAGMENT):
                    found.setdefault(name, _readable(name, value))
    return found


def _readable(name: str, value: bytes) -> str:
    if name != "parameters":
        return value.decode()
    document: Mapping[str, Mapping[str, object]] = json.loads(value)
    return ", ".join(f"{key} = {one['value']}" for key, one in document.items())


def _rows(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _words(value: Json) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
