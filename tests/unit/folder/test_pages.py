"""What the pages for newcomers show is what the examples hold and the loader takes."""

import re
from datetime import date
from pathlib import Path

import pytest

from narrows.core.catalog import Catalog
from narrows.core.document import read_document
from narrows.core.plan.plan import plan
from narrows.core.policy.check import check_policy
from narrows.core.policy.decide import decide
from narrows.core.policy.decision import Circumstances, Decision, Requester, Verdict
from narrows.core.policy.language import parse_policy
from narrows.core.policy.layout import PolicyFile
from narrows.core.policy.model import Form, MaskKind, Policy
from narrows.core.policy.typeset import set_anew
from narrows.core.request import OPTIONAL_FIELDS
from narrows.core.terms import ColumnType, Holder, MemberName
from narrows.folder.format import CatalogFile, FederationFile
from narrows.folder.load import Federation, load_folder
from narrows.folder.schema import FILES, json_schema

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{re.escape(language)}\n(.*?)```", text, re.DOTALL)


def test_the_policy_on_the_page_is_that_of_the_example() -> None:
    path = "examples/library/members/harbour/policy.yaml"
    (shown,) = blocks(page("policy.md"), f"yaml {path}")
    one, _ = read_document(shown, PolicyFile, "policy.md")
    other, _ = read_document((ROOT / path).read_text(encoding="utf-8"), PolicyFile, path)
    assert one == other


def test_the_catalog_and_the_federation_on_the_pages_read() -> None:
    (shown,) = blocks(page("catalog.md"), "yaml")
    read_document(shown, CatalogFile, "catalog.md")
    top = [one for one in blocks(page("federation-folder.md"), "yaml") if "zone:" in one]
    for one in top:
        read_document(one, FederationFile, "federation-folder.md")
    assert len(top) == 1


def _policy_of(block: str, catalog: Catalog) -> Policy:
    """The policy that a block is, or is a part of: below the top, or inside an agreement."""
    if not block.startswith(("agency:", "never:", "cubes:", "agreements:")):
        inside = "".join(f"    {line}\n" for line in block.splitlines())
        given = "lookup:" in block or "list:" in block or "pointer:" in block
        assert given, "a part without a form"
        block = f"agreements:\n{_AGREEMENT}{inside}"
    head = "" if block.startswith("agency:") else "agency: vpd\nversion: 1\neffective: 2026-03-26\n"
    return parse_policy(head + block, catalog, "policy.md")


_AGREEMENT = """\
  - id: one
    authority: Police Act
    with: {classes: [municipal], country: CAN}
    purposes: [criminal_investigation]
    valid: {from: 2026-03-26}
"""
_OUTCOME = re.compile(
    r"-- (?P<form>\w+)(?P<how>[a-z_ ]*?)(?: merged at (?P<place>\w+))?, "
    r"(?P<verdict>\w+)(?:: (?P<said>.*))?"
)
_FENCE = re.compile(r"```(?P<head>(?P<language>yaml|sql)[^\n]*)\n(?P<text>.*?)```", re.DOTALL)


def _examples() -> list[tuple[str, str, str]]:
    """Each question of the page, the policy above it, and whose policy that is."""
    found, above, head = [], "", ""
    for one in _FENCE.finditer(page("policy.md")):
        if one["language"] == "yaml":
            above, head = one["text"], one["head"]
        else:
            found.append((head, above, one["text"]))
    return found


@pytest.fixture(scope="module")
def folders() -> tuple[Federation, Federation]:
    """The library and the police."""
    return load_folder(ROOT / "examples" / "library"), load_folder(ROOT / "examples" / "canada")


def _outcome(
    example: tuple[str, str, str], folders: tuple[Federation, Federation]
) -> tuple[Decision, re.Match[str]]:
    head, above, text = example
    library, police = folders
    federation = library if "library" in head else police
    policy = _policy_of(above, federation.catalog)
    first, _, sql = text.partition("\n")
    told = _OUTCOME.fullmatch(first)
    assert told is not None, first
    how = told["how"]
    given = frozenset([*OPTIONAL_FIELDS, "authority"])
    circumstances = Circumstances(
        Requester(MemberName("vpd"), "desk" if "library" in head else "municipal", "CAN"),
        min(policy.agreements[0].purposes),
        told["form"],
        date(2026, 6, 1),
        given - {word for word in how.split() if word in given},
        signed_by=frozenset(["agency", *([] if "without signature" in how else ["approver"])]),
        emergency="emergency" in how,
        has_ticket="ticket" in how,
        merge_at=Holder(told["place"]) if told["place"] else None,
    )
    (fragment,) = plan(sql, {}, federation.catalog).fill({})
    return decide(policy, federation.catalog, fragment, circumstances), told


@pytest.mark.parametrize("example", _examples(), ids=lambda one: one[2].splitlines()[0])
def test_each_question_of_the_page_has_the_outcome_above_it(
    example: tuple[str, str, str], folders: tuple[Federation, Federation]
) -> None:
    found, told = _outcome(example, folders)
    assert found.verdict.lower() == told["verdict"], found.reasons
    assert (told["said"] or "") in "; ".join([*found.reasons, *found.narrowed, *found.withheld])
    for other in ("allowed", "narrowed", "refused", "held"):
        changed = (*example[:2], example[2].replace(f", {told['verdict']}", f", {other}", 1))
        again, lie = _outcome(changed, folders)
        assert (again.verdict.lower() == lie["verdict"]) == (other == told["verdict"])


def test_each_policy_of_the_page_reads(folders: tuple[Federation, Federation]) -> None:
    found = blocks(page("policy.md"), "yaml")
    assert len(found) > 10
    for block in found:
        policy = _policy_of(block, folders[1].catalog)
        errors = [one for one in check_policy(policy, folders[1].catalog) if "both" in one.message]
        assert errors == []


@pytest.mark.parametrize("name", ["policy.md", "policy-tools.md"])
def test_each_policy_of_the_pages_is_in_the_one_layout(name: str) -> None:
    found = re.findall(r"```yaml[^\n]*\n(.*?)```", page(name), re.DOTALL)
    assert len(found) > 2
    for block in found:
        if not block.startswith(("agency:", "never:", "cubes:", "agreements:")):
            inside = "".join(f"    {line}\n" for line in block.splitlines())
            block = f"agreements:\n{_AGREEMENT}{inside}"  # noqa: PLW2901
        assert set_anew(block) == block


def test_every_verdict_form_and_mask_is_shown_at_work() -> None:
    heads = [_OUTCOME.fullmatch(text.partition("\n")[0]) for _, _, text in _examples()]
    told = {(one["form"], one["verdict"]) for one in heads if one is not None}
    assert {form for form, verdict in told if verdict != "refused"} == set(Form)
    assert {form for form, verdict in told if verdict == "refused"} == set(Form)
    assert {verdict for _, verdict in told} == {verdict.lower() for verdict in Verdict}
    for kind in MaskKind:
        assert re.search(rf"^\| .*`{kind}( \w+)?`.*\|$", page("policy.md"), re.MULTILINE), kind


@pytest.mark.parametrize("kind", list(ColumnType))
def test_each_type_is_told(kind: ColumnType) -> None:
    assert page("catalog.md").count(f"`{kind}`") >= 2


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("federation-folder.md", "federation"),
        ("federation-folder.md", "member"),
        ("catalog.md", "catalog"),
    ],
)
def test_each_key_is_told(file: str, name: str) -> None:
    text = page(file)
    missing = [key for key in _keys(json_schema(name)) if not re.search(rf"\b{key}\b", text)]
    assert missing == []
    assert name in FILES


def test_each_key_of_a_policy_stands_in_the_table_at_the_end() -> None:
    _, _, table = page("policy.md").partition("## All keys")
    missing = [key for key in _keys(json_schema("policy")) if f"`{key}`" not in table]
    assert missing == []


def _keys(schema: object) -> set[str]:
    """Every key that a schema names, at whatever depth."""
    match schema:
        case dict():
            named = schema.get("properties")
            mine = set(named) if isinstance(named, dict) else set()
            return mine.union(*(_keys(inner) for inner in schema.values()))
        case list():
            return set().union(*(_keys(inner) for inner in schema))
        case _:
            return set()
