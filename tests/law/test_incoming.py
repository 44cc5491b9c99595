"""A pack from outside is taken in whole or not at all, and whatever is wrong with it is said with file and line."""

import base64
import io
import re
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countenance.cli.intake import take_in
from countenance.errors import MalformedError, NotFoundError
from countenance.law import known_packs, load_pack, load_packs
from countenance.law.incoming import Incoming
from countenance.vault.publishers import read_publishers
from tests.law.conftest import write_pack

GOOD = "forbid (principal, action, resource) when { context.place.private };"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
Change = Callable[[zipfile.ZipFile], object]


@pytest.fixture
def publishers(tmp_path) -> Path:
    folder = tmp_path / "publishers"
    folder.mkdir()
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "cac.pem").write_bytes(pem)
    return folder


def signature(folder: Path, key=KEY, name: str = "trial") -> bytes:
    return base64.b64encode(key.sign(Incoming(name, load_pack(folder).edition, b"", {}).signed))


def zipped(tmp_path, change: Change | None = None, sign: bytes | None = None, cedar: str = GOOD) -> Path:
    """Return an archive of a good pack, with something added to it where a test wants that."""
    folder = write_pack(tmp_path / "made" / "trial", {"1": cedar})
    archive = tmp_path / "trial.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                opened.write(path, f"trial/{path.relative_to(folder)}")
        opened.writestr("signature", signature(folder) if sign is None else sign)
        if change is not None:
            change(opened)
    return archive


def taken_in(archive: Path, publishers: Path, packs: Path) -> Path:
    taken, publisher = take_in(archive, publishers, packs, lambda _: None)
    assert publisher == "cac"
    return packs / taken.name / taken.edition.removeprefix("sha256:")


def refused(archive: Path, publishers: Path, packs: Path) -> str:
    with pytest.raises(MalformedError) as caught:
        taken_in(archive, publishers, packs)
    assert caught.value.zh
    assert not packs.exists() or not list(packs.rglob("*"))
    assert re.match(r"[^:]+:\d+: ", caught.value.en), caught.value.en
    return caught.value.en


def test_a_signed_pack_lies_under_its_edition_and_is_known_by_it(tmp_path, publishers):
    place = taken_in(zipped(tmp_path), publishers, tmp_path / "packs")
    (name,) = [each for each in known_packs(installed=tmp_path / "packs") if "@" in each]
    assert name == f"trial@{place.name[:12]}"
    for called in (name, "trial", f"trial@{place.name}", f"trial@{place.name[:8]}"):
        (pack,) = load_packs([called], installed=tmp_path / "packs")
        assert (pack.name, pack.edition) == ("trial", f"sha256:{place.name}")
    for called in (
        "trial@",
        f"trial@{place.name[:7]}",
        "trial@00000000",
        f"other@{place.name}",
        f"trial@{place.name}0",
    ):
        with pytest.raises(NotFoundError):
            load_packs([called], installed=tmp_path / "packs")


def test_the_same_pack_twice_is_the_same_and_leaves_nothing_behind(tmp_path, publishers):
    packs = tmp_path / "packs"
    assert taken_in(zipped(tmp_path), publishers, packs) == taken_in(zipped(tmp_path), publishers, packs)
    assert [path.name for path in packs.iterdir()] == ["trial"]


def test_two_editions_have_to_be_told_apart(tmp_path, publishers):
    first = taken_in(zipped(tmp_path), publishers, tmp_path / "packs")
    second = taken_in(zipped(tmp_path, cedar=GOOD.replace("private", "internal")), publishers, tmp_path / "packs")
    assert first != second
    with pytest.raises(NotFoundError):
        load_packs(["trial"], installed=tmp_path / "packs")


def test_a_pack_that_was_changed_where_it_lies_judges_no_more(tmp_path, publishers):
    place = taken_in(zipped(tmp_path), publishers, tmp_path / "packs")
    file = place / "articles" / "01-trial.md"
    file.write_text(file.read_text(encoding="utf-8").replace("Words.", "Others."), encoding="utf-8")
    with pytest.raises(MalformedError, match="no longer what was added"):
        load_packs(["trial"], installed=tmp_path / "packs")


