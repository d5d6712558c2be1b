"""Everything that a federation needs is made once, kept, and renewed before it expires."""

import stat
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from narrows.client.credential import Credential
from narrows.core.directory import Directory, DirectoryKey, decode_directory
from narrows.core.publishing import policy_bytes
from narrows.core.terms import MemberName
from narrows.errors import BadFederation
from narrows.folder.load import Federation, load_folder
from narrows.local.mint import CERTIFICATE_DAYS, DIRECTORY_DAYS, RENEW_DAYS, mint
from narrows.local.state import GATEWAY, State
from narrows.store.keys import load_key, verify_signature
from narrows.store.seen import write_seen
from tests.unit.serving.world import NOW

LIBRARY = Path(__file__).parents[3] / "examples" / "library"
HOLDERS = ("harbour", "hilltop", "riverside")
DESK = MemberName("reader-desk")
ADDRESSES = {name: f"127.0.0.1:{7000 + number}" for number, name in enumerate((GATEWAY, *HOLDERS))}


@dataclass(slots=True)
class Minted:
    """The state of one federation, minted at `now`."""

    state: State
    federation: Federation
    now: datetime = NOW

    def mint(self, addresses: dict[str, str] | None = None) -> DirectoryKey:
        root = mint(self.state, self.federation, {**ADDRESSES, **(addresses or {})}, self.now)
        return DirectoryKey(bytes.fromhex(root))

    def directory(self) -> Directory:
        root = load_key(self.state.root / "root.key", "library/root").verifier.public_key
        data = self.state.directory.read_bytes()
        return decode_directory(data, DirectoryKey(root), verify_signature, now=self.now)

    def files(self) -> dict[str, bytes]:
        folder = self.state.folder
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }

    def changed(self, before: dict[str, bytes]) -> set[str]:
        """What is new or another since then."""
        return {name for name, data in self.files().items() if before.get(name) != data}

    def certificate(self, home: Path) -> x509.Certificate:
        return x509.load_pem_x509_certificate((home / "tls.crt").read_bytes())

    def serves(self, home: Path) -> bool:
        uses = self.certificate(home).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        return ExtendedKeyUsageOID.SERVER_AUTH in uses.value


@pytest.fixture(scope="module")
def library() -> Federation:
    return load_folder(LIBRARY)


@pytest.fixture
def minted(tmp_path: Path, library: Federation) -> Minted:
    found = Minted(State(tmp_path / "state"), library)
    found.mint()
    return found


def test_everything_that_is_needed_is_made(minted: Minted) -> None:
    asks = {"tls.key", "tls.crt", "ca.crt", "request.key", "merge.key", "root.pub"}
    holds = asks | {"ledger.key", "policy.key", "policy.sig", "secrets"}
    for name, member in minted.federation.members.items():
        home = minted.state.member(name)
        assert {one.name for one in home.iterdir()} == (holds if member.node else asks)
        assert Credential.load(home).member == name
        assert minted.serves(home) == (member.node is not None)
    gateway = {"tls.key", "tls.crt", "ca.crt", "ledger.key"}
    assert {one.name for one in minted.state.gateway().iterdir()} == gateway
    assert minted.serves(minted.state.gateway())


def test_private_keys_are_their_owners_alone(minted: Minted) -> None:
    keys = list(minted.state.folder.rglob("*.key"))
    only_ask = len(minted.federation.members) - len(HOLDERS)
    assert len(keys) == 2 + 2 + 6 * len(HOLDERS) + 3 * only_ask
    assert {stat.S_IMODE(one.stat().st_mode) for one in keys} == {0o600}
    homes = [minted.state.root, minted.state.gateway(), minted.state.member(DESK)]
    assert {stat.S_IMODE(one.stat().st_mode) for one in homes} == {0o700}
    assert not list(minted.state.folder.rglob("*.new"))


