"""What leaves a node sealed, where the requester merges and the gateway only carries.

Batches are sealed before the disclosure is entered, which holds the digest of what is carried; the
opening of their own digest, whose salt the entry makes, is sealed after it and comes last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from narrows.core.directory import DirectoryKey
from narrows.core.exchange import FragmentAnswer, NodeAnswer
from narrows.core.ledger.entry import Opening, rows_field
from narrows.core.ledger.parts import Released
from narrows.core.sealed import Place, encode_opening, sealed_digest
from narrows.node.case import Case
from narrows.store.sealing import seal


@dataclass(frozen=True, slots=True)
class Carried:
    """The sealed batches of each released fragment, and the key that they are sealed to."""

    key: bytes
    places: Mapping[int, Place]
    batches: Mapping[int, tuple[bytes, ...]]

    def released(self, found: Released) -> Released:
        """What the entry says in the open of one fragment that is carried."""
        digest = sealed_digest(self.batches[found.fragment])
        return replace(found, sealed_to=self.places[found.fragment].key_id, sealed=digest)

    def answer(self, found: NodeAnswer) -> NodeAnswer:
        """The answer with sealed parts in the place of batches, and nothing opened."""
        openings = {one.field: one for one in found.openings}
        fragments = (
            replace(one, batches=self._parts(one.fragment, openings[rows_field(one.fragment)]))
            if one.fragment in self.places
            else one
            for one in found.fragments
        )
        return replace(found, fragments=tuple(fragments), openings=())

    def _parts(self, fragment: int, opening: Opening) -> tuple[bytes, ...]:
        batches = self.batches[fragment]
        place = self.places[fragment].of(len(batches), len(batches) + 1)
        return (*batches, seal(self.key, encode_opening(opening), place.info))


def carry(answers: Sequence[FragmentAnswer], key: DirectoryKey, case: Case) -> Carried:
    """What is released, sealed to that key of the requester."""
    released = [one for one in answers if one.decision.releases]
    places = {
        one.fragment: Place(
            case.admitted.id,
            case.node.holder,
            one.fragment,
            case.admitted.header.agency,
            key.key_id,
        )
        for one in released
    }
    return Carried(
        key.raw,
        places,
        {one.fragment: _sealed(one, places[one.fragment], key.raw) for one in released},
    )


def _sealed(found: FragmentAnswer, place: Place, key: bytes) -> tuple[bytes, ...]:
    parts = len(found.batches) + 1
    return tuple(
        seal(key, batch, place.of(number, parts).info) for number, batch in enumerate(found.batches)
    )
