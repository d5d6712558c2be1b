"""How a cube joins, what makes it unsound, and what changes its digests."""

from dataclasses import replace

import pytest

from narrows.core.catalog import Catalog, Reference, Relation
from narrows.core.policy.check import Severity, check_policy
from narrows.core.policy.decision import Verdict
from narrows.core.policy.definition import definition_of, links_of, shape_of, ties_of, why_unsound
from narrows.core.policy.model import NeverColumns, Policy
from narrows.core.terms import ColumnName, RelationName
from tests.unit.core.policy.counting import ASKED, counting, cube_of
from tests.unit.core.policy.world import CATALOG, FILE, PAPER, PERSON, PID, ask, form, policy

THREE = """\
cubes:
  - id: all
    of: [file, paper, person]
    unit: person.pid
    units: persons
    at_least: 5
    group: {file: {unit: as is}, paper: {kind: as is}}
agreements:
  - id: figures
    authority: the Act
    with: {country: CAN}
    purposes: [statistics]
    valid: {from: 2026-01-01}
    count: all
"""
PATH = {name: (name, PID) for name in (PERSON, PAPER, FILE)}


def test_relations_are_tied_by_references_or_the_key_that_they_share() -> None:
    given = policy(THREE)
    assert ties_of(cube_of(given), CATALOG) == (
        (PATH[FILE], PATH[PAPER]),
        (PATH[FILE], PATH[PERSON]),
    )
    assert [
        str(link.left.alias + link.right.alias) for link in links_of(cube_of(given), CATALOG)
    ] == [
        "t1t2",
        "t1t3",
    ]


def _twice() -> Catalog:
    """Files that refer to two persons, and a relation that refers to nobody."""
    lone = Relation(RelationName("lone"), CATALOG.relations[PAPER].columns)
    files = CATALOG.relations[FILE]
    number = Reference((ColumnName("contact"),), PERSON)
    double = replace(files, references=(*files.references, number))
    return replace(CATALOG, relations={**CATALOG.relations, lone.name: lone, FILE: double})


@pytest.mark.parametrize(("pair", "is_tied"), [
    ((FILE, PERSON), True), ((FILE, PAPER), False), ((PERSON, RelationName("lone")), False),
])  # fmt: skip
def test_a_tie_is_one_or_none(pair: tuple[RelationName, RelationName], is_tied: bool) -> None:
    cube = replace(cube_of(policy(THREE)), relations=pair)
    assert (ties_of(cube, _twice()) is not None) is is_tied
    if not is_tied:
        assert links_of(cube, _twice()) == ()
        found = list(why_unsound(policy(THREE), _twice(), cube))
        assert "that nothing ties together" in found[0][0]


TIED = (
    "SELECT count(*) FROM file f JOIN paper i USING (holder, pid) JOIN person p USING (holder, pid)"
)


@pytest.mark.parametrize(
    ("sql", "is_given"),
    [
        (TIED, True),
        (
            "SELECT count(*) FROM person p JOIN file f USING (holder, pid) JOIN paper i "
            "ON i.holder = f.holder AND i.pid = f.pid",
            True,
        ),
        ("SELECT count(*) FROM file f JOIN paper i USING (holder, pid)", False),
        ("SELECT count(*) FROM person p", False),
    ],
)
def test_a_question_joins_as_the_cube_does(sql: str, is_given: bool) -> None:
    found = ask(policy(THREE), sql, asked=ASKED)
    assert (found.decision.verdict is Verdict.ALLOWED) is is_given
    if not is_given:
        (reason,) = found.decision.reasons
        assert "together, each once, joined by file.pid = paper.pid AND " in reason


def test_a_cube_of_one_relation_is_joined_by_nothing() -> None:
    sql = "SELECT count(*) FROM person p JOIN file f USING (holder, pid)"
    (reason,) = ask(counting(), sql, asked=ASKED).decision.reasons
    assert reason == "the cube `people` is of `person` together, each once"


def test_a_lookup_names_no_cube_and_a_count_no_rows() -> None:
    asked = replace(form("lookup"), purpose=ASKED.purpose)
    sql = "SELECT p.country FROM person p WHERE p.country = 'CAN'"
    assert ask(counting(), sql, asked=asked).decision.reasons == (
        "`figures` offers no `lookup`, but `count`",
    )
    assert ask(counting(), sql, asked=ASKED).decision.releases


def _slips(given: Policy) -> list[str]:
    return [message for message, _ in why_unsound(given, CATALOG, cube_of(given))]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("of: [file, paper, person]", "of: [file, paper, person, file]", "is of `file` twice"),
        ("{unit: as is}", "{unit: pseudonym year}", "groups by a pseudonym"),
        ("{unit: as is}", "{unit: as is}, person: {pid: as is}", "uses `person.pid` for two"),
        ("unit: person.pid", "unit: person.born", "counts `person.born`, which is no key"),
        (
            "at_least: 5",
            "at_least: 5\n    measure: {person: {age: {between: [0, 1000000001]}}}",
            "bounds beyond 1000000000",
        ),
        (
            "at_least: 5",
            "at_least: 5\n    rows: {person: {country: {equal_to: requester country}}}",
            "its rows depend on who asks",
        ),
    ],
)
def test_what_makes_a_cube_unsound_is_told(old: str, new: str, said: str) -> None:
    assert old in THREE
    assert _slips(policy(THREE)) == []
    assert _slips(counting(bounds="{between: [-9, 1000000000]}")) == []
    found = _slips(policy(THREE.replace(old, new)))
    assert any(said in one for one in found), found


