"""`narrows ask`: one question, signed as a member of a local federation."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.show import (
    ANSWERED,
    REFUSED,
    RowFormat,
    console,
    counted,
    print_csv,
    print_json,
    print_table,
)
from narrows.client import Answer, Client, Credential, connect
from narrows.client.question import Ask, make_ask
from narrows.core.answer import HolderReport, Outcome
from narrows.core.ledger.checkpoint import parse_checkpoint
from narrows.core.ledger.note import parse_note
from narrows.core.ledger.receipt import Receipt, encode_receipt
from narrows.core.request import AT_GATEWAY
from narrows.core.terms import NAME, ColumnType, TypedValue, parse_value
from narrows.errors import MalformedRequest, NodeUnavailable
from narrows.local.state import DEFAULT, GATEWAY, State

Sql = Annotated[str, typer.Argument(help="one SELECT")]
As = Annotated[str, typer.Option("--as", help="the member that asks")]
PurposeOf = Annotated[str, typer.Option("--purpose", help="why: one of the federation's purposes")]
Officer = Annotated[str, typer.Option(help="who asks, at the member")]
Unit = Annotated[str, typer.Option(help="the unit that asks")]
Case = Annotated[str, typer.Option(help="the case number")]
Grounds = Annotated[str, typer.Option(help="the grounds, in words")]
Form = Annotated[str, typer.Option(help="lookup, list, count or pointer")]
Authority = Annotated[str, typer.Option(help="the legal authority that is claimed")]
Approver = Annotated[str, typer.Option(help="who approved it, at the member")]
SignAs = Annotated[str, typer.Option("--sign-as", help="the approver whose own key signs, too")]
Ticket = Annotated[str, typer.Option(help="the id of the held request that is collected")]
Emergency = Annotated[bool, typer.Option("--emergency", help="claim emergency use")]
Agreement = Annotated[str, typer.Option(help="the reference of the agreement that is relied on")]
Param = Annotated[
    list[str] | None,
    typer.Option(help="name=text, or name:type=value for another type; may be repeated"),
]
MergeAt = Annotated[
    str, typer.Option("--merge-at", help="gateway; or requester: then the gateway reads no row")
]
Partial = Annotated[bool, typer.Option("--partial", help="take an answer without every agency")]
Deadline = Annotated[float, typer.Option(help="seconds")]
StateOf = Annotated[Path, typer.Option("--state", help="the state of a federation")]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as the command line gives it."""

    state: State
    member: str
    ask: Ask


def ask(
    sql: Sql,
    member: As,
    purpose: PurposeOf,
    officer: Officer = "",
    unit: Unit = "",
    case: Case = "",
    grounds: Grounds = "",
    form: Form = "lookup",
    authority: Authority = "",
    approver: Approver = "",
    sign_as: SignAs = "",
    agreement: Agreement = "",
    ticket: Ticket = "",
    emergency: Emergency = False,
    merge_at: MergeAt = AT_GATEWAY,
    param: Param = None,
    partial: Partial = False,
    deadline: Deadline = 10.0,
    receipt: Annotated[
        Path | None, typer.Option(help="a file for the receipts, for `narrows verify`")
    ] = None,
    format: Annotated[RowFormat, typer.Option(help="how rows are printed")] = RowFormat.TABLE,  # noqa: A002
    state: StateOf = DEFAULT,
) -> None:
    """Ask the federation one question, and print rows, outcomes, caveats and the receipt's name.

    Exit code 0: answered; 3: refused or withheld; 2: bad use; 1: failure.

    Example: narrows ask "SELECT full_name FROM patron WHERE card_number = :card"
    --as riverside --purpose interlibrary_loan --officer 12 --param card=ZZ1001
    """
    made = make_ask(
        sql, parameters_of(param or []), purpose=purpose, officer=officer, case=case,
        grounds=grounds, unit=unit, form=form, authority=authority or None, approver=approver,
        agreement=agreement, partial=partial, deadline=deadline, ticket=ticket,
        emergency=emergency, sign_as=sign_as, merge_at=merge_at,
    )  # fmt: skip
    question = Question(State(state), member, made)
    found = asyncio.run(_put(question))
    match format:
        case RowFormat.JSON:
            print_json(as_json(found))
        case RowFormat.CSV:
            print_csv(found.table.column_names, _rows(found))
            _say_beside(found)
        case RowFormat.TABLE:
            print_answer(found)
    if receipt is not None:
        # After the rows: they were disclosed, and a path that is wrong must not lose them.
        documents = [_document(one) for one in receipts_of(found)]
        receipt.write_text(json.dumps(documents, ensure_ascii=False), encoding="utf-8")
    raise typer.Exit(ANSWERED if found.is_answered else REFUSED)


