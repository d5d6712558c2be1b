"""What commands print: plain where it is no terminal, CSV by its RFC, JSON on one line."""

import csv
import io
import json
from datetime import date

import pytest

from narrows.cli.show import print_csv, print_json, print_table

ROWS = [("a,b", 'say "x"', None), ("two\nlines", "é", date(2026, 6, 1))]


def test_csv_reads_back(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(["one", "two", "three"], ROWS)
    said = capsys.readouterr().out
    assert said.startswith("one,two,three\r\n")
    assert '"a,b","say ""x""",\r\n' in said
    assert list(csv.reader(io.StringIO(said, newline=""))) == [
        ["one", "two", "three"],
        ["a,b", 'say "x"', ""],
        ["two\nlines", "é", "2026-06-01"],
    ]


def test_csv_without_rows_has_its_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(["one"], [])
    assert capsys.readouterr().out == "one\r\n"


def test_json_is_one_line_with_sorted_names(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": date(2026, 6, 1), "a": "é\n"})
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert said == '{"a": "é\\n", "b": "2026-06-01"}\n'
    assert json.loads(said)["a"] == "é\n"


def test_a_table_shows_every_cell_whole_and_null_as_a_dot(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("name", "why"), [("x" * 60, "[red]not markup[/]"), (None, 7)])
    said = capsys.readouterr().out
    assert "x" * 60 in said
    assert "[red]not markup[/]" in said
    assert "·" in said
    assert "\x1b" not in said
