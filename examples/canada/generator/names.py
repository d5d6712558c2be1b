"""Names of people, by origin, in the shares of Canada's peoples."""

from dataclasses import dataclass
from random import Random

from generator.lists import (
    ARABIC_MEN,
    ARABIC_SURNAMES,
    ARABIC_WOMEN,
    CHINESE_GIVEN,
    CHINESE_SURNAMES,
    ENGLISH_MEN,
    ENGLISH_SURNAMES,
    ENGLISH_WOMEN,
    FRENCH_MEN,
    FRENCH_SURNAMES,
    FRENCH_WOMEN,
    INDIGENOUS_MEN,
    INDIGENOUS_SURNAMES,
    INDIGENOUS_WOMEN,
    SOUTH_ASIAN_MEN,
    SOUTH_ASIAN_SURNAMES,
    SOUTH_ASIAN_WOMEN,
    SYLLABICS,
    VIETNAMESE_MEN,
    VIETNAMESE_SURNAMES,
    VIETNAMESE_WOMEN,
)

SHARES = {
    "english": 45,
    "french": 20,
    "south_asian": 10,
    "chinese": 10,
    "indigenous": 5,
    "arabic": 5,
    "vietnamese": 5,
}


@dataclass(frozen=True, slots=True)
class Name:
    """A full name; `other` is the same name as another clerk would romanise it."""

    surname: str
    given: str
    other: tuple[str, str] | None = None
    syllabics: str = ""


def draw_name(rng: Random, origin: str, sex: str) -> Name:
    """A name of that origin."""
    man = sex != "F"
    match origin:
        case "french":
            given = _two(rng, FRENCH_MEN if man else FRENCH_WOMEN)
            return Name(rng.choice(FRENCH_SURNAMES), given)
        case "south_asian":
            pool = SOUTH_ASIAN_MEN if man else SOUTH_ASIAN_WOMEN
            return Name(rng.choice(SOUTH_ASIAN_SURNAMES), rng.choice(pool))
        case "chinese":
            return _romanised(rng, CHINESE_SURNAMES, CHINESE_GIVEN)
        case "indigenous":
            return _indigenous(rng, man=man)
        case "arabic":
            return _romanised(rng, ARABIC_SURNAMES, ARABIC_MEN if man else ARABIC_WOMEN)
        case "vietnamese":
            pool = VIETNAMESE_MEN if man else VIETNAMESE_WOMEN
            return Name(rng.choice(VIETNAMESE_SURNAMES), rng.choice(pool))
    given = _two(rng, ENGLISH_MEN if man else ENGLISH_WOMEN)
    return Name(rng.choice(ENGLISH_SURNAMES), given)


def draw_origin(rng: Random) -> str:
    """An origin, in the shares of `SHARES`."""
    return rng.choices(list(SHARES), weights=list(SHARES.values()))[0]


def _two(rng: Random, pool: list[str]) -> str:
    first, second = rng.sample(pool, 2)
    return f"{first} {second}" if rng.random() < 0.6 else first


def _romanised(
    rng: Random, surnames: tuple[tuple[str, str], ...], given: tuple[tuple[str, str], ...]
) -> Name:
    surname, forename = rng.choice(surnames), rng.choice(given)
    one = rng.randrange(2)
    return Name(surname[one], forename[one], other=(surname[1 - one], forename[1 - one]))


def _indigenous(rng: Random, *, man: bool) -> Name:
    surname = rng.choice(INDIGENOUS_SURNAMES)
    given = rng.choice(INDIGENOUS_MEN if man else INDIGENOUS_WOMEN)
    syllabics = "".join(rng.choice(SYLLABICS) for _ in range(rng.randint(3, 5)))
    if rng.random() < 0.2:
        return Name(surname, "", syllabics=syllabics)
    return Name(surname, given, syllabics=syllabics)
