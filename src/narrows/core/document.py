"""YAML text to a checked model, with the file and line of whatever is wrong.

The files of a federation are written by people: every refusal names the line and says what is
allowed there. Aliases, tags and duplicate keys are refused, since a reviewer reads past them.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

from narrows.errors import BadFederation

MAX_DOCUMENT_CHARACTERS = 1_000_000
MAX_DOCUMENT_DEPTH = 24
_DAY = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")

M = TypeVar("M", bound=BaseModel)
Path: TypeAlias = tuple[str | int, ...]
Plain: TypeAlias = "str | bool | int | float | date | list[Plain] | dict[str, Plain] | None"


def read_document(text: str, model: type[M], file: str) -> tuple[M, "Lines"]:
    """The model that the text spells, and where each of its parts stands.

    Raises: BadFederation with file and line: not YAML, an unknown or missing key, a wrong type.
    """
    tree, lines = _load(text, file)
    try:
        return model.model_validate(tree), lines
    except ValidationError as cause:
        found = cause.errors(include_url=False, include_input=False)
        # A slip of the pen is an unknown key and a missing one: the former says where.
        first, *others = sorted(found, key=lambda one: one["type"] != "extra_forbidden")
        path: Path = first["loc"]
        more = f" ({len(others)} more after it)" if others else ""
        said = first["msg"].removeprefix("Value error, ")
        place = ".".join(map(str, lines.known(path, missing=first["type"] == "missing")))
        raise BadFederation(
            f"`{place or 'the file'}`: {said[:1].lower()}{said[1:]}{more}",
            hint=_allowed(first["type"], model, path),
            file=file,
            line=lines.of(path),
        ) from cause


class Lines:
    """The line of each part of a document, counted from 1."""

    def __init__(self, lines: Mapping[Path, int]) -> None:
        self._lines = lines

    def of(self, path: Path) -> int:
        """The line of the part at that path, or of what is nearest around it."""
        return self._lines.get(self.known(path), 1)

    def known(self, path: Path, *, missing: bool = False) -> Path:
        """The path as far as the document has it; with the last part where that is missing.

        A first place is passed over where one thing stands instead of a list.
        """
        found: Path = ()
        for part in path:
            if (*found, part) in self._lines:
                found = (*found, part)
            elif part != 0:
                break
        return (*found, *path[-1:]) if missing else found


def _load(text: str, file: str) -> tuple[Plain, Lines]:
    if len(text) > MAX_DOCUMENT_CHARACTERS:
        raise BadFederation(f"the file is over {MAX_DOCUMENT_CHARACTERS} characters", file=file)
    try:
        return _read(text, file)
    except NotImplementedError:
        # The reader keeps comments, and gives up on some, between a key and its value.
        return _read(_without_comments(text), file)


def _read(text: str, file: str) -> tuple[Plain, Lines]:
    try:
        _check_events(text, file)
        tree = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as cause:
        line = cause.problem_mark.line + 1 if cause.problem_mark else 0
        problem = (cause.problem or "the file is not YAML").split("\n")[0].lower()
        message = "a key stands twice" if "duplicate" in problem else problem
        raise BadFederation(message, hint="mend the YAML", file=file, line=line) from cause
    except ValueError as cause:
        # What looks like a day or a number and is none: the reader does not say where.
        line = _first_false_day(text)
        message = "a value is no day of the calendar, or no number"
        raise BadFederation(
            message, hint="write days as 2026-03-26", file=file, line=line
        ) from cause
    except (YAMLError, RecursionError) as cause:
        raise BadFederation("the file is not YAML", hint="mend the YAML", file=file) from cause
    lines: dict[Path, int] = {(): 1}
    return _plain(tree, (), lines, file), Lines(lines)


def _without_comments(text: str) -> str:
    """The text with blanks for its comments, so that every line stays where it is."""
    kept = list(text)
    for start, end in comment_spans(text):
        kept[start:end] = " " * (end - start)
    return "".join(kept)


def comment_spans(text: str) -> tuple[tuple[int, int], ...]:
    """From where to where each comment of a YAML text goes: what a `#` begins between two words."""
    found: list[tuple[int, int]] = []
    end = 0
    for token in YAML(typ="safe", pure=True).scan(text):
        between = re.finditer(r"#[^\r\n]*", text[end : token.start_mark.index])
        found += [(end + one.start(), end + one.end()) for one in between]
        end = token.end_mark.index
    return tuple(found)


def _first_false_day(text: str) -> int:
    """The line of the first plain value that looks like a day and is none; 0 for none."""
    for number, line in enumerate(text.splitlines(), start=1):
        for found in _DAY.finditer(line):
            try:
                date(int(found[1]), int(found[2]), int(found[3]))
            except ValueError:
                return number
    return 0


def _check_events(text: str, file: str) -> None:
    depth = 0
    for event in YAML(typ="rt", pure=True).parse(text):
        line = event.start_mark.line + 1
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise BadFederation(
                "anchors and aliases are not read", hint="write it out", file=file, line=line
            )
        if getattr(event, "version", None) or getattr(event, "tags", None):
            # `%YAML 1.1` would turn `NO` into false, which a reviewer does not see.
            raise BadFederation(
                "directives are not read", hint="leave it out", file=file, line=line
            )
        if isinstance(event, ScalarEvent) and event.value == "<<":
            raise BadFederation(
                "merge keys are not read", hint="write it out", file=file, line=line
            )
        if getattr(event, "tag", None):
            raise BadFederation("tags are not read", hint="leave it out", file=file, line=line)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            depth += 1
            if depth > MAX_DOCUMENT_DEPTH:
                raise BadFederation("the file is nested too deeply", file=file, line=line)
        elif type(event).__name__ in ("MappingEndEvent", "SequenceEndEvent"):
            depth -= 1


def _plain(value: object, path: Path, lines: dict[Path, int], file: str) -> Plain:
    match value:
        case CommentedMap():
            found: dict[str, Plain] = {}
            for key, inner in value.items():
                line = value.lc.key(key)[0] + 1
                name = _key(key, file, line)
                if name in found:
                    raise BadFederation("a key stands twice", file=file, line=line)
                lines[(*path, name)] = line
                found[name] = _plain(inner, (*path, name), lines, file)
            return found
        case CommentedSeq():
            for index in range(len(value)):
                lines[(*path, index)] = value.lc.item(index)[0] + 1
            return [_plain(inner, (*path, index), lines, file) for index, inner in enumerate(value)]
        case _:
            return _scalar(value, file, lines.get(path, 1))


def _key(key: object, file: str, line: int) -> str:
    """A key as text; `null`, which YAML reads as no value, is the test of that name."""
    if key is None:
        return "null"
    if isinstance(key, str):
        return str(key)
    raise BadFederation("a key is not text", hint="quote it", file=file, line=line)


def _scalar(value: object, file: str, line: int) -> Plain:
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            return float(value)
        case str():
            return str(value)
        case date() if not isinstance(value, datetime):
            return date(value.year, value.month, value.day)
        case _:
            raise BadFederation(
                "neither text, number, boolean nor day", hint="quote it", file=file, line=line
            )


def _allowed(kind: str, model: type[BaseModel], path: Path) -> str:
    """What may stand at the place of an error, where the model can say so."""
    if kind != "extra_forbidden":
        return ""
    found: type[BaseModel] | None = model
    for part in path[:-1]:
        found = _inner(found, part)
    if found is None:
        return "this key is unknown"
    return f"known keys are {', '.join(sorted(_names(found)))}"


def _names(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _inner(model: type[BaseModel] | None, part: str | int) -> type[BaseModel] | None:
    if model is None or isinstance(part, int):
        return model
    for name, field in model.model_fields.items():
        if part in (name, field.alias):
            return _model_in(field.annotation)
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The first model inside an annotation such as `list[Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
