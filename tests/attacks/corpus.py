r"""The corpus as text: one file a family, each with its classes, each class with its attacks.

    -- class: predicate

    -- name: a hidden text is compared
    -- expect: refused by policy
    SELECT p.surname {lookup} AND p.secret = '1'

The name is the line of prose; what follows it is the SQL or the message. So that a file stays
readable, `{lookup}` and `{document}` stand for the question about one document, `{pointer}` and
`{list}` for those of the other forms (`form:` says which is asked; `lookup` unless it does), `{U+00A0}` for a
character that cannot be seen, and `{3 times}no {end}` for a repetition, in which `{n}` is the number of the time.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"
MESSAGES = Path(__file__).parent / "messages"
DOCUMENT = "i.ident_type = 'PASSPORT' AND i.ident_value = 'ZZ123456'"
LOOKUP = f"FROM person p JOIN identifier i USING (holder, person_id) WHERE {DOCUMENT}"
POINTER = (
    "FROM known_name n JOIN person p USING (holder, person_id) "
    "WHERE n.family = 'Bouchard' AND n.born = DATE '1970-05-05'"
)
LIST = "FROM person p JOIN offender_registration r USING (holder, person_id)"
_SHORT = {"lookup": LOOKUP, "document": DOCUMENT, "pointer": POINTER, "list": LIST}
_CLASS = re.compile(r"^-- class: (.+)$", re.MULTILINE)
_NAME = re.compile(r"^-- name: (.+)$", re.MULTILINE)
_FIELD = re.compile(r"-- (expect|form|given|control|sent): (.+)\n")
_TIMES = re.compile(r"\{([0-9]+) times\}(.*?)\{end\}", re.DOTALL)
_CHARACTER = re.compile(r"\{U\+([0-9A-F]{4,5})\}")


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack: what it is, what must come of it, and its text as it is sent.

    `given` are parameters of the query; `control` says why no broken policy can make a difference;
    a message that is `sent: as written` is not put into canonical form first.
    """

    family: str
    kind: str
    name: str
    expect: str
    text: str
    form: str = "lookup"
    given: str = ""
    control: str = ""
    sent: str = ""

    def __str__(self) -> str:
        return f"{self.family}: {self.kind}: {self.name}"


def read_family(family: str, folder: Path = FOLDER) -> list[Attack]:
    """The attacks of one file, in its order."""
    text = (folder / f"{family}.txt").read_text()
    _, *parts = _CLASS.split(text)
    return [
        _attack(family, kind, name, body)
        for kind, block in zip(parts[::2], parts[1::2], strict=True)
        for name, body in _named(block)
    ]


def families(folder: Path = FOLDER) -> list[str]:
    """The names of the files."""
    return sorted(path.stem for path in folder.glob("*.txt"))


def _named(block: str) -> list[tuple[str, str]]:
    before, *parts = _NAME.split(block)
    assert not before.strip(), before
    return list(zip(parts[::2], parts[1::2], strict=True))


def _attack(family: str, kind: str, name: str, body: str) -> Attack:
    body, fields = body.lstrip("\n"), {}
    while found := _FIELD.match(body):
        fields[found.group(1)] = expand(found.group(2))
        body = body[found.end() :]
    return Attack(family, kind, name, fields.pop("expect"), expand(body.strip("\n")), **fields)


def expand(text: str) -> str:
    """The text as it is sent."""
    for short, long in _SHORT.items():
        text = text.replace(f"{{{short}}}", long)
    text = _CHARACTER.sub(lambda found: chr(int(found.group(1), 16)), text)
    return _TIMES.sub(lambda found: _times(int(found.group(1)), found.group(2)), text)


def _times(count: int, text: str) -> str:
    """The text as often as that; `{n}` in it is which time it is."""
    if "{n}" not in text:
        return text * count
    return "".join(text.replace("{n}", str(number)) for number in range(count))
