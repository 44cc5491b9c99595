"""Where keys come from: files, a folder that somebody mounts, a hardware module; and the generations in memory."""

import base64
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from countenance import app
from countenance.errors import IntegrityError, MalformedError, UnavailableError
from countenance.settings import Settings, read_settings
from countenance.vault.hardware import HardwareKeys, Module
from countenance.vault.keyring import LOOK_SECONDS, Key, Keyring, wipe
from countenance.vault.keys import FileKeys, KeyProvider, MountedKeys
from countenance.vault.sealing import Vault

KEY = bytes(range(32))
#: Where systems keep SoftHSM, which is a hardware module without the hardware.
SOFTHSM = [
    Path(folder, "libsofthsm2.so")
    for folder in ("/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/local/lib/softhsm")
]
PIN = "8642"


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> Module:
    """Return a hardware module with an empty token in it."""
    library = next((path for path in SOFTHSM if path.is_file()), None)
    tool = shutil.which("softhsm2-util")
    if library is None or tool is None:
        reason = "no SoftHSM: install it (apt-get install softhsm2); `.ci/run` does"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("hsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    words = [tool, "--init-token", "--free", "--label", "vault", "--so-pin", "97531", "--pin", PIN]
    subprocess.run(words, check=True, capture_output=True)
    (folder / "pin").write_text(f"{PIN}\n")
    made = Module(library, "vault", folder / "pin", "countenance")
    HardwareKeys(folder / "keys", made).make_wrapping_key()
    return made


@pytest.fixture(params=["files", "hardware"])
def keys(request: pytest.FixtureRequest, tmp_path: Path) -> FileKeys:
    """Return each provider that makes keys."""
    if request.param == "files":
        return FileKeys(tmp_path / "keys")
    return HardwareKeys(tmp_path / "keys", request.getfixturevalue("module"))


# --- providers that make keys ----------------------------------------------------------------------------------------


def test_a_key_is_made_once_for_each_generation_and_is_private(keys: FileKeys, tmp_path: Path) -> None:
    assert keys.generations("hotel") == []
    for generation in (1, 2, 12):
        keys.create("hotel", generation)
        with pytest.raises(IntegrityError):
            keys.create("hotel", generation)
    keys.create("hotel-2")
    assert keys.generations("hotel") == [1, 2, 12]
    found = [bytes(keys.open("hotel", generation)) for generation in (1, 2, 12)]
    assert len(set(found)) == 3
    assert found == [bytes(keys.open("hotel", generation)) for generation in (1, 2, 12)]
    for file in (tmp_path / "keys").iterdir():
        assert file.stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_destroyed_is_written_over_and_gone(keys: FileKeys, tmp_path: Path) -> None:
    keys.create("hotel")
    keys.create("hotel", 2)
    (first,) = [path for path in (tmp_path / "keys").iterdir() if ".2." not in path.name]
    os.link(first, tmp_path / "another name")

    keys.destroy("hotel", 1)
    keys.destroy("hotel", 1)

    assert set((tmp_path / "another name").read_bytes()) == {0}
    assert keys.generations("hotel") == [2]
    with pytest.raises(UnavailableError):
        keys.open("hotel")
    assert len(keys.open("hotel", 2)) == 32


@pytest.mark.parametrize("harm", ["missing", "loose", "short", "long", "link", "changed"])
def test_a_key_that_is_not_as_it_must_be_stops_and_is_not_replaced(keys: FileKeys, tmp_path: Path, harm: str) -> None:
    keys.create("hotel")
    (file,) = (tmp_path / "keys").iterdir()
    whole = file.read_bytes()
    if harm == "missing":
        file.unlink()
    elif harm == "loose":
        file.chmod(0o640)
    elif harm == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    elif harm == "changed" and isinstance(keys, HardwareKeys):
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    else:
        file.write_bytes(whole[:-1] if harm == "short" else whole + b"x")
    before = sorted(each.name for each in (tmp_path / "keys").iterdir())

    with pytest.raises(UnavailableError):
        Keyring(keys, "hotel")

    assert sorted(each.name for each in (tmp_path / "keys").iterdir()) == before


def test_what_stands_in_the_folder_besides_is_no_key(keys: FileKeys, tmp_path: Path) -> None:
    keys.create("hotel")
    stem = f"operator-{b'hotel'.hex()}"
    for name in (f"{stem}.0.{keys.ending}", f"{stem}.x.{keys.ending}", f"{stem}.2.bak", f"{stem}.{keys.ending}.old"):
        (tmp_path / "keys" / name).write_bytes(KEY)
    assert keys.generations("hotel") == [1]


# --- mounted ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [KEY, KEY.hex().encode(), KEY.hex().encode() + b"\n", base64.b64encode(KEY), base64.b64encode(KEY) + b"\n"],
)
def test_a_mounted_key_is_read_as_it_was_written(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "hotel.key").write_bytes(written)
    (tmp_path / "hotel.2.key").write_bytes(bytes(32))
    keys = MountedKeys(tmp_path)
    assert keys.generations("hotel") == [1, 2]
    assert keys.open("hotel") == KEY


