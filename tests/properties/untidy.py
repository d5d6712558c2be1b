"""Policies as hurried people write them: the same policy in any style, with comments anywhere."""

from dataclasses import dataclass
from random import Random

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

REMARKS = ("# why", "#whom: we know, [or so]", '# it\'s "ours"', "# - id: old", "#")


@dataclass(slots=True)
class _Writer:
    """Writes a tree; every choice of style is by lot."""

    lot: Random

    def chance(self, of: int) -> bool:
        return self.lot.randrange(of) == 0

    def remark(self) -> str:
        return self.lot.choice(REMARKS)

    def between(self, most: int) -> str:
        """Empty lines and comments that stand between two lines."""
        found = ""
        while self.chance(4):
            empty = self.chance(2)
            pad = " " * self.lot.randint(0, most)
            found += "\n" if empty else f"{pad}{self.remark()}\n"
        return found

    def beside(self) -> str:
        return f"{' ' * self.lot.randint(1, 40)}{self.remark()}" if self.chance(6) else ""

    def block(self, node: Node, indent: int) -> str:
        """Lines at that indent, the first one not indented."""
        found, pad = "", " " * indent
        for number, item in enumerate(node.value):
            found += (self.between(indent + 6) + pad) if number else ""
            if isinstance(node, MappingNode):
                key, value = item
                found += f"{self.scalar(key, indent, is_key=True)}:{self.value(value, indent)}"
                continue
            blanks = self.lot.randint(1, 3)
            inside = indent + 1 + blanks
            is_block = not isinstance(item, ScalarNode) and item.value and self.chance(2)
            if is_block and self.chance(6):
                found += f"-{self.beside()}\n{self.between(inside)}{' ' * inside}"
                found += self.block(item, inside)
            elif is_block:
                found += f"-{' ' * blanks}{self.block(item, inside)}"
            else:
                found += f"-{' ' * blanks}{self.flow(item, indent + 1)}{self.beside()}\n"
        return found

    def value(self, node: Node, indent: int) -> str:
        """What follows a colon, to the end of its last line."""
        if isinstance(node, ScalarNode) or not node.value or self.chance(3):
            gap = f"{self.beside()}\n{' ' * (indent + 2)}" if self.chance(12) else " "
            return f"{gap}{self.flow(node, indent + 1)}{self.beside()}\n"
        least = 1 if isinstance(node, MappingNode) else 0
        inside = indent + self.lot.randint(least, 4)
        return f"{self.beside()}\n{self.between(inside)}{' ' * inside}{self.block(node, inside)}"

    def flow(self, node: Node, indent: int) -> str:
        """A row in brackets, perhaps over several lines that are indented so far at least."""
        if isinstance(node, ScalarNode):
            return self.scalar(node, indent)
        left, right = "{}" if isinstance(node, MappingNode) else "[]"
        items = []
        for item in node.value:
            if isinstance(node, MappingNode):
                key, value = item
                name = self.scalar(key, indent, is_key=True)
                items.append(f"{name}: {self.flow(value, indent)}")
            else:
                items.append(self.flow(item, indent))
        found = left + self.gap(indent, "")
        for number, item in enumerate(items):
            last = number == len(items) - 1
            comma = "" if last and self.chance(2) else "," + self.gap(indent, "" if last else " ")
            found += item + comma
        return found + right if items else left + right

    def gap(self, indent: int, usual: str) -> str:
        if not self.chance(8):
            return usual
        remark = f" {self.remark()}" if self.chance(3) else ""
        return f"{remark}\n{self.between(indent)}{' ' * (indent + self.lot.randint(0, 9))}"

    def scalar(self, node: ScalarNode, indent: int, *, is_key: bool = False) -> str:
        value = str(node.value)
        is_text = str(node.tag).endswith(":str")
        if is_text and (node.style or self.chance(5)):
            single = "'" + value.replace("'", "''") + "'"
            double = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            return self.lot.choice([single, double])
        if is_text and not is_key and " " in value and self.chance(8):
            return value.replace(" ", f"\n{' ' * (indent + 1)}", 1)
        return value


def untidy(text: str, seed: int) -> str:
    """The same document, written in another way for each seed."""
    root = YAML(typ="safe", pure=True).compose(text)
    writer = _Writer(Random(seed))
    found = writer.between(4) + writer.block(root, 0) + writer.between(6)
    return found.replace("\n", "\r\n") if writer.chance(10) else found
