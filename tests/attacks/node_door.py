"""A hostile gateway at the door of a node: what it may change, and what it then sees."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from narrows.core.admission import admit
from narrows.core.canonical import canonical_bytes, commit
from narrows.core.exchange import BoundForm, NodeQuestion
from narrows.core.plan.codec import decode_fragment
from narrows.core.policy.bind import decide_and_bind
from narrows.core.policy.form import encode_bound
from narrows.core.request import (
    Opening,
    Signature,
    SignedRequest,
    decode_header,
    encode_header,
    signing_bytes,
)
from narrows.core.terms import MemberName
from narrows.errors import NarrowsError
from narrows.node.answer import answer as node_answer
from narrows.node.case import Arrival
from tests.attacks.corpus import LOOKUP, Attack
from tests.attacks.walk import Seen, refused
from tests.system.federation import (
    DESK,
    GATEWAY,
    VPD,
    Federation,
    LocalNode,
    question,
    verify,
)

HONEST = question(f"SELECT p.surname, p.residence_postal {LOOKUP}")


@dataclass(frozen=True, slots=True)
class Bringing:
    """A question as it is brought, by whom, and how often."""

    asked: NodeQuestion
    via: MemberName = GATEWAY
    times: int = 1


def fragment_bytes(attack: Attack) -> bytes:
    """The fragment as it is signed: in canonical form where it has one and is not sent as written."""
    try:
        return canonical_bytes(json.loads(attack.text if not attack.sent else ""))
    except (ValueError, RecursionError, NarrowsError):
        return attack.text.encode()


def with_fragment(encoded: bytes, all_of: Federation) -> SignedRequest:
    """A request of a hostile member: honest but for its one fragment, and truly signed."""
    honest = all_of.sign(HONEST)
    header = decode_header(honest.header)
    opening = Opening("fragments/0", os.urandom(32), encoded)
    digest = commit(opening.field, opening.salt, opening.value)
    changed = replace(header, commitments=replace(header.commitments, fragments=(digest,)))
    others = [one for one in honest.openings if one.field != opening.field]
    return _signed(encode_header(changed), (*others, opening), all_of, VPD)


def brought(request: SignedRequest, node: LocalNode) -> NodeQuestion:
    """The request with the rewriting that this node's own policy makes of its fragment, if any."""
    parts = node.parts
    policy = parts.policy(parts.clock().date())
    openings = tuple(one for one in request.openings if one.field not in ("sql", "parameters"))
    question_ = NodeQuestion(replace(request, openings=openings), ())
    try:
        admitted = admit(request, parts.door, parts.directory(), verify, parts.clock())
        fragment = decode_fragment(request.opened("fragments/0") or b"", parts.catalog)
        found = decide_and_bind(policy, parts.catalog, fragment, admitted.circumstances)
    except NarrowsError:
        return replace(question_, forms=(BoundForm(0, b"{}", policy.version),))
    if found[1] is None:
        return question_
    return replace(question_, forms=(BoundForm(0, encode_bound(found[1]), policy.version),))


async def see(brings: Bringing, node: LocalNode) -> Seen:
    """What the gateway gets."""
    try:
        for _ in range(brings.times):
            arrival = Arrival(brings.asked, brings.via, node.parts.clock())
            found = await node_answer(arrival, node.parts, None)
    except NarrowsError as error:
        return refused(error)
    if found.replayed:
        assert (found.fragments, found.openings) == ((), ())
        return Seen("replayed", "")
    verdict = (
        "harmless" if all(o.decision.releases for o in found.fragments) else "refused by policy"
    )
    return Seen(verdict, f"{found.fragments!r}")


def bring(attack: Attack, all_of: Federation, node: LocalNode) -> Bringing:
    """The honest question with the change that the attack spells."""
    verb, _, what = attack.text.partition(": ")
    match verb.split(" "):
        case ["issue", *_]:
            all_of.clock.now += timedelta(seconds=int(what))
            request = all_of.sign(HONEST)
            all_of.clock.now -= timedelta(seconds=int(what))
            return Bringing(brought(request, node))
        case ["sign", "for"]:
            return Bringing(brought(all_of.sign(HONEST, DESK), node))
        case ["sign", "with", *_]:
            honest = all_of.sign(HONEST)
            forged = _signed(honest.header, honest.openings, all_of, DESK)
            return Bringing(brought(forged, node))
        case ["bring", "as"]:
            return Bringing(brought(all_of.sign(HONEST), node), MemberName(what))
        case ["send", "twice"]:
            return Bringing(brought(all_of.sign(HONEST), node), times=2)
        case words:
            asked = brought(all_of.sign(HONEST), node)
            changed = _change(words, what, asked)
            assert changed != asked, "the attack changes nothing"
            return Bringing(changed)


def _change(words: list[str], what: str, asked: NodeQuestion) -> NodeQuestion:
    old, _, new = what.partition(" -> ")
    form, request = asked.forms[0], asked.request
    match words:
        case ["change", "form"]:
            return replace(asked, forms=(replace(form, form=_swap(form.form, old, new)),))
        case ["drop", "form"]:
            return replace(asked, forms=())
        case ["repeat", "form"]:
            return replace(asked, forms=(form, form))
        case ["number", "form"]:
            return replace(asked, forms=(replace(form, fragment=int(what)),))
        case ["policy", "version"]:
            return replace(asked, forms=(replace(form, policy_version=int(what)),))
        case ["change", "header"]:
            header = _swap(request.header, old, new)
            return replace(asked, request=replace(request, header=header))
        case ["drop", "header"]:
            return replace(asked, request=replace(request, header=b""))
        case ["drop", "signature"]:
            return replace(asked, request=replace(request, signatures=()))
        case ["flip", "signature"]:
            return _resigned(asked, lambda one: bytes([one[0] ^ 1]) + one[1:])
        case ["sign", "as"]:
            (one,) = request.signatures
            return replace(asked, request=replace(request, signatures=(replace(one, role=what),)))
        case [verb, field]:
            openings = tuple(
                found
                for one in request.openings
                for found in (_opened(verb, one, what) if one.field == field else (one,))
            )
            return replace(asked, request=replace(request, openings=openings))
    raise AssertionError(words)


def _opened(verb: str, one: Opening, what: str) -> tuple[Opening, ...]:
    old, _, new = what.partition(" -> ")
    match verb:
        case "change":
            return (replace(one, value=_swap(one.value, old, new)),)
        case "drop":
            return ()
        case "repeat":
            return (one, one)
        case "rename":
            return (replace(one, field=what),)
    raise AssertionError(verb)


def _swap(found: bytes, old: str, new: str) -> bytes:
    assert old.encode() in found, old
    return found.replace(old.encode(), new.encode())


def _resigned(asked: NodeQuestion, change: Callable[[bytes], bytes]) -> NodeQuestion:
    (one,) = asked.request.signatures
    forged = replace(one, signature=change(one.signature))
    return replace(asked, request=replace(asked.request, signatures=(forged,)))


def _signed(
    header: bytes, openings: tuple[Opening, ...], all_of: Federation, member: MemberName
) -> SignedRequest:
    key = all_of.keys[member]
    signature = Signature("agency", key.key_id, "ed25519", key.sign(signing_bytes(header)))
    return SignedRequest(header, (signature,), openings)
