"""What a file may hold stands beside what is refused, with its line."""

import pytest
from pydantic import BaseModel, ConfigDict

from narrows.core.document import MAX_DOCUMENT_CHARACTERS, comment_spans, read_document
from narrows.errors import BadFederation


class Sample(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    tests: dict[str, bool | str] = {}


def test_a_document_reads_and_knows_its_lines() -> None:
    found, lines = read_document("name: NO\ntests:\n  null: true\n", Sample, "a.yaml")
    assert (found.name, found.tests) == ("NO", {"null": True})
    assert lines.of(("tests", "null")) == 3
    assert lines.of(("tests", "absent")) == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("name: a\nname: b\n", 2, "stands twice"),
        ("name: &x a\n", 1, "anchors"),
        ("name: !!str a\n", 1, "tags"),
        ("%YAML 1.1\n---\nname: a\n", 2, "directives"),
        ("name: a\ntests:\n  <<: {a: true}\n", 3, "merge keys"),
        ("name: a\ntests: {1: true}\n", 2, "not text"),
        ("name: a\nnames: b\n", 2, "known keys are name, tests"),
        ("name: 1\n", 1, "`name`"),
        ("tests: {}\n", 1, "`name`"),
        ("name: [\n", 2, ""),
        ("name: a\ntests: {from: 2026-03-26, to: 2026-13-01}\n", 2, "no day of the calendar"),
        ("name: a\ntests: {at: 2026-03-26T25:00:00}\n", 0, "no day of the calendar"),
        ("name: " + "[" * 30 + "]" * 30, 1, "nested too deeply"),
        ("x" * (MAX_DOCUMENT_CHARACTERS + 1), 0, "characters"),
        ("", 1, "the file"),
    ],
)
def test_a_document_that_misleads_is_refused(text: str, line: int, said: str) -> None:
    with pytest.raises(BadFederation) as caught:
        read_document(text, Sample, "a.yaml")
    assert caught.value.line == line
    assert said in str(caught.value)


def test_comments_stand_anywhere() -> None:
    text = (
        "name:   # why\n  a\n\n # how\ntests:\n  from:   # since\n    true\n\n  # to\n  to: false\n"
    )
    found, lines = read_document(text, Sample, "a.yaml")
    assert (found.name, found.tests) == ("a", {"from": True, "to": False})
    assert lines.of(("tests", "to")) == 10
    assert [text[start:end] for start, end in comment_spans(text)] == [
        "# why", "# how", "# since", "# to",
    ]  # fmt: skip
    with pytest.raises(BadFederation, match="known keys"):
        read_document(text.replace("tests:", "test:"), Sample, "a.yaml")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    share: float | None = None


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    part: Part = Part()
    parts: list[Part] = []


def test_fractions_and_lists_are_read() -> None:
    found, lines = read_document("parts:\n- share: 0.5\n- share:\n", Whole, "a.yaml")
    assert [part.share for part in found.parts] == [0.5, None]
    assert lines.of(("parts", 1, "share")) == 3


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("part:\n  shares: 1.0\n", 2, "known keys are share"),
        ("parts:\n- {}\n- shares: 1.0\n", 3, "known keys are share"),
        ("part: {share: x}\nnone: 1\n", 2, "(1 more after it)"),
        ("part: {share: 2026-06-01T12:00:00}\n", 1, "neither text"),
        ("part:\n  null: 1\n  'null': 2\n", 3, "stands twice"),
        ("part: *x\n", 1, ""),
        ("part: \x00\n", 0, "not YAML"),
    ],
)
def test_a_slip_inside_a_part_is_placed(text: str, line: int, said: str) -> None:
    with pytest.raises(BadFederation) as caught:
        read_document(text, Whole, "a.yaml")
    assert caught.value.line == line
    assert said in str(caught.value)


class Named(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    parts: dict[str, Part] = {}


def test_a_part_that_is_called_like_a_key_of_it_gets_no_wrong_hint() -> None:
    with pytest.raises(BadFederation) as caught:
        read_document("parts:\n  share:\n    shares: 1.0\n", Named, "a.yaml")
    assert caught.value.line == 3
    assert caught.value.hint == "this key is unknown"
