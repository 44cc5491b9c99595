"""Operators' keys wrapped by a key that never leaves a hardware security module, over PKCS#11 (OASIS, version 2.40).

A key file holds what the module has wrapped, so the files, and a copy of the disk, open nothing without the module. A
key is unwrapped when a process first needs it; the module is asked again only for another generation.
"""

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from countenance.errors import IntegrityError, UnavailableError
from countenance.vault.keys import FileKeys

_NONCE_BYTES: Final = 12
_TAG_BITS: Final = 128
_KEY_BITS: Final = 256
#: A module's library is loaded once by a process and takes one caller at a time.
_LOCK: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Module:
    """Where the wrapping key is: the module's library, the token, the file with its PIN, and the key's label."""

    library: Path
    token: str
    pin_file: Path = field(repr=False)
    label: str


class HardwareKeys(FileKeys):
    """Key files that a hardware security module has wrapped, with AES-256-GCM, for one operator and generation each."""

    ending = "wrapped"

    def __init__(self, directory: Path, module: Module) -> None:
        """Keep the folder and where the module is; it is asked when a key is needed."""
        super().__init__(directory)
        self._module = module

    def make_wrapping_key(self) -> None:
        """Make the wrapping key in the module, never to be taken out; raises IntegrityError where there is one."""
        with self._session(writing=True) as (pkcs11, session):
            if list(session.get_objects({pkcs11.Attribute.LABEL: self._module.label})):
                raise IntegrityError(
                    "The module has a key of this label already. Nothing was made.", "模块中已有此标签的密钥，未创建。"
                )
            session.generate_key(
                pkcs11.KeyType.AES, _KEY_BITS, label=self._module.label, store=True,
                template={pkcs11.Attribute.EXTRACTABLE: False, pkcs11.Attribute.SENSITIVE: True},
            )  # fmt: skip

    def _wrapped(self, key: bytes, operator_id: str, generation: int) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        with self._wrapping(operator_id, generation, nonce) as (wrapping, how):
            return nonce + bytes(wrapping.encrypt(key, **how))

    def _unwrapped(self, written: bytes, operator_id: str, generation: int) -> bytearray:
        with self._wrapping(operator_id, generation, written[:_NONCE_BYTES]) as (wrapping, how):
            return bytearray(wrapping.decrypt(written[_NONCE_BYTES:], **how))

    @contextmanager
    def _wrapping(self, operator_id: str, generation: int, nonce: bytes) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield the wrapping key and how it is used for exactly one operator and generation."""
        bound = f"countenance operator key\0{operator_id}\0{generation}".encode()
        with self._session(writing=False) as (pkcs11, session):
            wrapping = session.get_key(
                object_class=pkcs11.ObjectClass.SECRET_KEY, key_type=pkcs11.KeyType.AES, label=self._module.label
            )
            how = {
                "mechanism": pkcs11.Mechanism.AES_GCM,
                "mechanism_param": pkcs11.GCMParams(nonce, bound, _TAG_BITS),
            }
            yield wrapping, how

    @contextmanager
    def _session(self, *, writing: bool) -> Iterator[tuple[Any, Any]]:
        """Yield the library and a session with the token; raises UnavailableError for whatever the module refuses."""
        try:
            import pkcs11  # noqa: PLC0415 — an extra, and only where a module is used
        except ImportError as error:
            raise UnavailableError(
                "Keys in a hardware module need the extra `pkcs11`: pip install 'countenance[pkcs11]'",
                "使用硬件模块中的密钥需要安装 pkcs11 附加组件：pip install 'countenance[pkcs11]'",
            ) from error
        try:
            pin = self._module.pin_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise UnavailableError(
                "The file with the module's PIN cannot be read. Check COUNTENANCE_HARDWARE_PIN_FILE.",
                "无法读取硬件模块 PIN 文件。请检查 COUNTENANCE_HARDWARE_PIN_FILE。",
            ) from error
        with _LOCK:
            try:
                token = pkcs11.lib(str(self._module.library)).get_token(token_label=self._module.token)
                with token.open(rw=writing, user_pin=pin) as session:
                    yield pkcs11, session
            except pkcs11.exceptions.PKCS11Error as error:
                raise UnavailableError(
                    f"The hardware module refuses ({type(error).__name__}). Check library, token, PIN and key label; a "
                    "key file that another module, operator or generation has wrapped does not open.",
                    f"硬件模块拒绝（{type(error).__name__}）。请检查库文件、令牌、PIN 与密钥标签；"
                    "由其他模块、运营者或代次加密的密钥文件无法打开。",
                ) from None
