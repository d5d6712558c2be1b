"""A policy's text set anew: its comments, its order, and whether a part is a list or a row, stay.

What a person writes line by line (two blanks a level, `-` two in from its key) stays so, and what
stands in brackets stays there on one line of 100 characters. What does not fit is broken after
commas, below the first word in the bracket; where it holds brackets itself, the outer ones are
opened instead, but not those of a key set. Opened, too, are brackets with a comment inside, and the
three outermost levels. A word needs no quotes; a sentence keeps those that it has.

    by:
      - {person_name.surname + person_name.given_names: {similar: name_sim, at_least: 0.88},
         person.birth_date: {within_days: 183}}
    link: [person, person_name, identifier, vehicle, involvement, investigation,
           offender_registration]
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from narrows.core.document import comment_spans

WIDTH = 100
_OPEN_LEVELS = 3
_WORD = re.compile(r"[^\W\d][\w./-]*")
_NOT_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
"""What is read as another value without quotes, by one YAML or another."""
_KEPT_AS_WRITTEN = re.compile(r"[|>]-?\s*(#.*)?")


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment: where it begins, its words, and whether nothing is said before it on its line."""

    at: int
    text: str
    is_alone: bool
    column: int


@dataclass(frozen=True, slots=True)
class _Block:
    """What stands line by line: where it begins, and at which column its lines do."""

    at: int
    column: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of a block: a key, or a place of a list that holds no block itself.

    `end` is where its value ends; of a block's key, where the key does. `blocks` are around it,
    outermost first.
    """

    at: int
    end: int
    blocks: tuple[_Block, ...]


def set_anew(text: str) -> str:
    """The text of a mapping in the one layout, whatever its line ends were."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    root = YAML(typ="safe", pure=True).compose(plain)
    found = comments_in(plain)
    setter = _Setter(plain, root, found)
    above, lines = setter.block(root, 0)
    return "\n".join([*_begun(above), *lines, *setter.below(root, 0)]) + "\n"


def comments_in(text: str) -> tuple[Comment, ...]:
    """Every comment, in order."""
    found: list[Comment] = []
    for start, end in comment_spans(text):
        before = text[text.rfind("\n", 0, start) + 1 : start]
        alone = not before.strip(" \t-?[{")
        first = len(before) - len(before.lstrip()) if before.strip() else len(before)
        words = text[start:end].rstrip()
        found.append(Comment(start, words, alone, first if alone else len(before)))
    return tuple(found)


