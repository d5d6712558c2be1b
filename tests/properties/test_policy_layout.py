"""However a policy is written, its layout is one, says the same, and has the same comments."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from narrows.core.policy.format import comments_of, format_policy, require_same
from narrows.core.policy.typeset import WIDTH, set_anew
from narrows.errors import CheckFailed
from tests.properties.untidy import untidy
from tests.unit.core.policy.rich import CATALOG, TEXT

seeds = st.integers(0, 2**32)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_layout_says_the_same_and_is_the_layout_of_itself(seed: int) -> None:
    written = untidy(TEXT, seed)
    # Compares meaning and comments, or raises.
    found = format_policy(written, CATALOG, "policy.yaml")
    assert set_anew(found) == found
    assert comments_of(found) == comments_of(written)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_only_a_comment_or_a_word_passes_the_edge(seed: int) -> None:
    for line in set_anew(untidy(TEXT, seed)).splitlines():
        assert len(line.partition("#")[0].rstrip()) <= WIDTH


def test_the_writer_is_untidy() -> None:
    """Else the properties above would hold of tidy texts alone."""
    found = [untidy(TEXT, seed) for seed in range(20)]
    assert len(set(found)) == 20
    assert all(set_anew(text) != text for text in found)
    said = Counter[str]()
    for text in found:
        said += comments_of(text)
    assert len(said) == 5


def test_a_layout_that_lost_something_would_be_found() -> None:
    written = untidy(TEXT, 7)
    found = set_anew(written)
    for old, new in (("first 3", "first 2"), ("# - id: old", "")):
        assert old in found
        with pytest.raises(CheckFailed):
            require_same(written, found.replace(old, new, 1), CATALOG, "policy.yaml")
