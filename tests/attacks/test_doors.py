"""What would take long is refused at both doors before it is read, or with little work.

No clock is looked at: what may not be done is barred, and what may be done is counted. So a refusal
comes within any deadline, on however slow a machine.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

import pytest

from narrows.core.canonical import Json
from narrows.core.plan import codec
from narrows.core.request import CLOCK_SKEW_S, MAX_LIFE_S, SignedRequest
from narrows.core.sql import parse
from narrows.errors import NarrowsError, UnsupportedQuery
from narrows.gateway.answer import answer
from tests.attacks.corpus import MESSAGES, Attack, read_family
from tests.attacks.gateway_door import signed
from tests.attacks.node_door import Bringing, bring, brought, fragment_bytes, see, with_fragment
from tests.attacks.setting import LEFT, SETTING
from tests.attacks.work import MOST_CALLS, WITHOUT_END, TooMuchWork, metered
from tests.system.federation import NSOR, VPD, Federation, federation, question

HARD = read_family("exhaustion")
FRAGMENTS = read_family("fragments", MESSAGES)
REQUESTS = read_family("requests", MESSAGES)
READ = {
    *("recursion", "texts that grow", "regular expressions"),
    *("joins that are hard to plan", "many readings"),
    "cartesian products: forty relations between commas",
    "long conditions: four hundred sums in a row",
    "long lists: three hundred columns",
    "long lists: stars that multiply",
    "long words: a number of nineteen thousand digits",
}
"""Whole classes, and attacks of the others, that are within every cap on the text: the parser reads
them, and what it makes of them is refused."""
SMALL = {
    *("lists in lists", "negations in negations", "three thousand scans", "seventeen scans"),
    *("one output a thousand times", "a document of half a million letters"),
}
"""Fragments within every cap that is counted before they are read."""
LATER = timedelta(seconds=MAX_LIFE_S + CLOCK_SKEW_S + 1)
P = ParamSpec("P")
T = TypeVar("T")


def _bar_the_parser(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that come to the parser, which reads none of them from now on."""
    read: list[str] = []

    def unread(text: str) -> NoReturn:
        read.append(text)
        raise UnsupportedQuery("the parser is barred")

    monkeypatch.setattr(parse, "_read", unread)
    return read


def _bar_the_codec(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The fragments that come to be read, none of which is from now on."""
    read: list[bytes] = []

    def unread(data: bytes) -> Json:
        read.append(data)
        return {}

    monkeypatch.setattr(codec, "parse_canonical", unread)
    return read


async def _refused(request: SignedRequest, all_of: Federation) -> str:
    """Why the gateway refuses it; no node is asked."""
    asked = [node.parts.ledger.size for node in all_of.nodes.values()]
    with pytest.raises(NarrowsError) as caught:
        await answer(request, VPD, all_of.gateway)
    assert [node.parts.ledger.size for node in all_of.nodes.values()] == asked
    return caught.value.reason


def _fragment(attack: Attack, all_of: Federation) -> Bringing:
    request = with_fragment(fragment_bytes(attack), all_of)
    return Bringing(brought(request, all_of.nodes[NSOR]))


async def test_a_gateway_reads_no_text_that_is_over_a_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        requests = [signed(attack, all_of) for attack in HARD]
        read = _bar_the_parser(monkeypatch)
        found = [await _refused(request, all_of) for request in requests]
    assert {*found} == {"QUERY_UNSUPPORTED", "QUERY_MALFORMED"}
    within = [one for one in HARD if {one.kind, f"{one.kind}: {one.name}"} & READ]
    assert read == [attack.text for attack in within]
    assert len(HARD) - len(within) > 20


async def test_a_gateway_refuses_with_little_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        requests = [signed(attack, all_of) for attack in HARD]
        monkeypatch.setattr(asyncio, "to_thread", _here)
        for request in requests:
            with metered(MOST_CALLS):
                await _refused(request, all_of)


async def test_a_gateway_that_does_too_much_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = Attack("exhaustion", "many readings", "a type", "refused", WITHOUT_END)
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        request = signed(attack, all_of)
        monkeypatch.setattr("narrows.core.sql.frugal.MOVES_BESIDE", 10**12)
        monkeypatch.setattr(asyncio, "to_thread", _here)
        with pytest.raises(TooMuchWork), metered(MOST_CALLS):
            await answer(request, VPD, all_of.gateway)


async def test_a_node_reads_no_fragment_that_is_over_a_cap_and_no_text_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = [one for one in FRAGMENTS if one.kind in ("deep nesting", "huge lists")]
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        brings = [_fragment(attack, all_of) for attack in large]
        texts, read = _bar_the_parser(monkeypatch), _bar_the_codec(monkeypatch)
        found = [await see(one, all_of.nodes[NSOR]) for one in brings]
    assert {one.verdict for one in found} == {"refused: REQUEST_MALFORMED"}
    within = [attack for attack in large if attack.name in SMALL]
    assert read == [fragment_bytes(attack) for attack in within]
    assert len(within) == len(SMALL) < len(large)
    assert texts == []


async def test_a_node_refuses_with_little_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        node = all_of.nodes[NSOR]
        brings = [_fragment(attack, all_of) for attack in FRAGMENTS]
        brings += [bring(attack, all_of, node) for attack in REQUESTS]
        texts = _bar_the_parser(monkeypatch)
        for one in brings:
            with metered(MOST_CALLS):
                await see(one, node)
    assert texts == []


async def test_a_node_that_does_too_much_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = next(one for one in FRAGMENTS if one.name == "eleven thousand documents that differ")
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        brings = _fragment(attack, all_of)
        for cap in ("MAX_FILTERS", "MAX_CONSTANTS"):
            monkeypatch.setattr(codec, cap, 10**9)
        monkeypatch.setattr("narrows.core.plan.codec._list.__defaults__", (10**9,))
        with pytest.raises(TooMuchWork), metered(MOST_CALLS):
            await see(brings, all_of.nodes[NSOR])


async def test_what_comes_too_late_is_read_at_neither_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        requests = [signed(attack, all_of) for attack in HARD]
        brings = [_fragment(attack, all_of) for attack in FRAGMENTS]
        texts, read = _bar_the_parser(monkeypatch), _bar_the_codec(monkeypatch)
        all_of.clock.now += LATER
        assert {await _refused(request, all_of) for request in requests} == {"REQUEST_EXPIRED"}
        found = [await see(one, all_of.nodes[NSOR]) for one in brings]
        assert {one.verdict for one in found} == {"refused: REQUEST_EXPIRED"}
    assert (texts, read) == ([], [])


async def test_what_comes_in_time_is_read_at_both_doors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with federation(tmp_path, LEFT, SETTING) as all_of:
        request = all_of.sign(question("SELECT p.surname FROM person p"))
        brings = _fragment(next(one for one in FRAGMENTS if one.kind == "honest"), all_of)
        all_of.clock.now += LATER - timedelta(seconds=2)
        texts, read = _bar_the_parser(monkeypatch), _bar_the_codec(monkeypatch)
        assert await _refused(request, all_of) == "QUERY_UNSUPPORTED"
        found = await see(brings, all_of.nodes[NSOR])
        assert found.verdict == "refused: REQUEST_MALFORMED"
    assert (len(texts), len(read)) == (1, 1)


async def _here(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """What a thread would do, done where it is counted."""
    return work(*arguments, **named)
