"""Every hostile question of the corpus, through the pure core, over both of the paired databases."""

from typing import NoReturn

import pytest

from narrows.core.sql import parse as parsing
from narrows.core.sql.parse import parse
from narrows.core.sql.scan import LONGEST_TEXT
from narrows.errors import UnsupportedQuery
from tests.attacks.corpus import Attack, families, read_family
from tests.attacks.setting import BROKEN, CANARY, LEFT, RIGHT, SETTING, SMALL_CELLS
from tests.attacks.walk import ask

ATTACKS = [attack for family in families() for attack in read_family(family)]
HARMLESS = [attack for attack in ATTACKS if attack.expect == "harmless"]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_an_attack_comes_to_what_its_file_says(attack: Attack) -> None:
    left, right = ask(attack, SETTING, LEFT), ask(attack, SETTING, RIGHT)
    assert left.verdict == attack.expect
    assert left == right
    hidden = left.text.replace(attack.text, "")
    assert CANARY not in hidden or CANARY in attack.text


@pytest.mark.parametrize("attack", HARMLESS, ids=str)
def test_a_harmless_attack_would_show_under_a_broken_decision(attack: Attack) -> None:
    leaks = [
        name
        for name, setting in BROKEN.items()
        if ask(attack, setting, LEFT) != ask(attack, setting, RIGHT)
    ]
    assert bool(leaks) != bool(attack.control), attack.control


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_decision_leaks_in_many_attacks(name: str) -> None:
    released = [attack for attack in ATTACKS if not attack.expect.startswith("refused: ")]
    # Small cells show in counts alone, and there are too few of these to leave any out.
    counts = [attack for attack in released if attack.form == "count"]
    released = counts if name == SMALL_CELLS else released[::3]
    leaks = [
        attack
        for attack in released
        if ask(attack, BROKEN[name], LEFT) != ask(attack, BROKEN[name], RIGHT)
    ]
    assert len(leaks) > 10


def test_no_attack_is_written_twice() -> None:
    names = [str(attack) for attack in ATTACKS]
    assert len(set(names)) == len(names)


def test_a_text_over_the_cap_is_read_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that a long text takes is that of its length alone."""
    calls: list[str] = []

    def read(text: str) -> NoReturn:
        calls.append(text)
        raise ZeroDivisionError

    monkeypatch.setattr(parsing, "_read", read)
    long = [attack for attack in ATTACKS if len(attack.text) > LONGEST_TEXT]
    assert len(long) >= 10
    for attack in long:
        with pytest.raises(UnsupportedQuery, match=f"longer than {LONGEST_TEXT} characters"):
            parse(attack.text)
    assert calls == []
    with pytest.raises(ZeroDivisionError):
        parse("SELECT 1")
    assert calls
