"""What texts are reduced to before policy compares them, and how alike two names are.

The same function serves wherever a match runs (a node, the merge, the client), whatever the
engine: engines differ in case folding and accents, and some have no measure of likeness.

>>> normal_name("Lévesque-Côté"), normal_name("O'Brien ")
('levesque cote', 'obrien')
>>> normal_document("zz-123 456"), normal_phone("(416) 555-0142", "CA")
('ZZ123456', '+14165550142')
>>> name_sim("NGUYEN THI HOA", "Hoa Thị Nguyễn")
1.0
"""

import unicodedata

import phonenumbers
from rapidfuzz.distance import JaroWinkler

_APOSTROPHES = frozenset("'’‘ʼʻ`´")


def normal_name(text: str) -> str:
    """The words of a name: without case, accents, apostrophes and punctuation, one blank between.

    Letters of every script are kept.
    """
    kept = "".join(
        character if character.isalnum() else " "
        for character in _bare(text)
        if character not in _APOSTROPHES
    )
    return " ".join(kept.split())


def one_spelling(person: str) -> str:
    r"""A person's name, or number, the same however it is written; what has no letter stays as it is.

    Else each spelling of an officer would have a budget of its own, or an approver to approve it.

    >>> one_spelling("  Sgt. A. Ro\u200by\u00a0") == one_spelling("ＳＧＴ Á ROY")
    True
    """
    seen = "".join(one for one in person if unicodedata.category(one) != "Cf")
    return normal_name(seen) or seen.strip()


def is_same_person(one: str | None, other: str | None) -> bool:
    """Whether both names are given, and are of one person.

    >>> is_same_person("Sgt. A. Roy", "sgt a  roy"), is_same_person("", None)
    (True, False)
    """
    first, second = one_spelling(one or ""), one_spelling(other or "")
    return bool(first) and first == second


def normal_document(text: str) -> str:
    """A document number or plate: capital letters and digits alone."""
    return "".join(character for character in _bare(text) if character.isalnum()).upper()


def normal_phone(text: str, region: str) -> str | None:
    """A telephone number as E.164 has it, without an extension; None for what is no number.

    `region` (ISO 3166, two letters) is where a number without a country code is from.
    """
    try:
        found = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(found):
        return None
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.E164)


def name_sim(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1: Jaro-Winkler over their normal forms.

    Taken as written and with the words in order of the alphabet, the better of both, since family
    and given names change places. Nothing is alike to a text without a letter.
    """
    return Likeness(one).to(other)


class Likeness:
    """How alike names are to one name, which is reduced once: what a search of many needs."""

    def __init__(self, name: str) -> None:
        self._name = normal_name(name)
        self._sorted = _in_order(self._name)

    def to(self, other: str) -> float:
        """As `name_sim`."""
        found = normal_name(other)
        if not found or not self._name:
            return 0.0
        straight = JaroWinkler.similarity(self._name, found)
        return max(straight, JaroWinkler.similarity(self._sorted, _in_order(found)))


def _in_order(name: str) -> str:
    return " ".join(sorted(name.split()))


def _bare(text: str) -> str:
    """Case folded, and without the marks that stand on letters."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(character for character in folded if not unicodedata.combining(character))
