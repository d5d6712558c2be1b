"""A golden case as text: what a privacy officer reads, and the values that the walk takes from it."""

import csv
import io
import re
from dataclasses import dataclass
from datetime import date

from narrows.core.catalog import Catalog
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.policy.rows import Tables
from narrows.core.policy.versions import in_force_or_first
from narrows.core.terms import ColumnType, Holder, RelationName, Scalar, parse_value

MADE = ("decision", "sent to ", "answer")


@dataclass(frozen=True, slots=True)
class Case:
    """One file: the prose, and its sections by name, in the order of the file."""

    prose: str
    sections: dict[str, str]

    @property
    def fields(self) -> dict[str, str]:
        """The fields of the request, above its SQL."""
        lines = self.sections["request"].partition("\n\n")[0].splitlines()
        words = [re.split(r"\s{2,}", line.strip()) for line in lines]
        return {
            name: value for one in words for name, value in zip(one[::2], one[1::2], strict=True)
        }

    @property
    def sql(self) -> str:
        """The question."""
        return self.sections["request"].partition("\n\n")[2]

    @property
    def inputs(self) -> str:
        """What the requester wrote and what the holders hold."""
        names = [name for name in self.sections if name == "request" or name.startswith("held by")]
        return "\n".join(self.sections[name] for name in names)

    @property
    def policies(self) -> str:
        """What the holders published."""
        return "\n".join(self.sections[name] for name in self.sections if name.startswith("policy"))

    @property
    def holdings(self) -> dict[str, set[str]]:
        """The holders of which the case says something, and the relations that it gives each."""
        head = re.compile(r"(?:policy of|held by) ([a-z]+)(?:: (\w+))?")
        found: dict[str, set[str]] = {}
        for name in self.sections:
            if (said := head.match(name)) is not None:
                found.setdefault(said.group(1), set()).update(filter(None, [said.group(2)]))
        return found

    def policy(self, catalog: Catalog, holder: Holder, day: date) -> Policy:
        """The policy of a holder on that day; without a section, one that grants nothing.

        A later version stands in a section of its own: `policy of nsor, version 2`. That of the
        highest version that is in force counts; before every one, the first.
        """
        start = re.compile(rf"policy of {holder}(?:, version (\d+))?")
        texts = {
            int(found.group(1) or 1): text
            for name, text in self.sections.items()
            if (found := start.fullmatch(name)) is not None
        }
        policies = [_policy(catalog, holder, *one) for one in sorted((texts or {1: ""}).items())]
        return in_force_or_first(policies, day)

    def tables(self, catalog: Catalog, holder: Holder) -> Tables:
        """The rows of a holder; a column that the case leaves out is NULL."""
        start = f"held by {holder}: "
        return {
            RelationName(name.removeprefix(start)): [
                {
                    column.name: _read(column.type, row.get(column.name) or None)
                    for column in catalog.relations[RelationName(name.removeprefix(start))].columns
                }
                for row in csv.DictReader(io.StringIO(text))
            ]
            for name, text in self.sections.items()
            if name.startswith(start)
        }

    def spell(self, made: dict[str, str]) -> str:
        """The file with the made sections in place of what stood there."""
        found = {name: text for name, text in self.sections.items() if not name.startswith(MADE)}
        names = list(found)
        place = next((n for n, name in enumerate(names) if name.startswith("held by")), len(names))
        early = [name for name in made if name != "answer"]
        late = names[place:-1]
        order = [*names[:place], *early, *late, "answer", "must not appear"]
        texts = {**found, **made}
        return self.prose + "".join(f"\n\n-- {name} --\n{texts[name]}" for name in order) + "\n"


def _policy(catalog: Catalog, holder: Holder, version: int, text: str) -> Policy:
    head = "" if "effective:" in text else "effective: 2026-03-26\n"
    whole = f"agency: {holder}\nversion: {version}\n{head}{text}"
    return parse_policy(whole, catalog, f"{holder}.yaml")


def spell_value(value: Scalar) -> str:
    """A value as the rows of a case spell it."""
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _read(kind: ColumnType, text: str | None) -> Scalar:
    whole_seconds = kind is ColumnType.TIMESTAMP and text is not None and "." not in text
    return parse_value(kind, f"{text}.000000" if whole_seconds else text).value


def read_case(text: str) -> Case:
    """The parts of a case's text."""
    prose, *rest = re.split(r"^-- (.+) --$", text, flags=re.MULTILINE)
    names, texts = rest[::2], [part.strip("\n") for part in rest[1::2]]
    return Case(prose.strip("\n"), dict(zip(names, texts, strict=True)))
