"""One layout: comments kept, the meaning the same, the second time nothing to do."""

from dataclasses import replace

import pytest

from narrows.core.policy.format import comments_of, format_policy, require_same, settled
from narrows.core.terms import Digest
from narrows.errors import BadFederation, CheckFailed
from tests.unit.core.policy.rich import CATALOG, TEXT, read

UNTIDY = """\
# The registry's policy.
agency:   registry
version: 3
effective: 2026-01-01   # New Year



never:
- rows: {person: {status: {in: ["SEALED",SUSPENDED]}}}   # a court says so
  because: "Records Act s.6"
agreements:
    # whom we know
    - id: own-list
      authority: 'it''s ours # and nobody else''s'
      with: {members: [registry]}
      purposes: [care]
      valid: {from: 2026-01-01}
      list:
          rows: {person: {status: {in: [ACTIVE]}}}
          at_most: {rows: 10}
          show:
              person:
                  surname: as is
      # the end
"""
TIDY = """\
# The registry's policy.
agency: registry
version: 3
effective: 2026-01-01   # New Year

never:
  - rows: {person: {status: {in: [SEALED, SUSPENDED]}}}  # a court says so
    because: "Records Act s.6"
agreements:
  # whom we know
  - id: own-list
    authority: "it's ours # and nobody else's"
    with: {members: [registry]}
    purposes: [care]
    valid: {from: 2026-01-01}
    list:
      rows: {person: {status: {in: [ACTIVE]}}}
      at_most: {rows: 10}
      show:
        person:
          surname: as is
    # the end
"""


def test_an_untidy_policy_becomes_tidy_and_stays_so() -> None:
    assert format_policy(UNTIDY, CATALOG, "policy.yaml") == TIDY
    assert format_policy(TIDY, CATALOG, "policy.yaml") == TIDY
    assert format_policy(UNTIDY.replace("\n", "\r\n"), CATALOG, "policy.yaml") == TIDY


def test_the_meaning_stays() -> None:
    found = format_policy(TEXT, CATALOG, "policy.yaml")
    before, after = read(TEXT), read(found)
    zero = Digest(bytes(32))
    assert replace(
        before, digest=zero, agreements=(), cubes=(), never=(), never_columns=()
    ) == replace(after, digest=zero, agreements=(), cubes=(), never=(), never_columns=())
    assert [one.id for one in before.agreements] == [one.id for one in after.agreements]
    assert format_policy(found, CATALOG, "policy.yaml") == found


def test_every_comment_counts_and_no_text_that_looks_like_one() -> None:
    assert comments_of(UNTIDY) == comments_of(TIDY)
    assert sorted(comments_of(UNTIDY)) == [
        "New Year", "The registry's policy.", "a court says so", "the end", "whom we know",
    ]  # fmt: skip


def test_what_is_no_policy_is_not_laid_out() -> None:
    with pytest.raises(BadFederation, match="no relation"):
        format_policy(
            UNTIDY.replace("{person: {status", "{persn: {status", 1), CATALOG, "policy.yaml"
        )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rows: 10}", "rows: 11}", "change what the policy says"),
        ("# the end", "", "lose a comment"),
    ],
)
def test_a_layout_that_loses_something_is_refused(old: str, new: str, said: str) -> None:
    assert old in UNTIDY
    with pytest.raises(CheckFailed, match=said):
        require_same(UNTIDY, UNTIDY.replace(old, new), CATALOG, "policy.yaml")


def test_a_layout_that_does_not_settle_is_refused() -> None:
    with pytest.raises(CheckFailed, match="does not settle"):
        settled("text", lambda text: f"{text}.")
