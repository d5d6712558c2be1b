"""Notices over real sockets: both members fetch theirs from the node, nobody else's."""

import json
from pathlib import Path

import pytest

from tests.system.processes import LIBRARY, by_card, copy_of, outcomes, replace_in, running

pytestmark = pytest.mark.system

POINTER = """    pointer:
      by:
        - {patron.card_number: equal}
      at_most: {literals: 1}
      link: [patron]
      show:
        patron: {full_name: as is}
      first_by: [patron.patron_id]
      duty: notify
    lookup:
"""
SQL = "SELECT p.holder FROM patron p WHERE p.card_number = :card AND p.holder = 'harbour'"


def test_both_members_are_told_of_a_pointer(tmp_path_factory: pytest.TempPathFactory) -> None:
    base: Path = tmp_path_factory.mktemp("pointer")
    folder = copy_of(LIBRARY, base / "library")
    replace_in(folder / "members" / "harbour" / "policy.yaml", "    lookup:\n", POINTER)
    with running(folder, base / "state") as found:
        hit = found.ask(by_card(sql=SQL, form="pointer"))
        miss = found.ask(by_card("ZZ9999", sql=SQL, form="pointer"))
        assert {outcomes(one)["harbour"] for one in (hit, miss)} == {"answered"}
        assert (hit.table.num_rows, miss.table.num_rows) == (1, 0)

        def told(member: str) -> list[dict[str, object]]:
            shown = json.loads(found.narrows("notices", "list", member, "--format", "json"))
            assert shown["failures"] == {}
            notices: list[dict[str, object]] = shown["notices"]
            return notices

        for member in ("riverside", "harbour"):
            (notice,) = told(member)
            assert (notice["holder"], notice["request"]) == ("harbour", hit.request_id)
            assert (notice["requester"], notice["officer"]) == ("riverside", "12")
            assert list(notice["pointer"]) == ["patron.full_name"]  # type: ignore[call-overload]
        assert told("hilltop") == []
        number = str(told("riverside")[0]["notice"])
        assert "no such notice" in found.narrows(
            "notices", "take", "hilltop", number, "--of", "harbour", code=1
        )
        taken = found.narrows("notices", "take", "riverside", number, "--of", "harbour")
        assert "1 notice taken" in taken
        assert told("riverside") == []
        assert len(told("harbour")) == 1
        # A start of the node forgets neither what waits nor what was taken.
        found.down("harbour")
        found.up()
        assert told("riverside") == []
        assert "1 notice taken" in found.narrows("notices", "take", "harbour", "--of", "harbour")
        assert told("harbour") == []
        assert "no holder `nobody`" in found.narrows(
            "notices", "list", "riverside", "--of", "nobody", code=2
        )
        found.down("harbour")
        assert "could not be asked" in found.narrows("notices", "list", "riverside", code=1)
