"""The index names every class of attack, and none of them in vain."""

import re
from collections import Counter
from pathlib import Path

from tests.attacks.corpus import FOLDER, MESSAGES, Attack, families, read_family

ROOT = Path(__file__).parents[2]
FAMILIES = 13
PLACES = re.findall(
    r"^  (.+): (\S+)(?: (\w+))?$", (FOLDER.parent / "index.txt").read_text(), flags=re.MULTILINE
)


def _attacks() -> list[Attack]:
    return [
        attack
        for folder in (FOLDER, MESSAGES)
        for family in families(folder)
        for attack in read_family(family, folder)
    ]


def _home(attack: Attack) -> str:
    folder = MESSAGES if (MESSAGES / f"{attack.family}.txt").exists() else FOLDER
    return f"{folder.name}/{attack.family}"


def test_every_class_of_the_index_has_attacks() -> None:
    counts = Counter((attack.kind, _home(attack)) for attack in _attacks())
    named = {(kind, place) for kind, place, test in PLACES if not test}
    assert {found for found in named if not counts[found]} == set()
    assert set(counts) - named == {("honest", "messages/fragments")}


def test_every_test_that_the_index_names_stands() -> None:
    tests = [(place, test) for _, place, test in PLACES if test]
    missing = [
        (place, test)
        for place, test in tests
        if not re.search(rf"^(async )?def {test}\(", (ROOT / place).read_text(), flags=re.MULTILINE)
    ]
    assert tests
    assert missing == []


def test_there_are_enough_of_them() -> None:
    lines = (FOLDER.parent / "index.txt").read_text().splitlines()
    blocks = "\n".join(lines).split("\n\n")
    assert len([block for block in blocks if "\n  " in block]) == FAMILIES
    assert len(_attacks()) >= 250
    assert len({attack.text for attack in _attacks()}) >= 250


def test_each_attack_says_what_must_come_of_it() -> None:
    known = re.compile(r"harmless|refused by policy|replayed|refused: [A-Z_]+")
    assert [str(attack) for attack in _attacks() if not known.fullmatch(attack.expect)] == []