def test_the_directory_names_the_keys_that_were_made(minted: Minted) -> None:
    found = minted.directory()
    assert (found.federation, found.epoch) == ("library", 1)
    assert found.catalog == minted.federation.catalog.digest
    assert set(found.members) == set(minted.federation.members)
    for name, member in found.members.items():
        home = minted.state.member(name)
        assert [key.key_id for key in member.request_keys] == [Credential.load(home).key.key_id]
        assert (member.node is None) == (name not in HOLDERS)
        if member.node is not None:
            ledger = load_key(home / "ledger.key", f"{name}.library/ledger")
            assert member.node.ledger_key.raw == ledger.verifier.public_key
            assert member.node.address == ADDRESSES[name]
    assert found.gateways[MemberName(GATEWAY)].address == ADDRESSES[GATEWAY]


def test_each_named_person_has_a_key_of_its_own_that_stays(minted: Minted) -> None:
    name, people = MemberName(HOLDERS[0]), ("Sgt. A. Roy", "Insp. B. Tran")
    members = dict(minted.federation.members)
    minted.federation = replace(
        minted.federation, members={**members, name: replace(members[name], approvers=people)}
    )
    minted.mint()
    named = minted.directory().members[name].approvers
    assert tuple(one.name for one in named) == people
    credential = Credential.load(minted.state.member(name))
    assert [credential.person(one.name).key_id for one in named] == [
        one.key.key_id for one in named
    ]
    keys = list((minted.state.member(name) / "approvers").iterdir())
    assert {stat.S_IMODE(one.stat().st_mode) for one in keys} == {0o600}
    assert minted.directory().epoch == 2
    before = minted.files()
    minted.mint()
    assert minted.changed(before) == set()


def test_every_policy_is_signed_with_its_agencys_own_key(minted: Minted) -> None:
    for name in HOLDERS:
        key = minted.directory().members[MemberName(name)].policy_key
        node = minted.federation.members[MemberName(name)].node
        assert key is not None
        assert node is not None
        signature = bytes.fromhex((minted.state.member(name) / "policy.sig").read_text())
        assert verify_signature(key.raw, policy_bytes(node.policy_text.encode()), signature)


def test_a_second_run_changes_nothing(minted: Minted) -> None:
    before, root = minted.files(), minted.mint()
    assert minted.changed(before) == set()
    minted.now += timedelta(days=1)
    assert minted.mint() == root
    assert minted.changed(before) == set()


def test_what_is_missing_is_made_and_the_rest_is_kept(minted: Minted) -> None:
    before = minted.files()
    home = minted.state.member(HOLDERS[0])
    (home / "policy.sig").unlink()
    minted.mint()
    assert minted.changed(before) == set()
    (home / "request.key").unlink()
    minted.mint()
    name = home.relative_to(minted.state.folder)
    assert minted.changed(before) == {f"{name}/request.key", "directory.json"}
    assert minted.directory().epoch == 2


def test_a_changed_endpoint_raises_the_epoch(minted: Minted) -> None:
    before = minted.files()
    minted.mint({HOLDERS[0]: "127.0.0.1:9"})
    assert minted.changed(before) == {"directory.json"}
    found = minted.directory()
    node = found.members[MemberName(HOLDERS[0])].node
    assert found.epoch == 2
    assert node is not None
    assert node.address == "127.0.0.1:9"


def test_a_changed_class_or_catalog_raises_the_epoch(minted: Minted) -> None:
    member = minted.federation.members[DESK]
    changed = {**minted.federation.members, DESK: replace(member, member_class="library")}
    minted.federation = replace(minted.federation, members=changed)
    minted.mint()
    assert minted.directory().epoch == 2
    assert minted.directory().members[DESK].member_class == "library"
    catalog = replace(minted.federation.catalog, version=2)
    minted.federation = replace(minted.federation, catalog=catalog)
    minted.mint()
    assert minted.directory().epoch == 3
    assert minted.directory().catalog == catalog.digest


