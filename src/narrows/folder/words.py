"""What is wrong in a file, in words for people who do not program, and at its very line.

`core.document` says what pydantic and YAML say; this says the same as one would to a privacy
officer: what stands there, what may stand there.
"""

from collections.abc import Mapping
from typing import TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from narrows.errors import BadFederation

_Path: TypeAlias = tuple[str | int, ...]

# What the patterns of `format.py` and of the policy language ask for.
_PATTERNS = (
    ("[A-Z]{3}", "must be three capital letters", "ISO 3166, as CAN"),
    ("a-z0-9_]", "must be a name of a to z, digits and _", "begin it with a small letter"),
    ("a-z0-9-]", "must be a name of a to z, digits and -", "begin it with a small letter"),
    ("a-z0-9_-]", "must be a name of a to z, digits, _ and -", "begin it with a small letter"),
)
_KINDS: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing", "write it"),
    "string_type": ("must be text", "put it in quotes"),
    "string_too_short": ("must not be empty", "write a text"),
    "int_type": ("must be a whole number", "write it in digits, without quotes"),
    "int_parsing": ("must be a whole number", "write it in digits, without quotes"),
    "int_from_float": ("must be a whole number", "write it in digits, without quotes"),
    "bool_type": ("must be true or false", "write it without quotes"),
    "bool_parsing": ("must be true or false", "write it without quotes"),
    "list_type": ("must be a list", "write it as [one, two]"),
    "dict_type": ("must be keys with values", "write each as `key: value`, indented"),
    "model_type": ("must be keys with values", "write each as `key: value`, indented"),
    "too_short": ("must not be empty", "write at least one"),
    "too_long": ("holds more than one", "write one here, and another entry for the other"),
    "date_type": ("must be a day", "write it as 2026-03-26, without quotes"),
    "date_parsing": ("must be a day", "write it as 2026-03-26, without quotes"),
    "date_from_datetime_parsing": ("must be a day", "write it as 2026-03-26, without quotes"),
}
_YAML: tuple[tuple[str, str, str], ...] = (
    ("'\\t'", "a tab stands where only spaces may", "indent with spaces"),
    ("duplicate key", "a key stands twice", "take one of the two out"),
    ("mapping values", "a second `: ` stands on one line", "put the text after the key in quotes"),
    (
        "expected <block end>",
        "the line does not fit what stands above it",
        "begin keys of one level in one column, and close every quote",
    ),
    ("expected ',' or", "a bracket is not closed", "see that each [ has its ] and each { its }"),
    ("while scanning a quoted", "a quote is not closed", "see that each quote has its pair"),
    ("unexpected end of stream", "a quote is not closed", "see that each quote has its pair"),
    (
        "could not find expected ':'",
        "a key without `: ` stands here or above",
        "write `key: value`",
    ),
    ("cannot start any token", "a sign stands here that begins no text", "put the text in quotes"),
)


def in_words(error: BadFederation, text: str) -> BadFederation:
    """The same error in plain words; itself, where it is plain already.

    Needs: `text` is that of the file which the error names.
    """
    match error.__cause__:
        case ValidationError() as cause:
            return _of_layout(error, cause, text)
        case MarkedYAMLError() as cause:
            problem = f"{cause.context or ''} {cause.problem or ''}"
            for sign, message, hint in _YAML:
                if sign in problem:
                    return _again(error, message, hint, error.line)
    return error


def _of_layout(error: BadFederation, cause: ValidationError, text: str) -> BadFederation:
    found = cause.errors(include_url=False, include_input=False)
    tree = YAML(typ="rt", pure=True).load(text)
    # An unknown key first: a slip of the pen is an unknown key and a missing one. Then the
    # deepest: where a place may hold two things, that is the one that was meant.
    worst = min(found, key=lambda one: (one["type"] != "extra_forbidden", -len(one["loc"])))
    path, line = _place(tree, worst["loc"])
    if worst["type"] == "missing":
        path = (*path, worst["loc"][-1])
    name = f"`{_spell(path)}`" if path else "the file"
    if worst["type"] == "extra_forbidden":
        return _again(error, f"{name} is no key that is known here", error.hint, line)
    message, hint = _said(worst)
    page = "docs/policy.md" if error.file.endswith("policy.yaml") else "docs/federation-folder.md"
    return _again(error, f"{name} {message}", f"{hint}; see {page}", line)


def _said(found: ErrorDetails) -> tuple[str, str]:
    kind, context = found["type"], found.get("ctx", {})
    if kind == "string_pattern_mismatch":
        for sign, message, hint in _PATTERNS:
            if sign in str(context.get("pattern")):
                return message, hint
    if kind in ("literal_error", "enum"):
        allowed = str(context.get("expected")).replace("'", "").replace(" or ", ", ")
        return "is none of what may stand here", f"one of {allowed}"
    if kind == "greater_than_equal":
        return f"must be {context.get('ge')} or more", "write a larger number"
    if kind == "less_than_equal":
        return f"must be {context.get('le')} or less", "write a smaller number"
    said = found["msg"]
    return _KINDS.get(kind, (f"is wrong: {said[:1].lower()}{said[1:]}", "mend it"))


def _place(tree: object, path: _Path) -> tuple[_Path, int]:
    """The part of the path that the document has, and its line.

    Pydantic also names the branches of a choice on the way (`DeclaredColumns`); the document does
    not, so what it does not have is passed over.
    """
    found: list[str | int] = []
    line = 1
    for part in path:
        if isinstance(tree, CommentedMap):
            key = next((one for one in tree if str("null" if one is None else one) == part), None)
            if key is None and None not in tree:
                continue
            line, tree = tree.lc.key(key)[0] + 1, tree[key]
            found.append(part)
        elif isinstance(tree, CommentedSeq) and isinstance(part, int) and part < len(tree):
            line, tree = tree.lc.item(part)[0] + 1, tree[part]
            found.append(part)
    return tuple(found), line


def _spell(path: _Path) -> str:
    """The path as people count: `agreements.1.valid` is that of the first agreement."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path)


def _again(error: BadFederation, message: str, hint: str, line: int) -> BadFederation:
    return BadFederation(message, hint=hint, file=error.file, line=line)
