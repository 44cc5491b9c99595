"""Put a pack from outside in its place: signature, files and examples first, and until all hold nothing changes."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from countenance.law import Pack, load_pack
from countenance.law.incoming import SIGNATURE, Incoming, read_archive
from countenance.vault.publishers import publisher_of, read_publishers


def take_in(archive: Path, trusted: Path | None, packs: Path, examine: Callable[[Pack], None]) -> tuple[Incoming, str]:
    """Return the pack that was put under `packs`, and its publisher; raise `MalformedError` and change nothing else.

    The pack lies under its id and edition, so that no pack replaces another; it comes there by one rename, once it
    loads and `examine` raises nothing.
    """
    publishers = read_publishers(trusted)
    taken = read_archive(archive)
    publisher = publisher_of(taken.signature, taken.signed, publishers, f"{archive.name}/{SIGNATURE}")
    packs.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".incoming-", dir=packs) as staging:
        folder = Path(staging) / taken.name
        for path, text in taken.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            _write(folder / path, text)
        examine(load_pack(folder))
        place = packs / taken.name / taken.edition.removeprefix("sha256:")
        if not place.is_dir():
            place.parent.mkdir(mode=0o700, exist_ok=True)
            folder.rename(place)
            _sync(place.parent)
    return taken, publisher


def _write(path: Path, text: str) -> None:
    """Write a file and see it on disk, before a rename makes it visible."""
    with path.open("xb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
