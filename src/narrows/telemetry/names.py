"""Every span and attribute that Narrows writes. What is not listed here is not written.

Attributes hold names from the catalog, the directory and closed lists, counts, and times. They
never hold a literal, a row value, an officer, a case, or the request id: a trace leads to its
request only through the sealed part of a ledger entry.
"""

from enum import StrEnum


class Step(StrEnum):
    """The spans: one a step of the walk, in the order of `ARCHITECTURE.md`."""

    ASK = "narrows.gateway.ask"
    VERIFY = "narrows.verify"
    PLAN = "narrows.plan"
    DECIDE = "narrows.decide"
    INTENT = "narrows.ledger.intent"
    FAN_OUT = "narrows.fan_out"
    EXCHANGE = "narrows.exchange"
    MERGE = "narrows.merge"
    OUTCOME = "narrows.ledger.outcome"
    ANSWER = "narrows.node.answer"
    READ = "narrows.read"
    DISCLOSE = "narrows.ledger.disclosure"


class Attribute(StrEnum):
    """The attributes of spans."""

    HOLDER = "narrows.holder"
    OUTCOME = "narrows.outcome"
    ROW_COUNT = "narrows.row_count"
    ERROR_REASON = "narrows.error_reason"
