"""The layout, part by part: what is written line by line, what in a row, and where comments go."""

import pytest
from ruamel.yaml import YAML

from narrows.core.policy.typeset import WIDTH, comments_in, set_anew

TOP = "never:\n  - rows: {}\n"


def inside(text: str) -> str:
    """The text as keys of one agreement."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in text.splitlines())
    return f"agreements:\n  - id: one\n{lines}"


def assert_set(untidy: str, tidy: str) -> None:
    assert set_anew(untidy) == tidy
    assert set_anew(tidy) == tidy
    yaml = YAML(typ="safe", pure=True)
    assert yaml.load(untidy) == yaml.load(tidy)
    assert [one.text for one in comments_in(untidy)] == [one.text for one in comments_in(tidy)]


def test_a_row_that_fits_stays_a_row() -> None:
    fits = f"    with: {{classes: [{'x' * 70}], a: b}}"
    assert len(fits) < WIDTH
    assert_set(f"agreements:\n  -   id: one\n  {fits}\n", f"agreements:\n  - id: one\n{fits}\n")
    assert_set(inside("with: {a: , b: {c: , } }"), inside("with: {a: , b: {c: }}"))
    assert_set(inside("with: { a: b,\n  c: [ d,e ] , }"), inside("with: {a: b, c: [d, e]}"))


@pytest.mark.parametrize("word", ["trafficking_investigation", "trafficking_investigations"])
def test_a_row_is_as_wide_as_the_page_and_no_wider(word: str) -> None:
    row = f"purposes: [sexual_crime_investigation, homicide_investigation, {word}]"
    row = row.replace("sexual", "sexuall" + "l" * (WIDTH - 4 - len(row) - 1))
    is_long = word.endswith("s")
    assert len(row) + 4 == WIDTH + is_long - is_long
    wide = row.replace("homicide", "homicides")
    assert_set(inside(row), inside(row))
    assert_set(inside(wide), inside(wide.replace(f", {word}", f",\n           {word}")))


def test_what_does_not_fit_is_broken_after_commas_below_its_first_word() -> None:
    assert_set(
        inside(
            "by:\n- {a.one: equal, a.two + a.three: {similar: name_sim, at_least: 0.9}, "
            "b.four: {normal: name, optional: true}, c: x}"
        ),
        inside(
            "by:\n"
            "  - {a.one: equal, a.two + a.three: {similar: name_sim, at_least: 0.9},\n"
            "     b.four: {normal: name, optional: true}, c: x}"
        ),
    )


def test_a_part_of_a_key_set_that_is_too_wide_is_broken_itself() -> None:
    long, other = "a" * 50, "b" * 50
    assert_set(
        inside(f"by:\n  - [x, [{long}, {other}], y, z]"),
        inside(f"by:\n  - [x,\n     [{long},\n      {other}],\n     y, z]"),
    )
    assert_set(
        inside(f"by:\n  - {{k: [{long}, {other}], y: z}}"),
        inside(f"by:\n  - {{k: [{long},\n         {other}],\n     y: z}}"),
    )


def test_brackets_around_rows_are_opened_where_they_do_not_fit() -> None:
    masks = "a: as is, b: as is, c: as is, d: as is, e: as is"
    assert_set(
        inside(f"show: {{person: {{{masks}}}, alert: {{{masks}}}}}"),
        inside(f"show:\n  person: {{{masks}}}\n  alert: {{{masks}}}"),
    )
    assert_set(
        inside(f"list: [{{show: {{person: {{{masks}}}}}, rows: {{a: {{b: [1]}}}}, at_most: 1}}]"),
        inside(
            f"list:\n  - show: {{person: {{{masks}}}}}\n    rows: {{a: {{b: [1]}}}}\n    at_most: 1"
        ),
    )


def test_the_outermost_levels_stand_line_by_line() -> None:
    assert_set(
        '{"agency": "vpd", never: [{rows: {a: [b]}, because: "the law"}, {relation: c}]}',
        'agency: vpd\nnever:\n  - rows: {a: [b]}\n    because: "the law"\n  - relation: c\n',
    )


def test_brackets_with_a_comment_inside_are_opened() -> None:
    assert_set(
        inside("with: {classes: [a, # the first\n  b], country: CAN}  # both"),
        inside(
            "with:\n"
            "  classes:\n"
            "    - a             # the first\n"
            "    - b\n"
            "  country: CAN       # both"
        ),
    )


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('"word"', "word"),
        ("'it.is-a/word'", "it.is-a/word"),
        ('"Québec"', "Québec"),
        ('"two words"', '"two words"'),
        ("'two words'", '"two words"'),
        ("'it''s'", '"it\'s"'),
        ("'say \"no\"'", "'say \"no\"'"),
        ("'back\\slash: x'", "'back\\slash: x'"),
        ('"10"', '"10"'),
        ('"No"', '"No"'),
        ('"null"', '"null"'),
        ('"a\\nb"', '"a\\nb"'),
        ('"a\\\\b\\nb"', '"a\\\\b\\nb"'),
        ('"a\\tb"', '"a\\U00000009b"'),
        ('"a\\_b c"', '"a\u00a0b c"'),
        ("as\n  is", "as is"),
        ("", ""),
        ("null", "null"),
        ("[]", "[]"),
        ("{ }", "{}"),
    ],
)
def test_a_word_needs_no_quotes_and_a_sentence_keeps_them(written: str, kept: str) -> None:
    assert_set(f"a: {written}\n", f"a: {kept}".rstrip() + "\n")


def test_an_empty_place_and_a_list_in_a_list() -> None:
    assert_set(
        inside("a:\n -\n   -   x\n   - y\n - - z\n"),
        inside("a:\n  - - x\n    - y\n  - - z"),
    )


@pytest.mark.parametrize("sign", ["|", ">-", "|  # as a court wrote it"])
def test_a_text_over_several_lines_stays_as_it_is_written(sign: str) -> None:
    assert_set(
        f"a: {sign}\n     one # no comment\n       two\n\n     three\n\nb: 1\n",
        f"a: {sign}\n  one # no comment\n    two\n\n  three\n\nb: 1\n",
    )


def test_a_text_whose_own_indent_counts_is_quoted() -> None:
    assert_set("a: |2\n    one\n   two\n", 'a: "  one\\n two\\n"\n')
    assert_set("a: |+\n  one\n\nb: 1\n", 'a: "one\\n\\n"\n\nb: 1\n')
    assert_set("a: >\n\nb: 1\n", 'a: ""\n\nb: 1\n')


def test_empty_lines_are_one_at_most_and_none_where_a_part_begins() -> None:
    assert_set(
        "\n\n# top\n\n\na: 1\n\n\nb:\n\n  - c: 1\n\n  - d: 1\n\n    e:\n\n      f: 1\n\n\n",
        "# top\n\na: 1\n\nb:\n  - c: 1\n\n  - d: 1\n\n    e:\n      f: 1\n",
    )


def test_comments_stand_above_what_they_are_about() -> None:
    assert_set(
        "# one\n\n    # two\nnever:\n # three\n\n -   rows: {}\n     # four\n     because: x\n",
        "# one\n\n# two\nnever:\n  # three\n\n  - rows: {}\n    # four\n    because: x\n",
    )


def test_a_comment_that_is_indented_deeper_ends_what_went_before() -> None:
    assert_set(
        "never:\n - rows: {}\n   # of the first\n\n   # still\n # of the second\n - rows: {}\n"
        "   # of the last\n  # of all\n# the end\n",
        "never:\n  - rows: {}\n    # of the first\n\n    # still\n  # of the second\n  - rows: {}\n"
        "    # of the last\n  # of all\n# the end\n",
    )


def test_a_comment_between_a_dash_or_a_key_and_its_value_goes_above() -> None:
    assert_set(
        "never:\n  -   # why\n    rows: {}\n  - # what\n    [a]\n",
        "never:\n  # why\n  - rows: {}\n  # what\n  - - a\n",
    )
    assert_set("a:\n  # why\n  1\n", "# why\na: 1\n")
    assert_set("a: # why\n  1 # and how\n", "# why\na: 1 # and how\n".replace("1 #", "1  #"))


def test_a_comment_below_a_key_without_a_value_is_of_the_next() -> None:
    assert_set(
        "a:\n  b:\n    # c\n    d: 1\n  # e\nf: 1\n", "a:\n  b:\n    # c\n    d: 1\n  # e\nf: 1\n"
    )
    assert_set("a:\n# c\nd: 1\n", "a:\n# c\nd: 1\n")


def test_comments_beside_keep_their_column_where_it_is_free() -> None:
    assert_set(
        "a: 1       # one\nbb: 2      # two\nc:         # three\n  - d\n",
        "a: 1       # one\nbb: 2      # two\nc:         # three\n  - d\n",
    )
    assert_set("a: 1 # near\n", "a: 1  # near\n")
    far = f"a: 1{' ' * 80}# far out, beyond the edge"
    assert_set(f"{far}\n", "a: 1  # far out, beyond the edge\n")


def test_line_ends_and_marks_of_the_beginning_are_plain() -> None:
    assert set_anew("\ufeff---\r\na: 1\r\nb: 2\r\n") == "a: 1\nb: 2\n"
    assert set_anew("a: 1\rb: 2") == "a: 1\nb: 2\n"


def test_comments_are_found_and_nothing_that_looks_like_one() -> None:
    text = "# one\na: x#y # two\nb: '# no'\nc: |\n  # no\n- # x\n".rpartition("- #")[0] + "#three\n"
    assert [one.text for one in comments_in(text)] == ["# one", "# two", "#three"]
    assert [one.is_alone for one in comments_in(text)] == [True, False, True]
