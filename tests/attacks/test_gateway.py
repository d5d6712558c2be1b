"""The corpus at the door of a real gateway, over two nodes with real engines, DuckDB and SQLite.

Two whole federations stand side by side, one over each of the paired databases. What is compared
is all that a requester can see, to the byte of every batch. What is answered is asked of nodes on
PostgreSQL too; what is refused reaches no engine.
"""

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from narrows.errors import NarrowsError
from narrows.gateway.answer import answer
from tests.attacks.corpus import Attack, families, read_family
from tests.attacks.gateway_door import signed
from tests.attacks.postgresql import on_postgresql
from tests.attacks.setting import BROKEN, CANARY, LEFT, RIGHT, SETTING
from tests.attacks.walk import Seen, refused
from tests.postgresql import Server
from tests.system.federation import VPD, Databases, Federation, Setting, embedded, federation

ATTACKS = [attack for family in families() for attack in read_family(family)]
# A count that is answered needs an edition, which these nodes have not built.
ANSWERED = [one for one in ATTACKS if one.expect == "harmless" and one.form != "count"]


async def _seen(attack: Attack, all_of: Federation) -> Seen:
    try:
        found = await answer(signed(attack, all_of), VPD, all_of.gateway)
    except NarrowsError as error:
        return refused(error)
    reports = [replace(one, receipt=None, elapsed_ms=0) for one in found.holders]
    words = f"{found.columns} {found.row_count} {found.caveats} {found.withheld_because}"
    verdict = "refused by policy" if found.withheld_because else "harmless"
    return Seen(verdict, f"{words} {reports} {found.batches!r}")


async def _both(
    folder: Path, setting: Setting, attacks: list[Attack], databases: Databases = embedded
) -> list[tuple[Seen, Seen]]:
    """What each attack comes to over both databases; no canary is anywhere that others read."""
    pairs: dict[str, list[Seen]] = {}
    for name, rows in (("left", LEFT), ("right", RIGHT)):
        async with AsyncExitStack() as stack:
            (folder / name).mkdir()
            standing = federation(folder / name, rows, setting, databases)
            all_of = await stack.enter_async_context(standing)
            pairs[name] = [await _seen(attack, all_of) for attack in attacks]
            ledgers = [all_of.gateway.ledger, *(one.parts.ledger for one in all_of.nodes.values())]
            texts = [
                ledger.entry_bytes(index).decode()
                for ledger in ledgers
                for index in range(ledger.size)
            ]
        texts.append((folder / name / "spans.jsonl").read_text())
        assert len(texts) > len(attacks)
        assert not [text for text in texts if CANARY in text or "ZZ654321" in text]
    return list(zip(pairs["left"], pairs["right"], strict=True))


def _wrong(attacks: list[Attack], found: list[tuple[Seen, Seen]]) -> list[str]:
    """The attacks that come to something else than their file says, or not to the same twice."""
    return [
        f"{attack}: {left.verdict}: {left.text[:200]}"
        for attack, (left, right) in zip(attacks, found, strict=True)
        if left != right or left.verdict != attack.expect
    ]


async def test_the_whole_corpus_at_a_real_gateway(tmp_path: Path) -> None:
    attacks = [
        one
        for one in ATTACKS
        if one.expect != "refused: REQUEST_MALFORMED"
        and (one in ANSWERED or one.expect != "harmless")
    ]
    found = await _both(tmp_path, SETTING, attacks)
    assert _wrong(attacks, found) == []


async def test_what_is_answered_is_answered_on_postgresql(tmp_path: Path, pg: Server) -> None:
    found = await _both(tmp_path, SETTING, ANSWERED, on_postgresql(pg))
    assert {one.form for one in ANSWERED} == {"lookup", "list", "pointer"}
    assert _wrong(ANSWERED, found) == []


async def test_a_broken_policy_shows_on_postgresql(tmp_path: Path, pg: Server) -> None:
    attacks = [one for one in ANSWERED if not one.control][::8]
    found = await _both(tmp_path, BROKEN["all is shown"], attacks, on_postgresql(pg))
    assert len([left for left, right in found if left != right]) > len(attacks) // 2


async def test_a_gateway_whose_policies_are_broken_is_seen_through(tmp_path: Path) -> None:
    attacks = [one for one in ATTACKS if one.expect == "harmless" and one.form == "lookup"][:30]
    found = await _both(tmp_path, BROKEN["all is shown"], attacks)
    assert len([left for left, right in found if left != right]) > 20
