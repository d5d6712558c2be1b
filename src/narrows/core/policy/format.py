"""A policy's text in its one layout: the comments and the order of a person, the rest of the house.

`typeset` says what the layout is. The meaning never changes: it is read before and after, and
compared; so are the comments.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from narrows.core.catalog import Catalog
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Cube, Grant, Policy
from narrows.core.policy.typeset import comments_in, set_anew
from narrows.core.terms import Digest
from narrows.errors import CheckFailed

_ROUNDS = 5


def format_policy(text: str, catalog: Catalog, file: str) -> str:
    """The same policy in the one layout; of that, itself.

    Raises: BadFederation where the text is no policy; CheckFailed where the layout would lose a
    comment or change the meaning, and then nothing may be written.
    """
    parse_policy(text, catalog, file)
    found = settled(text, set_anew)
    require_same(text, found, catalog, file)
    return found


def require_same(text: str, found: str, catalog: Catalog, file: str) -> None:
    """Nothing, when both texts say the same policy with the same comments. Raises: CheckFailed."""
    one, other = (_meaning(parse_policy(each, catalog, file)) for each in (text, found))
    if one != other:
        raise CheckFailed(
            "the layout would change what the policy says", hint="report it, with the file"
        )
    if comments_of(found) != comments_of(text):
        raise CheckFailed("the layout would lose a comment", hint="put it on a line of its own")


def settled(text: str, lay_out: Callable[[str], str]) -> str:
    """The text laid out until that changes nothing more: a comment may take its place late.

    Raises: CheckFailed where it goes on changing.
    """
    found = text
    for _ in range(_ROUNDS):
        again = lay_out(found)
        if again == found:
            return found
        found = again
    raise CheckFailed(
        "the layout does not settle", hint="put comments on lines of their own, above what they say"
    )


def comments_of(text: str) -> Counter[str]:
    """The words of every comment, each as often as it stands there."""
    return Counter(comment.text.removeprefix("#").strip() for comment in comments_in(text))


def _meaning(policy: Policy) -> Policy:
    """The policy without digest and lines, which a layout may change."""
    return replace(
        policy,
        digest=Digest(bytes(32)),
        never=tuple(replace(one, line=0) for one in policy.never),
        never_columns=tuple(replace(one, line=0) for one in policy.never_columns),
        cubes=tuple(map(_cube, policy.cubes)),
        agreements=tuple(
            replace(one, line=0, grants=tuple(map(_grant, one.grants))) for one in policy.agreements
        ),
    )


def _cube(cube: Cube) -> Cube:
    return replace(cube, line=0)


def _grant(grant: Grant) -> Grant:
    return replace(grant, line=0)