def test_a_changed_policy_is_signed_again_and_the_directory_stays(minted: Minted) -> None:
    before = minted.files()
    name = MemberName(HOLDERS[0])
    member = minted.federation.members[name]
    assert member.node is not None
    text = member.node.policy_text + "# more\n"
    changed = replace(member, node=replace(member.node, policy_text=text))
    members = {**minted.federation.members, name: changed}
    minted.federation = replace(minted.federation, members=members)
    minted.mint()
    assert minted.changed(before) == {f"members/{name}/policy.sig"}
    test_every_policy_is_signed_with_its_agencys_own_key(minted)


def test_a_certificate_that_soon_expires_is_renewed(minted: Minted) -> None:
    before = minted.files()
    lasts = timedelta(days=CERTIFICATE_DAYS - RENEW_DAYS)
    minted.now = NOW + lasts - timedelta(minutes=1)
    minted.mint()
    assert minted.changed(before) == set()
    minted.now = NOW + lasts
    minted.mint()
    homes = [f"members/{name}" for name in minted.federation.members] + [f"gateways/{GATEWAY}"]
    renewed = {f"{home}/{file}" for home in homes for file in ("tls.crt", "tls.key")}
    assert minted.changed(before) == renewed | {"directory.json"}
    found = minted.certificate(minted.state.gateway())
    assert found.not_valid_after_utc == minted.now + timedelta(days=CERTIFICATE_DAYS)
    authority = x509.load_pem_x509_certificate((minted.state.gateway() / "ca.crt").read_bytes())
    found.verify_directly_issued_by(authority)


def test_a_directory_that_soon_expires_is_published_again(minted: Minted) -> None:
    minted.now = NOW + timedelta(days=DIRECTORY_DAYS - RENEW_DAYS)
    minted.mint()
    found = minted.directory()
    assert (found.epoch, found.issued_at) == (2, minted.now)
    assert found.expires_at == minted.now + timedelta(days=DIRECTORY_DAYS)


@pytest.mark.parametrize("how", ["expired", "damaged", "gone", "an older one"])
def test_the_epoch_never_goes_back(minted: Minted, how: str) -> None:
    """Processes remember what they have seen, and would refuse to start."""
    older = minted.state.directory.read_bytes()
    write_seen(minted.state.member(HOLDERS[1]) / "directory.epoch", 7)
    match how:
        case "expired":
            minted.now = NOW + timedelta(days=DIRECTORY_DAYS)
        case "damaged":
            minted.state.directory.write_bytes(older[:-9])
        case "gone":
            minted.state.directory.unlink()
        case _:
            minted.state.directory.write_bytes(older)
    minted.mint()
    assert minted.directory().epoch == 8


def test_a_member_that_gets_a_node_gets_a_certificate_that_serves(minted: Minted) -> None:
    holder = minted.federation.members[MemberName(HOLDERS[0])]
    desk = replace(minted.federation.members[DESK], node=holder.node)
    members = {**minted.federation.members, DESK: desk}
    minted.federation = replace(minted.federation, members=members)
    minted.mint({DESK: "127.0.0.1:9"})
    assert minted.serves(minted.state.member(DESK))
    assert minted.directory().members[DESK].node is not None


@pytest.mark.parametrize(
    "name",
    [
        "root/root.key",
        "root/authority.key",
        f"members/{HOLDERS[0]}/ledger.key",
        f"members/{HOLDERS[0]}/tls.crt",
        f"members/{HOLDERS[0]}/directory.epoch",
    ],
)
def test_a_damaged_file_is_told_and_never_made_anew(minted: Minted, name: str) -> None:
    path = minted.state.folder / name
    minted.state.directory.unlink()
    path.write_bytes(b"damaged")
    with pytest.raises(BadFederation):
        minted.mint()
    assert path.read_bytes() == b"damaged"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, library: Federation) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(BadFederation, match="cannot be made"):
        Minted(State(tmp_path / "state"), library).mint()


def test_times_are_in_utc(minted: Minted) -> None:
    assert minted.directory().issued_at.tzinfo is UTC
