"""`narrows policy sign` and `publish`: a policy signed by its agency, and served by its node."""

from pathlib import Path
from typing import Annotated

import typer

from narrows.cli.policy_common import FolderOf, folder_around
from narrows.errors import BadFederation
from narrows.folder.load import load_folder
from narrows.local.publish import KEY, SIGNATURE, publish_policy, sign_policy
from narrows.local.state import DEFAULT, State

PolicyFile = Annotated[Path, typer.Argument(help="the policy's text")]
StateOf = Annotated[Path, typer.Option("--state", help="the state of a federation")]


def sign(
    file: PolicyFile,
    key: Annotated[
        Path | None, typer.Option(help="the agency's policy key; that of the state, without")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="the signature's file; policy.sig beside it")
    ] = None,
    folder: FolderOf = None,
    state: StateOf = DEFAULT,
) -> None:
    """Check a policy and sign it with its agency's key, wherever that key is kept.

    Example: narrows policy sign proposal.yaml --key policy.key --folder examples/library
    """
    federation = load_folder(folder_around(file, folder))
    place = key or _key_in(State(state), file)
    signed = sign_policy(file, federation, place)
    target = out or file.with_name(SIGNATURE)
    target.write_text(signed.signature.hex() + "\n", encoding="ascii")
    print(f"signed  {signed.policy.agency}, version {signed.policy.version}: {target}")


def publish(
    file: PolicyFile,
    signature: Annotated[
        Path | None, typer.Option(help="what `sign` wrote; signed here, without")
    ] = None,
    state: StateOf = DEFAULT,
) -> None:
    """Give a newer policy to its holder's node, which serves it without a restart.

    It must be signed by the agency, newer than what was served, and without an error.

    Example: narrows policy publish proposal.yaml
    """
    found = publish_policy(State(state), file, _read(signature))
    print(f"published  {found.agency}, version {found.version}, in force from {found.effective}")


def _key_in(state: State, file: Path) -> Path:
    """The policy key of the holder in whose folder the file lies."""
    for name in [parent.name for parent in file.resolve().parents]:
        if (state.member(name) / KEY).is_file():
            return state.member(name) / KEY
    raise BadFederation("no policy key is known for this file", hint="name it with --key")


def _read(signature: Path | None) -> bytes | None:
    if signature is None:
        return None
    try:
        return bytes.fromhex(signature.read_text(encoding="ascii").strip())
    except ValueError as cause:
        raise BadFederation(
            "the signature is no hexadecimal text", hint="`sign` writes it", file=str(signature)
        ) from cause