def test_an_orchestrators_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "hotel.key").write_bytes(KEY)
    (tmp_path / "hotel.key").symlink_to(Path("..data") / "hotel.key")
    assert MountedKeys(tmp_path).open("hotel") == KEY


@pytest.mark.parametrize("written", [b"", b"short", KEY[:31], KEY + b"x", b"g" * 64, b"=" * 44])
def test_what_is_mounted_and_no_key_is_refused(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "hotel.key").write_bytes(written)
    with pytest.raises(UnavailableError):
        MountedKeys(tmp_path).open("hotel")


def test_a_mounted_key_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hotel.key").write_bytes(KEY)
    (tmp_path / "hotel.key").chmod(0o666)
    with pytest.raises(UnavailableError, match="written by others"):
        MountedKeys(tmp_path).open("hotel")


def test_a_mounted_key_is_made_and_destroyed_by_whoever_mounts_it(tmp_path: Path) -> None:
    (tmp_path / "hotel.key").write_bytes(KEY)
    keys = MountedKeys(tmp_path)
    with pytest.raises(IntegrityError):
        keys.create("hotel")
    with pytest.raises(UnavailableError, match=r"hotel\.2\.key"):
        keys.create("hotel", 2)
    with pytest.raises(UnavailableError, match=r"hotel\.key"):
        keys.destroy("hotel", 1)
    keys.destroy("hotel", 3)
    assert [path.name for path in tmp_path.iterdir()] == ["hotel.key"]
    for act in (lambda: MountedKeys(tmp_path / "nowhere").generations("hotel"), lambda: keys.open("other")):
        with pytest.raises(UnavailableError):
            act()


# --- a hardware module -----------------------------------------------------------------------------------------------


def test_a_file_that_a_module_wrapped_holds_no_key_and_opens_for_its_operator_only(
    module: Module, tmp_path: Path
) -> None:
    keys = HardwareKeys(tmp_path / "keys", module)
    keys.create("hotel")
    key = bytes(keys.open("hotel"))
    (file,) = (tmp_path / "keys").iterdir()
    assert key not in file.read_bytes()
    assert len(file.read_bytes()) == 12 + 32 + 16
    stem = f"operator-{b'bank'.hex()}"
    for name in (f"{stem}.wrapped", file.name.replace(".wrapped", ".2.wrapped")):
        shutil.copyfile(file, tmp_path / "keys" / name)
        (tmp_path / "keys" / name).chmod(0o600)
    for operator_id, generation in (("bank", 1), ("hotel", 2)):
        with pytest.raises(UnavailableError):
            keys.open(operator_id, generation)


def test_the_wrapping_key_is_made_once_and_stays_in_the_module(module: Module, tmp_path: Path) -> None:
    import pkcs11

    with pytest.raises(IntegrityError):
        HardwareKeys(tmp_path, module).make_wrapping_key()
    token = pkcs11.lib(str(module.library)).get_token(token_label=module.token)
    with token.open(user_pin=PIN) as session:
        (key,) = session.get_objects({pkcs11.Attribute.LABEL: module.label})
        assert key[pkcs11.Attribute.EXTRACTABLE] is False
        assert key[pkcs11.Attribute.SENSITIVE] is True
        with pytest.raises(pkcs11.exceptions.PKCS11Error):
            key[pkcs11.Attribute.VALUE]