def linked(opened: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("trial/articles/02-link.md")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    opened.writestr(entry, "/etc/passwd")


def many(opened: zipfile.ZipFile, files: int, size: int) -> None:
    for number in range(files):
        opened.writestr(f"trial/documents/{number}.txt", "x" * size)


CHANGES: dict[str, tuple[Change, str]] = {
    "a path out of the folder": (lambda z: z.writestr("trial/../../evil", "x"), "plain files of a pack"),
    "a path from the root": (lambda z: z.writestr("/etc/evil", "x"), "plain files of a pack"),
    "a backward stroke": (lambda z: z.writestr("trial\\..\\evil", "x"), "plain files of a pack"),
    "a link": (linked, "plain files of a pack"),
    "code": (lambda z: z.writestr("trial/hook.PY", "raise SystemExit"), "plain files of a pack"),
    "a folder in a folder": (lambda z: z.writestr("trial/articles/more/x.md", "x"), "plain files of a pack"),
    "a second pack": (lambda z: z.writestr("other/documents/a.txt", "x"), "one pack and its signature"),
    "a bomb": (lambda z: z.writestr("trial/documents/bomb.txt", "0" * 50_000_000), "larger than"),
    "many bytes": (lambda z: many(z, 20, 250_000), "at most 4 MiB"),
    "many files": (lambda z: many(z, 600, 1), "at most 500 files"),
    "another packing": (
        lambda z: z.writestr("trial/documents/a.txt", "x", compress_type=zipfile.ZIP_LZMA),
        "plain files of a pack",
    ),
    "a file that was not signed": (lambda z: z.writestr("trial/documents/a.txt", "x"), "no configured publisher"),
    "no UTF-8": (lambda z: z.writestr("trial/documents/a.txt", b"\xe9"), "not UTF-8"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_an_archive_in_disorder_changes_nothing(tmp_path, publishers, case):
    change, reason = CHANGES[case]
    assert reason in refused(zipped(tmp_path, change), publishers, tmp_path / "packs")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["trial/pack.yaml", "signature"])
def test_a_file_twice_changes_nothing(tmp_path, publishers, name):
    archive = zipped(tmp_path, lambda z: z.writestr(name, "x"))
    assert "each once" in refused(archive, publishers, tmp_path / "packs")


def test_a_signature_of_nobody_known_changes_nothing(tmp_path, publishers):
    folder = write_pack(tmp_path / "made" / "trial", {"1": GOOD})
    wrong = (signature(folder, STRANGER), signature(folder, name="other"), b"", b"no base64!", b"AAAA")
    for sign in wrong:
        assert "no configured publisher" in refused(zipped(tmp_path, sign=sign), publishers, tmp_path / "packs")
    assert "larger than" in refused(zipped(tmp_path, sign=b"x" * 2000), publishers, tmp_path / "packs")


def test_a_large_archive_is_not_even_opened(tmp_path, publishers):
    archive = tmp_path / "large.zip"
    with archive.open("wb") as file:
        file.truncate(100 * 2**20)
    assert "at most 8 MiB" in refused(archive, publishers, tmp_path / "packs")


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_changes_nothing(tmp_path, publishers, data):
    archive = tmp_path / "trial.zip"
    archive.write_bytes(data)
    assert refused(archive, publishers, tmp_path / "packs")


def test_a_damaged_archive_changes_nothing(tmp_path, publishers):
    whole = zipped(tmp_path).read_bytes()
    for at in range(0, len(whole), 97):
        (tmp_path / "damaged.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            place = taken_in(tmp_path / "damaged.zip", publishers, tmp_path / "packs")
        except MalformedError:
            continue
        assert load_pack(place, "trial").edition == f"sha256:{place.name}"  # a flag that changes no content


@pytest.mark.parametrize(
    "cedar, said",
    [
        ("forbid everything;", "trial/articles/01-trial.md:23"),
        ("forbid (principal, action, resource) when { context.place.colour };", "is not a fact"),
    ],
)
def test_a_signed_pack_that_does_not_load_changes_nothing(tmp_path, publishers, cedar, said):
    good = write_pack(tmp_path / "sign" / "trial", {"1": GOOD})
    archive = zipped(tmp_path, sign=signature(good))
    bad = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(bad, "w") as new:
        files = {name: old.read(name).decode() for name in old.namelist() if name != "signature"}
        article = files["trial/articles/01-trial.md"].replace(GOOD, cedar)
        files["trial/articles/01-trial.md"] = article
        for name, text in files.items():
            new.writestr(name, text)
        from countenance.law.files import edition

        digest = edition({name.removeprefix("trial/"): text for name, text in files.items()})
        new.writestr("signature", base64.b64encode(KEY.sign(Incoming("trial", digest, b"", {}).signed)))
    archive.write_bytes(bad.getvalue())
    assert said in refused(archive, publishers, tmp_path / "packs")


def test_what_the_examination_refuses_changes_nothing(tmp_path, publishers):
    def examine(_pack):
        raise MalformedError("trial:1: no.", "否。")

    with pytest.raises(MalformedError):
        take_in(zipped(tmp_path), publishers, tmp_path / "packs", examine)
    assert list((tmp_path / "packs").iterdir()) == []


def test_without_publishers_nothing_is_taken(tmp_path, publishers):
    for folder in (None, tmp_path / "nowhere"):
        with pytest.raises(MalformedError, match="No publisher is configured"):
            read_publishers(folder)
    (publishers / "rsa.pem").write_text("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----\n")
    with pytest.raises(MalformedError, match=r"rsa\.pem:1: "):
        read_publishers(publishers)
