"""How clerks and machines misrecord: the pieces that holders' error models are made of."""

import unicodedata
from datetime import date
from random import Random

from generator.world import Person

_MRZ = {"Ä": "AE", "Ö": "OE", "Ü": "UE", "ß": "SS", "Å": "AA", "Æ": "AE", "Ø": "OE", "Ñ": "N"}
_MRZ_NAME_CHARACTERS = 39


def misrecord_name(rng: Random, person: Person, rate: float) -> tuple[str, str]:
    """Family name and given names as one clerk wrote them; `rate` of them wrongly or otherwise."""
    surname, given = person.surname, person.given
    if person.other and rng.random() < 0.4:
        surname, given = person.other
    if person.former and rng.random() < 0.5:
        surname = person.former
    if rng.random() >= rate:
        return surname, given
    match rng.randrange(4):
        case 0 if given:
            return given.split()[0], surname
        case 1:
            return _typo(rng, surname), given
        case 2:
            return surname, given.split()[0] if given else given
        case _:
            return surname, _typo(rng, given)


def misrecord_day(rng: Random, day: date, rate: float) -> date:
    """A date of birth; `rate` of them swapped, cut to a placeholder, or off by a digit."""
    if rng.random() >= rate:
        return day
    if day.day <= 12 and day.day != day.month and rng.random() < 0.6:
        return date(day.year, day.day, day.month)
    if rng.random() < 0.5:
        return date(day.year, 1, 1)
    # Two digits of the year change places: 1978 becomes 1987.
    year = day.year // 100 * 100 + day.year % 10 * 10 + day.year // 10 % 10
    return date(year, day.month, min(day.day, 28)) if 1900 < year < 2015 else day


def misrecord_number(rng: Random, number: str, rate: float) -> str:
    """A document number; `rate` of them with two neighbouring digits transposed."""
    if rng.random() >= rate or len(number) < 6:
        return number
    # The first digit stays: it keeps generated passports apart from the planted ones.
    at = rng.randrange(3, len(number) - 1)
    return f"{number[:at]}{number[at + 1]}{number[at]}{number[at + 2 :]}"


def plain(text: str) -> str:
    """The text without accents: what an old terminal could type."""
    parts = unicodedata.normalize("NFD", text)
    return "".join(part for part in parts if not unicodedata.combining(part))


def mrz_name(surname: str, given: str) -> str:
    """The name field of a machine-readable zone: `TREMBLAY<<ANDRE<LUC`, cut at 39 characters.

    Source: the transliterations of ICAO Doc 9303, part 3.
    """
    whole = f"{_mrz(surname)}<<{_mrz(given)}" if given else _mrz(surname)
    return whole[:_MRZ_NAME_CHARACTERS]


def raw_phone(rng: Random, phone: str) -> str:
    """An E.164 number as somebody typed it: `604.555.0142 x3`."""
    area, exchange, line = phone[2:5], phone[5:8], phone[8:]
    match rng.randrange(5):
        case 0:
            return f"{area}.{exchange}.{line} x{rng.randrange(1, 9)}"
        case 1:
            return f"({area}) {exchange}-{line}"
        case 2:
            return f"1-{area}-{exchange}-{line}"
        case 3:
            return f"{area} {exchange} {line} ext. {rng.randrange(10, 99)}"
        case _:
            return phone


def _mrz(text: str) -> str:
    upper = "".join(_MRZ.get(sign, sign) for sign in unicodedata.normalize("NFC", text.upper()))
    kept = (sign for sign in plain(upper).replace("-", " ").replace(".", " ") if sign not in "'’")
    return "<".join("".join(sign if "A" <= sign <= "Z" else " " for sign in kept).split())


def _typo(rng: Random, text: str) -> str:
    if len(text) < 4:
        return text
    at = rng.randrange(1, len(text) - 2)
    if rng.random() < 0.5:
        return f"{text[:at]}{text[at + 1]}{text[at]}{text[at + 2 :]}"
    return text[:at] + text[at + 1 :]
