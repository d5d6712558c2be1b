"""A question with all that a holder may want to know before it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Required, TypeAlias, TypedDict

from narrows.core.request import AT_GATEWAY
from narrows.core.terms import Purpose, Scalar, TypedValue, type_of

Values: TypeAlias = Mapping[str, Scalar | TypedValue]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question.

    `optional` holds officer, grounds, case_number, approver and agreement_reference as given;
    `sign_as` names the approver whose own key signs beside the agency's.
    """

    sql: str
    parameters: Mapping[str, TypedValue]
    purpose: Purpose
    unit: str
    optional: Mapping[str, str]
    form: str = "lookup"
    authority: str | None = None
    partial: bool = False
    deadline_s: float = 10.0
    ticket: str | None = None
    emergency: bool = False
    sign_as: str = ""
    merge_at: str = AT_GATEWAY


class How(TypedDict, total=False):
    """How a question is asked. Everything but the purpose may be left out.

    `merge_at` is `gateway`, or `requester` where the gateway shall read no row: then agencies seal
    their rows to the member's merge key, and this client merges them.
    `partial` takes an answer that lacks an agency, where that cannot make it false; `deadline` is
    in seconds; `case`, `grounds`, `officer`, `approver` and `agreement` travel to the holders, who
    may require them, and rest sealed in their ledgers. `sign_as` adds the own signature of a named
    person of the member, who is the approver then; `ticket` collects what was held: it is the id of
    the held request, and the question must be the same; `emergency` claims emergency use, where an
    agreement knows it, and a holder reviews it afterwards.
    """

    purpose: Required[str]
    officer: str
    case: str
    grounds: str
    unit: str
    form: str
    authority: str | None
    approver: str
    agreement: str
    partial: bool
    deadline: float
    ticket: str
    emergency: bool
    sign_as: str
    merge_at: str


def make_ask(
    sql: str,
    params: Values | None = None,
    *,
    purpose: str,
    officer: str = "",
    case: str = "",
    grounds: str = "",
    unit: str = "",
    form: str = "lookup",
    authority: str | None = None,
    approver: str = "",
    agreement: str = "",
    partial: bool = False,
    deadline: float = 10.0,
    ticket: str = "",
    emergency: bool = False,
    sign_as: str = "",
    merge_at: str = AT_GATEWAY,
) -> Ask:
    """The question. Raises: MalformedRequest for a parameter of no canonical type."""
    return Ask(
        sql=sql,
        parameters=typed(params or {}),
        purpose=Purpose(purpose),
        unit=unit,
        optional={
            "officer": officer,
            "grounds": grounds,
            "case_number": case,
            "approver": approver or sign_as,
            "agreement_reference": agreement,
        },
        form=form,
        authority=authority,
        partial=partial,
        deadline_s=deadline,
        ticket=ticket or None,
        emergency=emergency,
        sign_as=sign_as,
        merge_at=merge_at,
    )


def typed(parameters: Values) -> dict[str, TypedValue]:
    """Python values with the canonical types that they have as parameters."""
    return {
        name: value if isinstance(value, TypedValue) else TypedValue(type_of(value), value)
        for name, value in parameters.items()
    }
