"""The sealed fields that a node adds to the entries of a request: tokens, and what it was charged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from narrows.core.plan.fragment import ColumnOf
from narrows.core.policy.subjects import spell_value
from narrows.core.policy.tokens import Sought, Token, pack_tokens
from narrows.core.terms import RequestId, Scalar

TOKENS, SUBJECTS = "tokens", "subjects"


@dataclass(frozen=True, slots=True)
class Sealing:
    """What all entries about one request seal beside what it opens; steps add to `fields`.

    `token` makes the tokens of the request's year.
    """

    request: RequestId
    token: Token
    fields: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def note_sought(self, sought: Sought) -> None:
        """Nothing; what is matched is sealed, hit or miss, released or refused."""
        tokens = (self.token(*one) for one in sought.literals | sought.persons)
        self.fields[TOKENS] = self.packed(tokens, TOKENS)

    def note_subjects(self, tokens: Iterable[bytes]) -> None:
        """Nothing; whose rows leave is sealed, in a field that is as long where none do."""
        self.fields[SUBJECTS] = self.packed(tokens, SUBJECTS)

    def subjects(
        self, columns: Mapping[ColumnOf, str], values: Sequence[Scalar]
    ) -> dict[str, bytes]:
        """The tokens of one row's subjects, by field; NULL is nobody.

        Needs: the values of the columns, in their order.
        """
        return {
            field: self.token(field, spell_value(value))
            for field, value in zip(columns.values(), values, strict=True)
            if value is not None
        }

    def packed(self, tokens: Iterable[bytes], place: str) -> bytes:
        """The tokens as an entry seals them; `place` names the field among all of this request."""
        return pack_tokens(tokens, self.token, f"{self.request}/{place}")