@pytest.mark.parametrize("wrong", ["library", "token", "pin", "pin file", "label"])
def test_a_module_that_refuses_is_said_so_in_words(module: Module, tmp_path: Path, wrong: str) -> None:
    (tmp_path / "pin").write_text("1111" if wrong == "pin" else PIN)
    changed = Module(
        library=Path("/nowhere/lib.so") if wrong == "library" else module.library,
        token="elsewhere" if wrong == "token" else module.token,
        pin_file=tmp_path / ("none" if wrong == "pin file" else "pin"),
        label="another" if wrong == "label" else module.label,
    )
    with pytest.raises(UnavailableError) as raised:
        HardwareKeys(tmp_path / "keys", changed).create("hotel")
    assert "PIN" in raised.value.en
    assert "1111" not in raised.value.en + raised.value.zh
    assert not list((tmp_path / "keys").glob("*")), "nothing half made stays"


# --- in memory -------------------------------------------------------------------------------------------------------


def test_the_newest_seals_and_each_that_is_there_opens(tmp_path: Path) -> None:
    keys, now = FileKeys(tmp_path), [0.0]
    keys.create("hotel")
    vault = Vault("hotel", Keyring(keys, "hotel", clock=lambda: now[0]))
    first = vault.seal_secret("x", b"one")
    keys.create("hotel", 2)
    assert vault.seal_secret("x", b"y")[:1] == b"\x01", "not looked again yet"
    now[0] = LOOK_SECONDS
    second = vault.seal_secret("x", b"two")
    assert second[:5] == b"\x02\x00\x00\x00\x02"
    assert [vault.open_secret("x", each) for each in (first, second)] == [b"one", b"two"]

    keys.destroy("hotel", 1)
    now[0] += LOOK_SECONDS
    assert vault.open_secret("x", second) == b"two"
    with pytest.raises(UnavailableError):
        vault.open_secret("x", first)


def test_a_generation_that_another_process_made_opens_at_once(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path)
    keys.create("hotel")
    vault = Vault("hotel", Keyring(keys, "hotel", clock=lambda: 0.0))
    keys.create("hotel", 2)
    sealed = Vault("hotel", Keyring(keys, "hotel")).seal_secret("x", b"y")
    assert vault.open_secret("x", sealed) == b"y"


@pytest.mark.parametrize("head", [b"", b"\x00", b"\x02", b"\x02\x00\x00", b"\x03\x00\x00\x00\x01"])
def test_what_no_key_has_wrapped_does_not_open(tmp_path: Path, head: bytes) -> None:
    keys = FileKeys(tmp_path)
    keys.create("hotel")
    with pytest.raises(IntegrityError):
        Vault("hotel", Keyring(keys, "hotel")).open_secret("x", head)


def test_a_key_is_wiped_where_it_was_read_and_does_not_travel() -> None:
    secret = bytearray(KEY)
    key = Key.of(1, secret)
    assert secret == bytes(32)
    assert KEY.hex() not in repr(key)
    assert "cipher" not in repr(key)
    other = bytearray(b"x" * 5)
    wipe(other)
    assert other == bytes(5)
    with pytest.raises(TypeError):
        pickle.dumps(key)


# --- settings --------------------------------------------------------------------------------------------------------


def test_the_settings_choose_the_provider(tmp_path: Path, module: Module) -> None:
    def chosen(**changes: str) -> KeyProvider:
        return app.keys(read_settings({f"COUNTENANCE_{name.upper()}": value for name, value in changes.items()}))

    assert type(chosen()) is FileKeys
    assert type(chosen(keys_from="mounted", keys_dir=str(tmp_path))) is MountedKeys
    hardware = chosen(
        keys_from="hardware", keys_dir=str(tmp_path), hardware_library=str(module.library),
        hardware_token=module.token, hardware_pin_file=str(module.pin_file),
    )  # fmt: skip
    hardware.create("hotel")
    assert [path.suffix for path in tmp_path.iterdir()] == [".wrapped"]
    with pytest.raises(MalformedError):
        app.hardware_keys(Settings())


def test_the_command_line_leaves_no_core(tmp_path: Path) -> None:
    told = (
        "import ctypes, resource, countenance.cli as cli\n"
        "cli.app = lambda: print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["0", "(0,", "0)"]
