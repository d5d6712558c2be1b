"""Invented lists of names, by origin, in the shares of Canada's peoples.

The lists were written for this example: common names side by side, no roster, no leak. The
Indigenous family names and syllabics are made up from syllables and belong to no community.
"""

from dataclasses import dataclass
from random import Random

SHARES = {
    "english": 45,
    "french": 20,
    "south_asian": 10,
    "chinese": 10,
    "indigenous": 5,
    "arabic": 5,
    "vietnamese": 5,
}

_ENGLISH_SURNAMES = [
    "Smith",
    "Brown",
    "Campbell",
    "MacDonald",
    "Wilson",
    "Martin",
    "Taylor",
    "Anderson",
    "Thompson",
    "Clark",
    "Young",
    "Walker",
    "Harris",
    "Robinson",
    "Mitchell",
    "Reid",
    "Fraser",
    "O'Brien",
    "Kelly",
    "Murphy",
    "Stewart",
    "Graham",
    "Hall",
    "Bell",
    "Baker",
    "Hughes",
    "Morrison",
    "Ferguson",
    "Watson",
    "Hunter",
    "Sinclair",
    "Pelham",
    "Ashdown",
    "Cartwright",
    "Lockhart",
    "St.John",
    "Whitfield",
    "Barlow",
    "Hartley",
    "Smythe-Jones",
    "Penner",
    "Friesen",
    "Kowalchuk",
    "Müller",
]
_ENGLISH_MEN = [
    "James",
    "John",
    "Robert",
    "Michael",
    "William",
    "David",
    "Richard",
    "Thomas",
    "Daniel",
    "Matthew",
    "Andrew",
    "Ryan",
    "Kevin",
    "Brian",
    "Scott",
    "Ian",
    "Neil",
    "Craig",
    "Liam",
    "Owen",
    "Evan",
    "Graeme",
    "Trevor",
]
_ENGLISH_WOMEN = [
    "Mary",
    "Jennifer",
    "Linda",
    "Susan",
    "Karen",
    "Sarah",
    "Emily",
    "Jessica",
    "Heather",
    "Amanda",
    "Laura",
    "Megan",
    "Nicole",
    "Erin",
    "Rachel",
    "Fiona",
    "Claire",
    "Hannah",
    "Grace",
    "Olivia",
    "Brenda",
    "Paige",
    "Zoë",
]
_FRENCH_SURNAMES = [
    "Tremblay",
    "Gagnon",
    "Roy",
    "Côté",
    "Bouchard",
    "Gauthier",
    "Morin",
    "Lavoie",
    "Fortin",
    "Gagné",
    "Ouellet",
    "Pelletier",
    "Bélanger",
    "Lévesque",
    "Bergeron",
    "Leblanc",
    "Paquette",
    "Girard",
    "Simard",
    "Boucher",
    "Caron",
    "Beaulieu",
    "Cloutier",
    "Dubé",
    "Poirier",
    "Fournier",
    "Lapointe",
    "Leclerc",
    "Lefebvre",
    "Thériault",
    "St-Pierre",
    "Lévesque-Côté",
    "Desjardins-Roy",
    "D'Amours",
    "Deschênes",
]
_FRENCH_MEN = [
    "André",
    "Luc",
    "Jean",
    "Pierre",
    "Michel",
    "Étienne",
    "François",
    "Mathieu",
    "Benoît",
    "Gilles",
    "Sébastien",
    "Rémi",
    "Yves",
    "Jean-François",
    "Marc-André",
    "Guillaume",
    "Olivier",
    "Félix",
    "Réjean",
    "Stéphane",
]
_FRENCH_WOMEN = [
    "Marie",
    "Julie",
    "Nathalie",
    "Sylvie",
    "Isabelle",
    "Élise",
    "Geneviève",
    "Mélanie",
    "Chantal",
    "Hélène",
    "Josée",
    "Maude",
    "Marie-Ève",
    "Anne-Sophie",
    "Noémie",
    "Camille",
    "Gisèle",
    "Véronique",
    "Maïté",
    "Océane",
]
_SOUTH_ASIAN_SURNAMES = [
    "Singh",
    "Kaur",
    "Patel",
    "Sharma",
    "Gill",
    "Sandhu",
    "Dhillon",
    "Grewal",
    "Brar",
    "Sidhu",
    "Kumar",
    "Gupta",
    "Khan",
    "Ahmed",
    "Hussain",
    "Fernando",
    "Perera",
    "Nair",
    "Iyer",
    "Chowdhury",
]
_SOUTH_ASIAN_MEN = [
    "Harpreet",
    "Gurpreet",
    "Amit",
    "Rajesh",
    "Sanjay",
    "Arjun",
    "Vikram",
    "Imran",
    "Nuwan",
    "Ravi",
    "Jaspal",
]
_SOUTH_ASIAN_WOMEN = [
    "Manpreet",
    "Simran",
    "Priya",
    "Anjali",
    "Kavita",
    "Neha",
    "Jasleen",
    "Sunita",
    "Ayesha",
    "Dilani",
]
# Mandarin and Cantonese romanisation of the same family name.
_CHINESE_SURNAMES = (
    ("Zhang", "Cheung"),
    ("Xu", "Hsu"),
    ("Huang", "Wong"),
    ("Chen", "Chan"),
    ("Liu", "Lau"),
    ("Wu", "Ng"),
    ("Lin", "Lam"),
    ("Zhou", "Chow"),
    ("Yang", "Yeung"),
    ("Liang", "Leung"),
    ("Guo", "Kwok"),
    ("He", "Ho"),
)
_CHINESE_GIVEN = (
    ("Wei Ming", "Wai Ming"),
    ("Xiao Ling", "Siu Ling"),
    ("Jia Hao", "Ka Ho"),
    ("Mei Hua", "Mei Wah"),
    ("Zhi Qiang", "Chi Keung"),
    ("Yu Fen", "Yuk Fan"),
    ("Guo Hua", "Kwok Wah"),
    ("Shu Zhen", "Suk Chun"),
    ("Jun Jie", "Chun Kit"),
    ("Hui Min", "Wai Man"),
)
_INDIGENOUS_SURNAMES = [
    "Waskehan",
    "Nipisowin",
    "Tsé'ketah",
    "Okimawap",
    "Qaunirtuq",
    "Ka'nahso",
    "Sikumiat",
    "Mistahay",
    "Te'ohara",
    "Atsiqtaq",
    "Kiskowe",
    "Nuna'tuk",
    "Wapunoosis",
    "Ts'ilhta",
    "Siqiniup",
]
_INDIGENOUS_MEN = [
    "Joseph",
    "Elijah",
    "Noah",
    "Simeon",
    "Peter",
    "Tapwe",
    "Ukaliq",
    "Raymond",
    "Isaac",
    "Nanuq",
]
_INDIGENOUS_WOMEN = [
    "Sarah",
    "Annie",
    "Wapun",
    "Leah",
    "Nivi",
    "Theresa",
    "Siku",
    "Maggie",
    "Kisis",
    "Dinah",
]
# Cree and Inuktitut syllables; what they spell is made up.
_SYLLABICS = [
    "ᐁ",
    "ᐃ",
    "ᐅ",
    "ᐊ",
    "ᐯ",
    "ᐱ",
    "ᐳ",
    "ᐸ",
    "ᑌ",
    "ᑎ",
    "ᑐ",
    "ᑕ",
    "ᑫ",
    "ᑭ",
    "ᑯ",
    "ᑲ",
    "ᒉ",
    "ᒋ",
    "ᒧ",
    "ᒪ",
    "ᓀ",
    "ᓂ",
    "ᓄ",
    "ᓇ",
    "ᓯ",
    "ᓱ",
    "ᓴ",
]
_ARABIC_SURNAMES = (
    ("Al-Hassan", "Alhassan"),
    ("Haddad", "Hadad"),
    ("El Khoury", "Elkhouri"),
    ("Mansour", "Mansoor"),
    ("Nasser", "Naser"),
    ("Saleh", "Salih"),
    ("Hussein", "Husayn"),
    ("Abboud", "Aboud"),
)
_ARABIC_MEN = (
    ("Mohammed", "Muhammad"),
    ("Mohamad", "Mohammed"),
    ("Ahmad", "Ahmed"),
    ("Youssef", "Yusuf"),
    ("Omar", "Umar"),
    ("Khaled", "Khalid"),
)
_ARABIC_WOMEN = (
    ("Fatima", "Fatimah"),
    ("Noor", "Nour"),
    ("Layla", "Leila"),
    ("Maryam", "Mariam"),
    ("Rania", "Raniya"),
)
_VIETNAMESE_SURNAMES = ["Nguyen", "Tran", "Le", "Pham", "Huynh", "Phan", "Vu", "Vo", "Dang", "Bui"]
_VIETNAMESE_MEN = ["Van Minh", "Duc Anh", "Quoc Bao", "Huu Phuoc", "Thanh Tung", "Van Hung"]
_VIETNAMESE_WOMEN = ["Thi Hoa", "Thi Lan", "Ngoc Anh", "Thi Mai", "Bich Ngoc", "Kim Chi"]


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
            given = _two(rng, _FRENCH_MEN if man else _FRENCH_WOMEN)
            return Name(rng.choice(_FRENCH_SURNAMES), given)
        case "south_asian":
            pool = _SOUTH_ASIAN_MEN if man else _SOUTH_ASIAN_WOMEN
            return Name(rng.choice(_SOUTH_ASIAN_SURNAMES), rng.choice(pool))
        case "chinese":
            return _romanised(rng, _CHINESE_SURNAMES, _CHINESE_GIVEN)
        case "indigenous":
            return _indigenous(rng, man=man)
        case "arabic":
            return _romanised(rng, _ARABIC_SURNAMES, _ARABIC_MEN if man else _ARABIC_WOMEN)
        case "vietnamese":
            pool = _VIETNAMESE_MEN if man else _VIETNAMESE_WOMEN
            return Name(rng.choice(_VIETNAMESE_SURNAMES), rng.choice(pool))
    given = _two(rng, _ENGLISH_MEN if man else _ENGLISH_WOMEN)
    return Name(rng.choice(_ENGLISH_SURNAMES), given)


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
    surname = rng.choice(_INDIGENOUS_SURNAMES)
    given = rng.choice(_INDIGENOUS_MEN if man else _INDIGENOUS_WOMEN)
    syllabics = "".join(rng.choice(_SYLLABICS) for _ in range(rng.randint(3, 5)))
    if rng.random() < 0.2:
        return Name(surname, "", syllabics=syllabics)
    return Name(surname, given, syllabics=syllabics)