def print_answer(answer: Answer) -> None:
    """Rows, outcomes, caveats and the receipt's name, for people."""
    screen = console()
    if answer.withheld_because:
        screen.print(f"[red]no rows are given[/]: {answer.withheld_because}")
    else:
        print_table(answer.table.column_names, _rows(answer))
        screen.print(counted(answer.table.num_rows, "row") + "\n", style="dim")
    print_table(
        ("agency", "outcome", "rows", "ms", "clauses", "why, and what was narrowed"),
        (
            (a.holder, a.outcome.value, *_figures(a), ", ".join(a.clauses), _why(a))
            for a in answer.agencies
        ),
    )  # fmt: skip
    for caveat in answer.caveats:
        screen.print(f"caveat   {caveat}", markup=False)
    screen.print(f"request  {answer.request_id}", style="dim")
    screen.print(f"receipt  {receipt_id(answer.receipt)}", style="dim")


def as_json(answer: Answer) -> dict[str, object]:
    """The answer as the command documents it."""
    return {
        "request_id": answer.request_id,
        "columns": [{"name": one.name, "type": one.type.value} for one in answer.columns],
        "rows": [list(row) for row in _rows(answer)],
        "agencies": [
            {
                "holder": one.holder,
                "outcome": one.outcome.value,
                "clauses": list(one.clauses),
                "reason": "; ".join(one.reasons),
                "narrowed": list(one.narrowed),
                "withheld": list(one.withheld),
                "rows": one.row_count,
                "ms": one.elapsed_ms,
                "keep_days": one.keep_days,
                "receipt": None if one.receipt is None else _document(one.receipt),
            }
            for one in answer.agencies
        ],
        "caveats": list(answer.caveats),
        "withheld_because": answer.withheld_because,
        "receipt": _document(answer.receipt),
    }


def receipts_of(answer: Answer) -> list[Receipt]:
    """The gateway's receipt, then each agency's."""
    return [answer.receipt, *(one.receipt for one in answer.agencies if one.receipt is not None)]


def receipt_id(receipt: Receipt) -> str:
    """The ledger's name and the number of the entry, by which people name a receipt."""
    return f"{parse_checkpoint(parse_note(receipt.checkpoint).text).origin} #{receipt.index}"


async def _put(question: Question) -> Answer:
    async with connected(question) as client:
        return await client.answer_to(question.ask)


@asynccontextmanager
async def connected(question: Question) -> AsyncIterator[Client]:
    """A client of the state's gateway. Raises: NodeUnavailable, naming where it should be."""
    home, address = question.state.member(question.member), question.state.place(GATEWAY).address
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(
                connect(address, credential=Credential.load(home), journal=home / "requests.jsonl")
            )
        except NodeUnavailable as cause:
            message = f"the gateway at `{address}` cannot be reached"
            raise NodeUnavailable(message, hint="`narrows status` shows who serves") from cause
        yield client


def parameters_of(given: list[str]) -> dict[str, TypedValue]:
    """The parameters, each of its canonical type. Raises: MalformedRequest."""
    found = {}
    for one in given:
        head, is_whole, text = one.partition("=")
        name, _, kind = head.partition(":")
        if not is_whole or not NAME.fullmatch(name) or kind not in ("", *ColumnType):
            kinds = ", ".join(ColumnType)
            message = "a parameter is not of the form name=text or name:type=value"
            raise MalformedRequest(message, hint=f"types are {kinds}")
        found[name] = parse_value(ColumnType(kind or "text"), text)
    return found


def _rows(answer: Answer) -> list[tuple[object, ...]]:
    columns = [answer.table.column(place).to_pylist() for place in range(answer.table.num_columns)]
    return list(zip(*columns, strict=True))


def _say_beside(answer: Answer) -> None:
    """What rows alone do not say, on stderr: no partial answer may pass as whole."""
    if answer.withheld_because:
        print(f"no rows are given: {answer.withheld_because}", file=sys.stderr)
    for one in answer.agencies:
        if one.outcome is not Outcome.NOT_ASKED:
            why = f": {_why(one)}" if _why(one) else ""
            print(f"{one.holder} {one.outcome}{why}", file=sys.stderr)
    for caveat in answer.caveats:
        print(f"caveat {caveat}", file=sys.stderr)
    print(f"request {answer.request_id}", file=sys.stderr)
    print(f"receipt {receipt_id(answer.receipt)}", file=sys.stderr)


def _figures(report: HolderReport) -> tuple[int | None, int | None]:
    """Rows and milliseconds, where the holder was asked at all."""
    if report.outcome is Outcome.NOT_ASKED:
        return None, None
    return report.row_count, report.elapsed_ms


def _why(report: HolderReport) -> str:
    withheld = [f"withheld: {', '.join(report.withheld)}"] if report.withheld else []
    days = report.keep_days
    kept = [] if days is None else [f"keep for {counted(days, 'day')} at most"]
    return "; ".join((*report.reasons, *report.narrowed, *withheld, *kept))


def _document(receipt: Receipt) -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads(encode_receipt(receipt))
    return found
