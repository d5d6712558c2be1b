"""A mutant: one seeded fault in one file, and the tests that must notice it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "narrows"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file`, and `new` in its place leaks or breaks something."""

    name: str
    file: str
    leaks: str
    old: str
    new: str
    tests: tuple[str, ...]

    def applied(self, text: str) -> str:
        """The text with the fault in it. Raises: ValueError where `old` does not stand once."""
        if text.count(self.old) != 1:
            message = f"`{self.name}`: its old text stands {text.count(self.old)} times"
            raise ValueError(f"{message} in {self.file}")
        return text.replace(self.old, self.new)


def all_mutants() -> list[Mutant]:
    """Every mutant, file by file."""
    return [one for file in sorted(Path(__file__).parent.glob("*.yaml")) for one in _read(file)]


def _read(file: Path) -> Iterator[Mutant]:
    for found in YAML(typ="safe").load(file.read_text()):
        yield Mutant(**{**found, "tests": tuple(found["tests"])})
