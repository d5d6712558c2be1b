"""Provinces, postal areas, countries, carriers and ports, with the weights that draw them."""

from random import Random

# Share of people, area codes, and the first letters and digits that postal areas are mixed from.
PROVINCES: dict[str, tuple[int, tuple[str, ...], str]] = {
    "ON": (38, ("416", "613", "905"), "KLMNP"),
    "QC": (23, ("514", "418", "819"), "GHJ"),
    "BC": (19, ("604", "250", "778"), "V"),
    "AB": (9, ("403", "780"), "T"),
    "MB": (6, ("204",), "R"),
    "NS": (5, ("902",), "B"),
}
_LETTERS = "ABCEGHJKLMNPRSTVWXYZ"
_STREETS = [
    "Elm",
    "Birch",
    "Harbour",
    "Mill",
    "Station",
    "Orchard",
    "Quarry",
    "Lantern",
    "Heron",
    "Sable",
    "Cairn",
    "Osprey",
]
_KINDS = ["St", "Ave", "Rd", "Cres", "Blvd"]

# ISO 3166: two letters, three letters, an English name, share of trips.
COUNTRIES: tuple[tuple[str, str, str, int], ...] = (
    ("CA", "CAN", "Canada", 0),
    ("US", "USA", "United States", 55),
    ("MX", "MEX", "Mexico", 9),
    ("GB", "GBR", "United Kingdom", 6),
    ("FR", "FRA", "France", 6),
    ("IN", "IND", "India", 5),
    ("CN", "CHN", "China", 4),
    ("VN", "VNM", "Vietnam", 3),
    ("TH", "THA", "Thailand", 4),
    ("PH", "PHL", "Philippines", 3),
    ("DO", "DOM", "Dominican Republic", 4),
    ("CU", "CUB", "Cuba", 4),
    ("LB", "LBN", "Lebanon", 2),
    ("DE", "DEU", "Germany", 2),
)
ISO2 = {three: two for two, three, _, _ in COUNTRIES}
ENGLISH = {three: name for _, three, name, _ in COUNTRIES}
HOME_OF = {"chinese": "CHN", "south_asian": "IND", "vietnamese": "VNM", "arabic": "LBN"}

# Port, means of travel (A air, L land, M marine), in the order of their traffic.
PORTS: tuple[tuple[int, str], ...] = (
    (497, "A"),
    (453, "L"),
    (813, "L"),
    (821, "A"),
    (396, "A"),
    (427, "L"),
    (410, "L"),
    (351, "L"),
    (507, "L"),
    (701, "A"),
    (440, "L"),
    (840, "L"),
    (241, "M"),
    (834, "M"),
)
CARRIERS = ("AC", "WS", "TS", "DL", "UA", "BA", "AF", "PD")
# Traffic by month, January first.
SEASON = (7, 7, 9, 8, 9, 10, 13, 13, 9, 8, 7, 10)


def draw_province(rng: Random) -> str:
    """A province, by its share of people."""
    return rng.choices(list(PROVINCES), weights=[share for share, _, _ in PROVINCES.values()])[0]


def draw_postal(rng: Random, province: str) -> str:
    """A postal code in the province's form; area and unit are mixed, so none is an address."""
    first = rng.choice(PROVINCES[province][2])
    area = f"{first}{rng.randrange(1, 10)}{rng.choice(_LETTERS)}"
    return f"{area}{rng.randrange(10)}{rng.choice(_LETTERS)}{rng.randrange(10)}"


def draw_phone(rng: Random, province: str) -> str:
    """A telephone number of the reserved range, E.164; never the planted ones."""
    while True:
        number = f"+1{rng.choice(PROVINCES[province][1])}55501{rng.randrange(100):02d}"
        if number != "+14165550142":
            return number


def draw_street(rng: Random) -> str:
    """A house number and an invented street."""
    return f"{rng.randrange(1, 900)} {rng.choice(_STREETS)} {rng.choice(_KINDS)}"


def draw_destination(rng: Random) -> str:
    """A country of a trip, three letters."""
    return rng.choices([c[1] for c in COUNTRIES], weights=[c[3] for c in COUNTRIES])[0]


def draw_port(rng: Random, country: str) -> tuple[int, str]:
    """A port by Zipf's law; only the southern neighbour is reached by land."""
    ports = [port for port in PORTS if country == "USA" or port[1] == "A"]
    return rng.choices(ports, weights=[1 / rank for rank in range(1, len(ports) + 1)])[0]
