r"""The text of a query, bounded and read into words before any recursive parser sees it.

What differs between SQL dialects (escapes in strings, dollar quotes, nested comments, exotic
spaces, adjacent literals) is refused here, so that there is one way to read what is left. Every
cap is checked in time linear in the text; a text that is too long is not read at all.

>>> scan("SELECT surname -- who\nFROM person;")
'SELECT surname       \nFROM person '
"""

import re
import unicodedata
from dataclasses import dataclass, field

from narrows.errors import MalformedQuery, UnsupportedQuery

LONGEST_TEXT = 20_000
MOST_WORDS = 4_000
MOST_OPERATORS = 500
MOST_ITEMS = 500
MOST_SOURCES = 32
MOST_SET_OPERATIONS = 40
# sqlglot takes about 25 frames a parenthesis; CPython allows 1,000 for it and all its callers.
DEEPEST = 24

_WORD = re.compile(
    r"""(?P<space>[ \t\n]+|\r\n)
    |(?P<comment>--[^\r\n]*|/\*(?![!+])(?:(?!/\*|\*/)[^\0])*\*/)
    |(?P<string>'(?:[^']|'')*')(?!')
    |(?P<quoted>"[^"]*")(?!")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<parameter>:[A-Za-z_][A-Za-z0-9_]*)
    |(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_."'])
    |(?P<operator>(?:<>|!=|<=|>=|\|\||//|::|[=<>+\-*/%])(?![<>=!|*/%+~^&@?]|:(?![A-Za-z_])))
    |(?P<mark>[(),.;])""",
    re.VERBOSE,
)
_HINTS = {
    "$": "write parameters as `:name`",
    "?": "write parameters as `:name`",
    "`": "names are plain and need no quotes",
    "[": "lists and subscripts are not accepted",
    "{": "structures are not accepted",
    "#": "comments begin with `--`",
    "'": "close the text with a single quote",
    '"': "names are plain and need no quotes",
    "\\": "a backslash has no meaning outside a text",
    "/": "comments are `--` or a plain, unnested `/* */`",
}
# After any other word a text would be an alias, a prefix of another dialect, or a second literal.
_BEFORE_VALUE = frozenset(
    (
        "and",
        "between",
        "by",
        "case",
        "date",
        "distinct",
        "else",
        "from",
        "having",
        "ilike",
        "in",
        "like",
        "limit",
        "not",
        "offset",
        "on",
        "or",
        "select",
        "then",
        "timestamp",
        "when",
        "where",
    )
)
_PREFIXES = frozenset(("not", "-"))


@dataclass(slots=True)
class _Counts:
    words: int = 0
    operators: int = 0
    sources: int = 0
    set_operations: int = 0
    run: int = 0
    """How many prefix operators stand before the next word."""
    open: list[int] = field(default_factory=list)
    """What each open parenthesis or `CASE` adds to the depth."""
    items: list[int] = field(default_factory=list)


def scan(text: str) -> str:
    """The text with comments and the closing semicolon blanked, and parameters as `$name`.

    Each position stays what it was.

    Raises: MalformedQuery for what is no word of SQL; UnsupportedQuery for what is beyond a cap or
    means different things in different dialects.
    """
    if len(text) > LONGEST_TEXT:
        raise UnsupportedQuery(f"the query is longer than {LONGEST_TEXT} characters")
    if not unicodedata.is_normalized("NFC", text):
        raise MalformedQuery("the query is not in Unicode form NFC", hint="normalise the text")
    counts = _Counts()
    pieces: list[str] = []
    position, before, before_that, ended = 0, "", "", False
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None or found.lastgroup is None:
            raise _strange(text, position)
        kind, piece = found.lastgroup, found.group()
        if kind == "comment":
            _check_text(kind, piece.replace("\r\n", "  "), position)
        elif kind != "space":
            if ended:
                raise UnsupportedQuery("more than one statement", position=position)
            _check_place(kind, before, before_that, position)
            _check_text(kind, piece, position)
            if piece == ";":
                ended, piece = True, " "
            else:
                before, before_that = (piece.lower() if kind != "string" else "'"), before
                _count(counts, kind, before, position)
        pieces.append(_passed_on(kind, piece))
        position = found.end()
    if counts.open:
        raise MalformedQuery("a parenthesis or `case` is not closed", position=len(text))
    return "".join(pieces)


