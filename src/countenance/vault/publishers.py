"""Whose packs of law are taken in: the public keys that an operator trusts, and whose signature a pack carries."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from countenance.errors import MalformedError

PUBLISHERS_MAX: Final = 100
_KEY_BYTES_MAX: Final = 4096


def read_publishers(folder: Path | None) -> dict[str, Ed25519PublicKey]:
    """Return the keys whose packs are taken, by publisher; a file `<publisher>.pem` each."""
    if folder is None or not folder.is_dir():
        raise MalformedError(
            "No publisher is configured; set law_publishers to a folder with their public keys.",
            "未配置任何发布者；请将 law_publishers 设为存放其公钥的文件夹。",
        )
    keys = {}
    for path in sorted(folder.glob("*.pem"))[:PUBLISHERS_MAX]:
        key = None
        with suppress(OSError, ValueError, UnsupportedAlgorithm):
            key = load_pem_public_key(path.read_bytes()[:_KEY_BYTES_MAX])
        if not isinstance(key, Ed25519PublicKey):
            raise MalformedError(
                f"{path.name}:1: this is no Ed25519 public key in PEM.",
                f"{path.name}:1: 此文件不是 PEM 格式的 Ed25519 公钥。",
            )
        keys[path.stem] = key
    return keys


def publisher_of(signature: bytes, message: bytes, publishers: Mapping[str, Ed25519PublicKey], where: str) -> str:
    """Return the publisher whose signature of a message it is; `where` is the file that an error names."""
    for publisher, key in publishers.items():
        with suppress(InvalidSignature):
            key.verify(signature, message)
            return publisher
    raise MalformedError(
        f"{where}:1: no configured publisher signed this; check law_publishers and where the pack comes from.",
        f"{where}:1: 没有任何已配置的发布者签署；请检查 law_publishers 与规则包来源。",
    )
