"""The versions of one holder's policy in its folder, and a policy's text wherever it lies."""

from datetime import date
from pathlib import Path

from narrows.core.catalog import Catalog
from narrows.core.policy.language import parse_policy
from narrows.core.policy.model import Policy
from narrows.core.policy.versions import in_force_or_first
from narrows.errors import BadFederation
from narrows.folder.words import in_words

NEWEST = "policy.yaml"
OTHERS = "policies"
CASES = "cases"


def read_policy(path: Path, catalog: Catalog, name: str = "") -> tuple[Policy, str]:
    """The policy in that file, and its text; `name` is how errors call the file.

    Raises: BadFederation with file and line, in plain words.
    """
    file = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as cause:
        raise BadFederation("the file is not text in UTF-8", file=file) from cause
    except OSError as cause:
        raise BadFederation(
            "the file is missing", hint="see docs/federation-folder.md", file=file
        ) from cause
    try:
        return parse_policy(text, catalog, file), text
    except BadFederation as error:
        raise in_words(error, text) from error.__cause__


def read_others(member: Path, newest: Policy, catalog: Catalog) -> dict[str, Policy]:
    """The older and coming versions beside the newest one, by file, in the order of versions.

    Raises: BadFederation where one is of another agency, or two are of one version.
    """
    found: dict[int, tuple[str, Policy]] = {newest.version: (NEWEST, newest)}
    for path in sorted((member / OTHERS).glob("*.yaml")):
        file = f"members/{member.name}/{OTHERS}/{path.name}"
        policy, _ = read_policy(path, catalog, file)
        if policy.agency != newest.agency:
            hint = f"write `agency: {newest.agency}`"
            raise BadFederation("the policy is another agency's", hint=hint, file=file, line=1)
        if policy.version in found:
            raise BadFederation(
                f"version {policy.version} is there twice",
                hint="give every version its own number",
                file=file,
                line=1,
            )
        found[policy.version] = (file, policy)
    del found[newest.version]
    return dict(found[version] for version in sorted(found))


def policy_at(path: Path, catalog: Catalog, day: date) -> Policy:
    """The policy in a file; of a member's folder, the version in force on that day.

    Raises: BadFederation.
    """
    if not path.is_dir():
        return read_policy(path, catalog)[0]
    newest, _ = read_policy(path / NEWEST, catalog)
    return in_force_or_first((newest, *read_others(path, newest, catalog).values()), day)