def _passed_on(kind: str, piece: str) -> str:
    """What sqlglot is given for one word, of the same length."""
    if kind == "comment":
        return re.sub(r"[^\r\n]", " ", piece)
    # sqlglot takes `SELECT :name` for an alias before its term; a written `$` is refused, so the
    # other spelling of parameters is free.
    return "$" + piece[1:] if kind == "parameter" else piece


def _check_place(kind: str, before: str, before_that: str, position: int) -> None:
    """Nothing; refuses a first word that begins no query, and a value where none may stand."""
    if not before and kind not in ("name", "mark"):
        raise MalformedQuery("a query begins with `select` or `with`", position=position)
    if kind not in ("string", "parameter") or not before:
        return
    is_word = before[0].isalnum() or before[0] in "_:'\")."
    names_table = before == "from" and before_that != "distinct"
    if (is_word and before not in _BEFORE_VALUE) or names_table:
        message = "a text or parameter stands where no value may stand"
        hint = "write one plain text in single quotes, after an operator or comma"
        raise UnsupportedQuery(message, hint=hint, position=position)


def _check_text(kind: str, piece: str, position: int) -> None:
    """Nothing; refuses control characters and halves of surrogate pairs in literals and comments."""
    if kind not in ("string", "comment"):
        return
    for place, character in enumerate(piece):
        if kind == "comment" and character in "\t\n":
            continue
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            message = "a text or comment holds a control character or line separator"
            raise UnsupportedQuery(
                message, hint="give it as a parameter", position=position + place
            )


def _count(counts: _Counts, kind: str, word: str, position: int) -> None:
    """Nothing; counts one word, and refuses it when it is one too many."""
    counts.words += 1
    if kind == "operator" or word in ("and", "or", "not"):
        counts.operators += 1
    if word in ("join", "from"):
        counts.sources += 1
    if word in ("union", "intersect", "except"):
        counts.set_operations += 1
    if word == "(" or (word == "case" and kind == "name"):
        counts.open.append(1 + counts.run)
        counts.items.append(1)
    elif word == ")" or (word == "end" and kind == "name"):
        if not counts.open:
            raise MalformedQuery("a parenthesis or `case` was never opened", position=position)
        counts.open.pop()
        counts.items.pop()
    elif word == "," and counts.items:
        counts.items[-1] += 1
    counts.run = counts.run + 1 if word in _PREFIXES else 0
    for much, most, what in (
        (counts.words, MOST_WORDS, "words"),
        (counts.operators, MOST_OPERATORS, "operators"),
        (counts.sources, MOST_SOURCES, "sources"),
        (counts.set_operations, MOST_SET_OPERATIONS, "set operations"),
        (counts.items[-1] if counts.items else 0, MOST_ITEMS, "items in one list"),
        (sum(counts.open) + counts.run, DEEPEST, "levels of nesting"),
    ):
        if much > most:
            raise UnsupportedQuery(f"the query has more than {most} {what}", position=position)


def _strange(text: str, position: int) -> MalformedQuery | UnsupportedQuery:
    character = text[position]
    if character in _HINTS:
        return UnsupportedQuery(
            "a character is not accepted here", hint=_HINTS[character], position=position
        )
    if character.isascii() and character.isprintable():
        return MalformedQuery("this is not a word of the accepted SQL", position=position)
    message = f"the character U+{ord(character):04X} may stand in a text only"
    return UnsupportedQuery(message, hint="use plain spaces and names", position=position)
