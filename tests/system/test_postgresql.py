"""A node on PostgreSQL: the same answer as on SQLite, and no start for a role that can write."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from narrows.errors import BadFederation
from narrows.local.state import State
from tests.postgresql import Server
from tests.system.processes import LIBRARY, Running, copy_of, outcomes, replace_in, running

pytestmark = pytest.mark.system

MAPPING = """\
relations:
  patron: |
    SELECT pno AS patron_id, card AS card_number, normalize(pname, NFC) AS full_name,
           pc AS postal_code,
           CASE WHEN dob BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN dob END AS born_on,
           coalesce(optout <> 'N', TRUE) AS opted_out
    FROM patrons
  loan: |
    SELECT lno AS loan_id, pno AS patron_id, isbn,
           CASE WHEN due BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN due END AS due_on,
           CASE st WHEN 'L' THEN 'OVERDUE' WHEN 'R' THEN 'RETURNED' ELSE 'OUT' END AS loan_state
    FROM loans
"""


def moved(pg: Server, base: Path) -> tuple[Path, Path]:
    """The libraries' folder and a state, hilltop's rows in a server and no longer in a file."""
    folder, state = copy_of(LIBRARY, base / "library"), base / "state"
    make = [sys.executable, str(LIBRARY / "generate.py"), "--out", str(state / "data")]
    subprocess.run(make, check=True, capture_output=True)
    member = folder / "members" / "hilltop"
    replace_in(member / "member.yaml", "engine: sqlite", "engine: postgresql")
    replace_in(member / "member.yaml", "hilltop.sqlite", "hilltop.uri")
    (member / "mapping.yaml").write_text(MAPPING)
    schema = pg.schema()
    pg.run(
        f"CREATE TABLE {schema}.patrons"
        "(pno text, card varchar(20), pname text, pc text, dob date, optout text)",
        f"CREATE TABLE {schema}.loans(lno text, pno text, isbn text, due date, st text)",
        f"CREATE INDEX ON {schema}.patrons (card)",
    )
    old = state / "data" / "hilltop.sqlite"
    with closing(sqlite3.connect(old)) as rows:
        for row in rows.execute("SELECT PNO, CARD, PNAME, PC, DOB, OPTOUT FROM PATRONS"):
            places = "$1, $2, $3, $4, to_date($5, 'DD/MM/YYYY'), $6"
            pg.fill(f"INSERT INTO {schema}.patrons VALUES ({places})", row)
        for row in rows.execute("SELECT LNO, PNO, ISBN, DUE, ST FROM LOANS"):
            places = "$1, $2, $3, to_date($4, 'DD/MM/YYYY'), $5"
            pg.fill(f"INSERT INTO {schema}.loans VALUES ({places})", row)
    old.unlink()
    (state / "data" / "hilltop.uri").write_text(f"{pg.uri(schema)}\n")
    return folder, state


def test_a_node_on_postgresql_answers_as_on_sqlite(
    pg: Server, library: Running, tmp_path: Path
) -> None:
    folder, state = moved(pg, tmp_path)
    with running(folder, state) as found:
        answer, expected = found.ask(), library.ask()
        assert outcomes(answer)["hilltop"] == "answered"
        rows = answer.table.to_pylist()
        assert "hilltop" in {row["holder"] for row in rows}
        assert rows == expected.table.to_pylist()
        # A server that was restarted is a connection that broke, and no question that failed.
        pg.end_sessions()
        assert found.ask().table.to_pylist() == rows


def test_a_role_that_can_write_keeps_the_node_from_starting(pg: Server, tmp_path: Path) -> None:
    folder, state = moved(pg, tmp_path)
    uri = (state / "data" / "hilltop.uri").read_text()
    (state / "data" / "hilltop.uri").write_text(uri.replace("//reader@", "//postgres@"))
    with pytest.raises(BadFederation, match=r"`hilltop` did not start: .*can do more than read"):
        Running(folder, State(state)).up()
