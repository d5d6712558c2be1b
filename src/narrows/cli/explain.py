"""`narrows explain`: what a question would do, as a tree; with `--analyze`, what it does."""

import asyncio
from typing import Annotated

import typer

from narrows.cli.analysis import Analysis, analysis_of
from narrows.cli.ask import (
    Agreement,
    Approver,
    As,
    Authority,
    Case,
    Deadline,
    Emergency,
    Form,
    Grounds,
    MergeAt,
    Officer,
    Param,
    Partial,
    PurposeOf,
    Question,
    SignAs,
    Sql,
    StateOf,
    Ticket,
    Unit,
    connected,
    parameters_of,
    receipt_id,
)
from narrows.cli.plan_tree import WIDTH, draw_plan, plan_document
from narrows.cli.show import ANSWERED, REFUSED, Format, console, print_json
from narrows.client import Answer
from narrows.client.question import make_ask
from narrows.core.exchange import Explanation
from narrows.core.request import AT_GATEWAY
from narrows.local.state import DEFAULT, State


def explain(
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
    analyze: Annotated[
        bool, typer.Option("--analyze", help="ask it, too, and show rows, bytes and times")
    ] = False,
    format: Annotated[Format, typer.Option(help="text or json")] = Format.TEXT,  # noqa: A002
    state: StateOf = DEFAULT,
) -> None:
    """Show what a question would do at each agency, and the merge; no data is touched.

    With --analyze the question is asked too, as `narrows ask` asks it: signed, decided, entered in
    every ledger. Its rows are not printed. Exit code 3 then: refused or withheld.

    Example: narrows explain "SELECT full_name FROM patron WHERE card_number = :card"
    --as riverside --purpose interlibrary_loan --officer 12 --param card=ZZ1001
    """
    made = make_ask(
        sql, parameters_of(param or []), purpose=purpose, officer=officer, case=case,
        grounds=grounds, unit=unit, form=form, authority=authority or None, approver=approver,
        agreement=agreement, partial=partial, deadline=deadline, ticket=ticket, emergency=emergency,
        sign_as=sign_as, merge_at=merge_at,
    )  # fmt: skip
    found, answer = asyncio.run(_explain(Question(State(state), member, made), asks=analyze))
    measured = None if answer is None else analysis_of(answer)
    if format is Format.JSON:
        print_json(plan_document(found, measured))
    else:
        print_plan(found, measured)
    if answer is None:
        return
    if format is Format.TEXT:
        console().print(f"request  {answer.request_id}", style="dim")
        console().print(f"receipt  {receipt_id(answer.receipt)}", style="dim")
    raise typer.Exit(ANSWERED if answer.is_answered else REFUSED)


def print_plan(found: Explanation, analysis: Analysis | None = None) -> None:
    """Print the tree, no wider than the screen."""
    screen = console()
    tree = draw_plan(found, analysis, min(WIDTH, screen.width))
    screen.print(tree, markup=False, soft_wrap=True)


async def _explain(question: Question, *, asks: bool) -> tuple[Explanation, Answer | None]:
    """The plan, and the answer where the question is asked."""
    async with connected(question) as client:
        found = await client.explanation_of(question.ask)
        return found, await client.answer_to(question.ask) if asks else None