NEVER = "never:\n  - rows: {{person: {{country: {{{}}}}}}}\n    because: the Act\n"


def test_a_never_that_depends_on_who_asks_reaches_no_cube() -> None:
    same = policy(NEVER.format("in: [USA]") + THREE)
    assert _slips(same) == []
    other = policy(NEVER.format("equal_to: requester") + THREE)
    assert _slips(other) == ["the cube `all` is for everybody, and `never[1]` depends on who asks"]


@pytest.mark.parametrize(
    ("never", "said"),
    [
        ("columns: {file: [unit]}", "uses `file.unit`, which is never used"),
        ("columns: {paper: [pid]}", "uses `paper.pid`, which is never used"),
        ("relation: paper", "is of `paper`, which is never used"),
        ("columns: {paper: [number]}", ""),
    ],
)
def test_what_is_never_used_is_in_no_cube(never: str, said: str) -> None:
    given = policy(f"never:\n  - {never}\n    because: the Act\n{THREE}")
    assert [said in one for one in _slips(given)] == ([True] if said else [])
    assert ask(given, TIED, asked=ASKED).decision.releases is (
        said in ("", "uses `file.unit`, which is never used")
    )


def test_a_definition_changes_with_all_that_the_policy_says_of_the_cube() -> None:
    texts = [
        THREE,
        THREE.replace("at_least: 5", "at_least: 6"),
        THREE.replace("units: persons", "units: people"),
        THREE.replace("at_least: 5", "at_least: 5\n    rows: {person: {age: {null: true}}}"),
        THREE.replace(
            "at_least: 5", "at_least: 5\n    rows: {person: {born: {before: today - 9}}}"
        ),
        THREE.replace("at_least: 5", "at_least: 5\n    round: 5"),
        THREE.replace("at_least: 5", "at_least: 5\n    noise: {epsilon: 1, a_year: 2}"),
        NEVER.format("in: [USA]") + THREE,
        NEVER.format("equal_to: requester") + THREE,
        "never:\n  - columns: {file: [contact]}\n    because: the Act\n" + THREE,
    ]
    found = [definition_of(given, CATALOG, cube_of(given)) for given in map(policy, texts)]
    assert len(set(found)) == len(texts)
    shapes = [shape_of(cube_of(policy(text))) for text in texts]
    # Names, `k`, rounding and `never` leave the cells comparable; other rows, and noise, do not.
    assert [n for n, one in enumerate(shapes) if one == shapes[0]] == [0, 1, 2, 5, 7, 8, 9]
    others = [
        THREE.replace("{kind: as is}", "{kind: first 2}"),
        THREE.replace("{kind: as is}", "{kind: first 3}"),
        THREE.replace(", paper: {kind: as is}", ""),
        THREE.replace("[file, paper, person]", "[file, person]").replace(
            ", paper: {kind: as is}", ""
        ),
        THREE.replace("person.pid", "file.file_no"),
        THREE.replace("at_least: 5", "at_least: 5\n    noise: {epsilon: 1, a_year: 2}"),
    ]
    different = {shape_of(cube_of(policy(text))) for text in others}
    assert len(different | {shapes[0]}) == len(others) + 1
    bounded = counting(bounds="{between: [0, 100]}")
    assert shape_of(cube_of(bounded)) == shape_of(cube_of(counting()))


def test_a_definition_is_the_same_whatever_else_changes() -> None:
    given = policy(THREE)
    other = replace(policy(THREE.replace("figures", "others")), version=7)
    hidden = NeverColumns("never[9]", 1, PERSON, frozenset({ColumnName("pid")}), "no cube of it")
    assert definition_of(given, CATALOG, cube_of(given)) == definition_of(
        other, CATALOG, cube_of(other)
    )
    lone = counting()
    beside = replace(lone, never_columns=(replace(hidden, relation=PAPER),))
    assert definition_of(lone, CATALOG, cube_of(lone)) == definition_of(
        beside, CATALOG, cube_of(beside)
    )


def test_the_check_refuses_two_cubes_of_one_relation_and_warns_of_few() -> None:
    second = """\
  - id: more
    of: [person]
    unit: person.pid
    units: persons
    at_least: 4
    group: {person: {country: as is}}
agreements:"""
    given = policy(THREE.replace("agreements:", second))
    found = check_policy(given, CATALOG)
    errors = [one for one in found if one.severity is Severity.ERROR]
    assert [one.message for one in errors] == ["the cubes `all` and `more` are both of `person`"]
    warned = [one.message for one in found if one.severity is Severity.WARNING]
    assert "the cube `more` shows cells of 4 persons" in warned
    unsound = policy(THREE.replace("{unit: as is}", "{unit: pseudonym year}"))
    assert "groups by a pseudonym" in check_policy(unsound, CATALOG)[0].message
    apart = THREE.replace("of: [file, paper, person]", "of: [file, paper]").replace(
        "unit: person.pid", "unit: file.file_no"
    )
    parted = policy(apart.replace("agreements:", second))
    assert not [one for one in check_policy(parted, CATALOG) if one.severity is Severity.ERROR]