class _Setter:
    """Sets one text; knows where each comment belongs."""

    def __init__(self, text: str, root: Node, comments: Sequence[Comment]) -> None:
        self._text = text
        self._root = root
        self._places = [comment.at for comment in comments]
        self._above: dict[int, list[Comment]] = defaultdict(list)
        self._beside: dict[int, Comment] = {}
        self._below: dict[_Block, list[Comment]] = defaultdict(list)
        entries = list(self._entries(root, (), 0))
        starts = [entry.at for entry in entries]
        for comment in comments:
            number = bisect_right(starts, comment.at)
            last = entries[number - 1] if number else None
            self._place(comment, last, entries[number] if number < len(entries) else None)

    def _place(self, comment: Comment, last: _Entry | None, following: _Entry | None) -> None:
        """Puts the comment beside or above a line, or at the end of a block."""
        if last is not None and not comment.is_alone:
            if last.at in self._beside:
                self._above[last.at].append(self._beside[last.at])
            self._beside[last.at] = comment
            return
        if last is not None and comment.at < last.end:
            self._above[last.at].append(comment)
            return
        column = -1 if following is None else self._first_column(following.at)
        around = () if following is None else following.blocks
        over = [] if last is None else [one for one in last.blocks if one not in around]
        # Indented deeper than what follows, it ends what went before.
        inside = [block for block in over if column < comment.column >= block.column]
        if following is not None and not inside:
            self._above[following.at].append(comment)
        else:
            self._below[(inside or over)[-1]].append(comment)

    def _entries(self, node: Node, around: tuple[_Block, ...], level: int) -> Iterator[_Entry]:
        blocks = (*around, self._block_of(node))
        for key, value in _items(node):
            is_open = self._is_open(key, value, level + 1)
            if key is not None or not is_open:
                first = value if key is None else key
                # A value that is left out begins where the next word does, comments later.
                is_short = is_open or value.start_mark.index == value.end_mark.index
                last = key if key is not None and is_short else value
                yield _Entry(first.start_mark.index, last.end_mark.index, blocks)
            if is_open:
                yield from self._entries(value, blocks, level + 1)

    def _block_of(self, node: Node) -> _Block:
        first = node.value[0][0] if isinstance(node, MappingNode) else node
        at = first.start_mark.index
        # A list in a list begins where the first inside it does, and so does a mapping in a list.
        return _Block(at * 2 + isinstance(node, MappingNode), at - self._line_start(at))

    def _is_open(self, key: ScalarNode | None, node: Node, level: int) -> bool:
        """Whether the node stands line by line."""
        if not isinstance(node, CollectionNode) or not node.value:
            return False
        first = bisect_left(self._places, node.start_mark.index)
        has_comment = first < bisect_left(self._places, node.end_mark.index)
        if not node.flow_style or level < _OPEN_LEVELS or has_comment:
            return True
        column = 2 * (level - 1) + 2 + (0 if key is None else len(self._scalar(key)))
        is_long = column + len(self._flat(node)) > WIDTH
        # In a list, a row of small rows is a key set: one thing, however long.
        return is_long and _depth(node) > (2 if key is None else 1)

    # --- lines -----------------------------------------------------------------------------

    def block(self, node: Node, level: int, indent: int = 0) -> tuple[list[str], list[str]]:
        """What stands above the first line, not indented, and the lines."""
        top: list[str] = []
        lines: list[str] = []
        pad = " " * indent
        for number, (key, value) in enumerate(_items(node)):
            above, mine = self._entry(key, value, level, indent)
            if number:
                lines += [(pad + line).rstrip() for line in above]
            else:
                top = above
            lines += mine
        return top, lines

    def _entry(
        self, key: ScalarNode | None, value: Node, level: int, indent: int
    ) -> tuple[list[str], list[str]]:
        pad = " " * indent
        is_open = self._is_open(key, value, level + 1)
        if key is None and is_open:
            above, lines = self.block(value, level + 1, indent + 2)
            lines += self.below(value, indent + 2)
            return above, [f"{pad}- {lines[0][indent + 2 :]}", *lines[1:]]
        at = (value if key is None else key).start_mark.index
        head = f"{pad}- " if key is None else f"{pad}{self._scalar(key)}:"
        if is_open:
            above, lines = self.block(value, level + 1, indent + 2)
            inner = [f"{pad}  {line}".rstrip() for line in _begun(above)]
            rest = [*inner, *lines, *self.below(value, indent + 2)]
            return self._leading(at), [self._with_comment(head, at), *rest]
        if key is not None:
            head += " "
        said = self._leaf(value, indent, len(head))
        *first, last = f"{head}{said}".rstrip().split("\n")
        return self._leading(at), [*first, self._with_comment(last, at)]

    def _leading(self, at: int) -> list[str]:
        """The comments above an entry, with at most one empty line before each and after them."""
        found: list[str] = []
        for comment in self._above[at]:
            found += [""] if self._is_spaced(comment.at) else []
            found.append(comment.text)
        return [*found, *([""] if self._is_spaced(at) else [])]

    def below(self, node: Node, indent: int) -> list[str]:
        """The comments that end a block."""
        found: list[str] = []
        for comment in self._below[self._block_of(node)]:
            found += [""] if self._is_spaced(comment.at) else []
            found.append(" " * indent + comment.text)
        return found

    def _with_comment(self, line: str, at: int) -> str:
        """The line with what stands beside it: in its column, where that is free."""
        comment = self._beside.get(at)
        if comment is None:
            return line
        column = len(line) + 2
        if column < comment.column <= WIDTH - len(comment.text):
            column = comment.column
        return line.ljust(column) + comment.text

    def _is_spaced(self, at: int) -> bool:
        """Whether an empty line stands above, and nothing before on this one."""
        start = self._line_start(at)
        over = self._text[self._line_start(start - 1) : start] if start else "#"
        return not over.strip() and not self._text[start:at].strip(" \t-?[{")

    def _first_column(self, at: int) -> int:
        before = self._text[self._line_start(at) : at]
        return len(before) - len(before.lstrip())

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, max(at, 0)) + 1

    # --- values ----------------------------------------------------------------------------

    def _leaf(self, node: Node, indent: int, column: int) -> str:
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            return self._kept(node, indent)
        return self._row(node, column, 0)

    def _kept(self, node: ScalarNode, indent: int) -> str:
        """A text over several lines, as it is written; in quotes where its own indent counts."""
        written = self._text[node.start_mark.index : node.end_mark.index].rstrip()
        head, *lines = written.split("\n")
        if not _KEPT_AS_WRITTEN.fullmatch(head) or not lines:
            return _quoted(node.value)
        depth = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
        pad = " " * (indent + 2)
        return "\n".join([head.rstrip(), *((pad + line[depth:]).rstrip() for line in lines)])

    def _row(self, node: Node, column: int, tail: int) -> str:
        """What stands in brackets, from that column on, with `tail` characters to follow."""
        flat = self._flat(node)
        if isinstance(node, ScalarNode) or column + len(flat) + tail <= WIDTH or not node.value:
            return flat
        left, right = _brackets(node)
        inside, items = column + 1, _items(node)
        found, at, was_broken = left, column + 1, False
        for number, item in enumerate(items):
            after = 1 if number < len(items) - 1 else 1 + tail
            said = self._flat_item(item)
            if number and (was_broken or at + 1 + len(said) + after > WIDTH):
                found, at = f"{found}\n{' ' * inside}", inside
            elif number:
                found, at = f"{found} ", at + 1
            key, value = item
            name = "" if key is None else f"{self._scalar(key)}: "
            said = name + self._row(value, at + len(name), after)
            was_broken = "\n" in said
            last = said.rpartition("\n")[2]
            at = (0 if was_broken else at) + len(last) + 1
            found += said + ("," if number < len(items) - 1 else right)
        return found

    def _flat(self, node: Node) -> str:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        left, right = _brackets(node)
        return f"{left}{', '.join(map(self._flat_item, _items(node)))}{right}"

    def _flat_item(self, item: tuple[ScalarNode | None, Node]) -> str:
        key, value = item
        return self._flat(value) if key is None else f"{self._scalar(key)}: {self._flat(value)}"

    def _scalar(self, node: ScalarNode) -> str:
        value = str(node.value)
        if node.style in ("|", ">") or "\n" in value:
            return _quoted(value)
        if node.style not in ("'", '"'):
            return value
        if _WORD.fullmatch(value) and value.lower() not in _NOT_WORDS:
            return value
        return _quoted(value)


def _begun(lines: list[str]) -> list[str]:
    """The lines without an empty one that comes first."""
    return lines[1:] if lines[:1] == [""] else lines


def _items(node: Node) -> list[tuple[ScalarNode | None, Node]]:
    """The keys with their values, or the places of a list without one."""
    return list(node.value) if isinstance(node, MappingNode) else [(None, x) for x in node.value]


def _depth(node: Node) -> int:
    """How many brackets stand in one another."""
    if isinstance(node, ScalarNode):
        return 0
    return 1 + max((_depth(value) for _, value in _items(node)), default=0)


def _brackets(node: Node) -> tuple[str, str]:
    return ("{", "}") if isinstance(node, MappingNode) else ("[", "]")


def _quoted(value: str) -> str:
    """The text in double quotes; in single ones where these would need escapes."""
    if ('"' in value or "\\" in value) and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable() or character == "\u00a0":
        return character
    return "\\n" if character == "\n" else f"\\U{ord(character):08x}"
