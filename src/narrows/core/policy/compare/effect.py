"""One difference between two versions of a policy, and which way it goes."""

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """Which way a change goes. What cannot be shown to narrow what is given, widens it."""

    WIDENS = "widens"
    NARROWS = "narrows"
    CHANGES = "changes"
    """Neither more nor less is given: other words, another person, another clock."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference in plain words; `line` is that of the new text, 0 for what was taken out.

    `about` are words that a question which shows the change holds, most telling first.
    """

    effect: Effect
    message: str
    line: int = 0
    agreement: str | None = None
    about: tuple[str, ...] = ()
