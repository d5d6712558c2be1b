"""What a node reads beside the rows: subjects of lists, and what a pointer tells both units."""

import pytest

from narrows.core.policy.model import AS_IS, Mask, MaskKind
from narrows.core.policy.subjects import contact_columns, spell_contact, subject_columns
from narrows.errors import BadFederation
from tests.unit.core.policy.world import CATALOG, TABLES, ask, form, fragment_of, granting

LIST = """
list:
  at_most: {{rows: 9}}
  link: [person, paper]
  show: {{person: {{surname: as is}}, paper: {{kind: as is}}}}
  rows: {{person: {{status: {{equal: OPEN}}}}}}
  one_entry_for: {column}
"""
BOTH = "SELECT p.surname, i.kind FROM person p JOIN paper i USING (holder, pid)"


def test_a_list_with_an_entry_for_each_person_is_of_persons() -> None:
    given = granting(LIST.format(column="person.pid"))
    assert ask(given, BOTH, TABLES, form("list")).decision.releases
    # What refers to a person names one too.
    alone = "SELECT i.kind FROM paper i"
    assert ask(given, alone, asked=form("list")).decision.releases
    files = granting(LIST.format(column="file.file_no"))
    decision = ask(files, BOTH, asked=form("list")).decision
    assert decision.reasons == ("`one` gives this together with `file` alone",)


@pytest.mark.parametrize(
    ("column", "said"),
    [("person.surname", "`person.surname` is no key"), ("person.nothing", "no column `nothing`")],
)
def test_an_entry_is_for_a_key(column: str, said: str) -> None:
    with pytest.raises(BadFederation, match=said):
        granting(LIST.format(column=column))


def test_a_contact_is_told_as_far_as_it_is_known() -> None:
    pointer = granting("""
pointer:
  by: [[paper.number]]
  at_most: {literals: 1}
  link: [paper, person, file]
  show: {file: {unit: as is, contact: first 2, opened: null}, person: {surname: pseudonym day}}
  first_by: [file.opened]
""")
    question = (
        "SELECT f.unit FROM paper i JOIN person p USING (holder, pid) "
        "JOIN file f USING (holder, pid) WHERE i.number = 'X'"
    )
    fragment = fragment_of(question)
    (grant,) = pointer.agreements[0].grants
    columns = contact_columns(pointer, fragment, grant)
    assert list(columns.values()) == [AS_IS, Mask(MaskKind.FIRST, 2)]
    assert spell_contact(fragment, columns, ["VICE", "ab@example.org"]) == {
        "file.unit": "VICE",
        "file.contact": "ab",
    }
    assert spell_contact(fragment, columns, ["VICE", None]) == {"file.unit": "VICE"}
    assert sorted(subject_columns(CATALOG, fragment).values()) == ["file.file_no", "person.pid"]
