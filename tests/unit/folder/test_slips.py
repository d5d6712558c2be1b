"""Slips of the pen in a folder: each is found in its file, at its line, with what is allowed."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from narrows.errors import BadFederation
from narrows.folder.check import check_folder
from narrows.folder.load import load_folder

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
TOP, CATALOG = "federation.yaml", "catalog.yaml"
MEMBER, COLUMNS = "members/hilltop/member.yaml", "members/riverside/mapping.yaml"
SELECT, POLICY = "members/harbour/mapping.yaml", "members/harbour/policy.yaml"


@dataclass(frozen=True, slots=True)
class Slip:
    """`right` is written as `wrong`; then `said` stands in the message and `allowed` in the hint.

    `at` is text of the line that must be named; by default the line of what was written.
    """

    file: str
    right: str
    wrong: str
    said: str
    allowed: str
    at: str = ""


SLIPS = [
    Slip(TOP, "title:", "titel:", "`titel` is no key", "known keys are auditors"),
    Slip(TOP, "America/Halifax", "Atlantis", "zone is not in", "as America/Toronto"),
    Slip(TOP, "America/Halifax", "../../zone", "zone is not in", "as America/Toronto"),
    Slip(TOP, "zone: America/Halifax\n", "", "`zone` is missing", "federation-folder", "#"),
    Slip(TOP, "federation: library", "federation: The Library", "a to z, digits and -", "small"),
    Slip(TOP, "  recovery:", "  Recovery:", "a to z, digits and _", "small letter"),
    Slip(TOP, "  recovery:", "\trecovery:", "a tab stands", "indent with spaces"),
    Slip(TOP, "Asking for", "Asking: for", "a second `: `", "in quotes"),
    Slip(TOP, "  desk:", "  library:", "stands twice", "take one of the two out"),
    Slip(
        TOP,
        "  desk:",
        "  booth:",
        "no class `desk`",
        "one of auditor, booth, library",
        "class: desk",
    ),
    Slip(TOP, "generate.py", "make.py", "no file of this folder", "beside federation.yaml"),
    Slip(TOP, "generate.py", "../generate.py", "no file of this folder", "leave `generator` out"),
    Slip(TOP, "auditors: [auditor]", "auditors: [judge]", "no class `judge`", "desk, library"),
    Slip(CATALOG, "version: 1", "version: one", "`version` must be a whole number", "digits"),
    Slip(CATALOG, "version: 1", "version: 0", "must be 1 or more", "larger"),
    Slip(CATALOG, "type: date, meaning: Date", "type: day, meaning: Date", "none of", "timestamp"),
    Slip(CATALOG, "key: [loan_id]", "key: loan_id", "must be a list", "[one, two]"),
    Slip(CATALOG, "key: [loan_id]", "key: [lone_id]", "no column `lone_id`", "loan_id"),
    Slip(CATALOG, "relation: patron}", "relation: reader}", "no relation `reader`", "loan, patron"),
    Slip(CATALOG, "[patron_id], rel", "[patron_id, isbn], rel", "the key patron_id", "one column"),
    Slip(CATALOG, "[patron_id], rel", "[reader], rel", "no column `reader`", "patron_id"),
    Slip(
        CATALOG,
        "Who borrowed it, id: true",
        "Who borrowed it",
        "`patron_id` differs in type or `id`",
        "to both or to none",
        "columns: [patron_id], rel",
    ),
    Slip(CATALOG, "[OUT, OVERDUE", "[1, OVERDUE", "codes.1` must be text", "in quotes"),
    Slip(CATALOG, "      isbn:", "      holder:", "`holder` is implied", "leave it out"),
    Slip(CATALOG, "    key: [loan_id]", "    keys: [loan_id]", "`relations.loan.keys`", "key,"),
    Slip(MEMBER, "class: library", "class: shop", "no class `shop`", "desk, library"),
    Slip(MEMBER, "name: hilltop", "name: hillside", "the folder's", "call it `hilltop`"),
    Slip(
        MEMBER,
        "country: CAN",
        "country: CAN\napprovers: [Sgt. A. Roy, sgt a roy]",
        "two approvers have one name",
        "differ",
        "approvers:",
    ),
    Slip(
        MEMBER,
        "country: CAN",
        "country: CAN\napprovers: ['...']",
        "one has no name",
        "",
        "approvers:",
    ),
    Slip(MEMBER, "country: CAN", "country: Canada", "three capital letters", "as CAN"),
    Slip(
        MEMBER,
        "engine: sqlite",
        "engine: oracle",
        "`node.engine`",
        "duckdb, parquet, postgresql, sqlite",
    ),
    Slip(MEMBER, "  database: hilltop.sqlite\n", "", "database` is missing", "write it", "node:"),
    Slip(MEMBER, "hilltop.sqlite", "/etc/passwd", "outside the folder of data", "no `/`"),
    Slip(MEMBER, "hilltop.sqlite", "../x.sqlite", "outside the folder of data", "`..`"),
    Slip(COLUMNS, "  loan:", "  lending:", "no relation `lending`", "loan, patron"),
    Slip(COLUMNS, "      isbn: isbn\n", "", "for `loan.isbn`", "map it", "  loan:"),
    Slip(COLUMNS, "isbn: isbn", "isbm: isbn", "`loan` has no column `isbm`", "due_on, isbn"),
    Slip(COLUMNS, "isbn: isbn", "isbn: [isbn]", "isbn` must be text", "in quotes"),
    Slip(COLUMNS, "    table: lending\n", "", "`relations.loan.table` is missing", "", "  loan:"),
    Slip(SELECT, "card AS card_number, ", "", "for `patron.card_number`", "NULL", "  patron:"),
    Slip(SELECT, "SELECT CAST(no", "CHOOSE CAST(no", "is no SELECT", "`columns`", "  patron:"),
    Slip(
        POLICY, "agency: harbour", "agency: hilltop", "another agency's", "`agency: harbour`", "#"
    ),
    Slip(POLICY, "[interlibrary_loan]", "[borrowing]", "no purpose `borrowing`", "recovery"),
    Slip(POLICY, "classes: [library,", "classes: [shop,", "`shop`", "desk, library", "- id:"),
    Slip(POLICY, "link: [patron,", "link: [reader,", "no relation `reader`", "loan, patron"),
    Slip(POLICY, "{full_name: as is", "{name: as is", "no column `name`", "full_name"),
    Slip(POLICY, "born_on: year", "born_on: week", "cannot be shown so", "first N"),
    Slip(POLICY, "{equal: true}", "{equals: true}", "`equals` cannot test", "equal: value"),
    Slip(POLICY, "from: 2026-01-01", "from: 01/02/2026", "must be a day", "as 2026-03-26"),
    Slip(POLICY, "[officer]", "[badge]", "no field `badge`", "case_number"),
    Slip(POLICY, ", literals: 1}", "}", "literals` is missing", "docs/policy.md"),
    Slip(POLICY, "{patron.card_number: equal}", "{card: equal}", "no relation `card`", "patron"),
    Slip(POLICY, "card_number: equal}", "card_number: like}", "none of", "optional equal"),
    Slip(POLICY, "version: 1\n", "version: 1\nversion: 2\n", "stands twice", "", "version: 2"),
    Slip(POLICY, "    keep_days", "   keep_days", "does not fit", "in one column"),
]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.file}-{slip.said}")
def test_each_slip_is_found_at_its_line_with_what_is_allowed(tmp_path: Path, slip: Slip) -> None:
    folder = Path(shutil.copytree(LIBRARY, tmp_path / "library"))
    path = folder / slip.file
    text = path.read_text(encoding="utf-8")
    assert slip.right in text
    path.write_text(text.replace(slip.right, slip.wrong, 1), encoding="utf-8")
    with pytest.raises(BadFederation) as caught:
        load_folder(folder)
    found = caught.value
    assert slip.said in found.message
    assert slip.allowed in found.hint
    lines = (folder / found.file).read_text(encoding="utf-8").splitlines()
    assert (slip.at or slip.wrong.strip()) in lines[found.line - 1]
    (finding,) = check_folder(folder)
    assert (finding.severity, finding.file, finding.line) == ("error", found.file, found.line)
    assert not finding.message.startswith(found.file)
    # A person who knows no code reads this.
    for word in ("pydantic", "string", "input", "dict", "regex", "str", "None", "permitted"):
        assert word not in finding.message.split()
