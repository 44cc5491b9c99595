"""Exact arithmetic on what stays encrypted: the BFV scheme (Fan and Vercauteren, 2012) as Microsoft SEAL has it.

A ciphertext holds 4,096 whole numbers, one in each slot. Whoever has no key can add to them and multiply them by a
known number; the one with the key reads the result. Answers are exact, so nothing leaks through errors of rounding as
it does with approximate schemes (Li and Micciancio, 2021). The parameters are fixed and looked at on first use.
"""

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from countenance.errors import IntegrityError, MalformedError, UnavailableError
from countenance.vault.shares import MODULUS

#: How many numbers a ciphertext holds: the degree of the ring.
SLOTS: Final = 4096
#: Bits of the ciphertext's modulus; at this degree 109 would still be 128-bit secure (HomomorphicEncryption.org, 2018).
_MODULUS_BITS: Final = 60
#: No ciphertext that is sent here is longer.
CIPHERTEXT_BYTES_MAX: Final = 1 << 17

Ciphertext = Any
Plaintext = Any
Values = NDArray[np.uint64]


@cache
def _seal() -> Any:
    """Return the library; it is loaded by those who match under encryption and by nobody else."""
    try:
        from tenseal import sealapi  # noqa: PLC0415 — an extra
    except ImportError as error:
        raise UnavailableError(
            "Encrypted matching is not installed. Install the extra `encrypted`.",
            "未安装加密比对组件。请安装附加组件 encrypted。",
        ) from error
    return sealapi


@cache
def context() -> Any:
    """Return the scheme; raises IntegrityError where the library does not find its parameters 128-bit secure."""
    seal = _seal()
    parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.BFV)
    parameters.set_poly_modulus_degree(SLOTS)
    parameters.set_coeff_modulus(seal.CoeffModulus.Create(SLOTS, [_MODULUS_BITS]))
    parameters.set_plain_modulus(MODULUS)
    made = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.TC128)  # noqa: FBT003 — the library's own
    first = made.first_context_data()
    if not made.parameters_set() or not first.qualifiers().using_batching:
        raise IntegrityError(
            "The parameters of encrypted matching are not accepted. Install the locked version of the library.",
            "加密比对参数未被接受。请安装锁定版本的库。",
        )
    return made


class Arithmetic:
    """What can be done without the key; any number of threads may use it."""

    def __init__(self) -> None:
        """Prepare the scheme; raises UnavailableError where it is not installed."""
        self._seal = _seal()
        self._context = context()
        self._evaluator = self._seal.Evaluator(self._context)
        self._encoder = self._seal.BatchEncoder(self._context)
        self._one = self.factor(1)

    def plaintext(self, values: Values) -> Plaintext:
        """Return whole numbers below the modulus, one for each slot; those that are not given are 0."""
        made = self._seal.Plaintext()
        self._encoder.encode(values.tolist(), made)
        return made

    def factor(self, number: int) -> Plaintext | None:
        """Return a known number that every slot is to be multiplied by, None for 0: the library refuses that one."""
        if not number % MODULUS:
            return None
        made = self._seal.Plaintext(f"{number % MODULUS:X}")
        self._evaluator.transform_to_ntt_inplace(made, self._context.first_parms_id())
        return made

    def plus(self, held: Ciphertext, values: Values) -> Ciphertext:
        """Add known numbers to what is encrypted, and make it ready to be multiplied."""
        self._evaluator.add_plain_inplace(held, self.plaintext(values))
        self._evaluator.transform_to_ntt_inplace(held)
        return held

    def weighted(self, plain: Ciphertext, columns: Sequence[Ciphertext], factors: Sequence[Plaintext | None]) -> Any:
        """Return a column as it is, plus each of the others times its factor; None stands for nothing of it."""
        total, product = self._seal.Ciphertext(), self._seal.Ciphertext()
        self._evaluator.multiply_plain(plain, self._one, total)  # a copy: the library cannot be asked for one
        for column, factor in zip(columns, factors, strict=True):
            if factor is not None:
                self._evaluator.multiply_plain(column, factor, product)
                self._evaluator.add_inplace(total, product)
        return total

    def finished(self, total: Ciphertext, constant: int) -> bytes:
        """Return a sum plus a known number, as it is sent to whoever can read it."""
        self._evaluator.transform_from_ntt_inplace(total)
        self._evaluator.add_plain_inplace(total, self._seal.Plaintext(f"{constant % MODULUS:X}"))
        return self.to_bytes(total)

    def to_bytes(self, held: Ciphertext) -> bytes:
        """Return a ciphertext as it is sent."""
        return _through_memory(held.save, None)

    def from_bytes(self, data: bytes) -> Ciphertext:
        """Read a ciphertext of these parameters; raises MalformedError for anything else."""
        if len(data) > CIPHERTEXT_BYTES_MAX:
            raise _no_ciphertext()
        made = self._seal.Ciphertext()
        try:
            _through_memory(lambda path: made.load(self._context, path), data)
        except (RuntimeError, ValueError):
            raise _no_ciphertext() from None
        if made.size() != 2 or made.is_ntt_form():  # noqa: PLR2004 — as long as one that was just made
            raise _no_ciphertext()
        return made


class SecretArithmetic(Arithmetic):
    """What the key holder can do as well: encrypt and read. Its key is made here and never written anywhere."""

    def __init__(self) -> None:
        """Make a key for as long as the process lives."""
        super().__init__()
        key = self._seal.KeyGenerator(self._context).secret_key()
        self._encryptor = self._seal.Encryptor(self._context, key)
        self._decryptor = self._seal.Decryptor(self._context, key)

    def encrypted(self, values: Values) -> bytes:
        """Return numbers, one for each slot, encrypted, as they are sent."""
        made = self._seal.Ciphertext()
        self._encryptor.encrypt_symmetric(self.plaintext(values), made)
        return self.to_bytes(made)

    def read(self, held: Ciphertext) -> Values:
        """Return the numbers in all slots; raises MalformedError where noise has grown over what was encrypted."""
        if self._decryptor.invariant_noise_budget(held) < 1:
            raise _no_ciphertext()
        plain = self._seal.Plaintext()
        self._decryptor.decrypt(held, plain)
        return np.array(self._encoder.decode_uint64(plain), np.uint64)

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled."""
        raise TypeError


def _through_memory(act: Callable[[str], None], data: bytes | None) -> bytes:
    """Let the library, which knows files only, read or write a file that is in memory and has no name."""
    descriptor = os.memfd_create("countenance", os.MFD_CLOEXEC)
    try:
        if data is not None:
            os.write(descriptor, data)
        act(f"/proc/self/fd/{descriptor}")
        return b"" if data is not None else os.pread(descriptor, os.fstat(descriptor).st_size, 0)
    finally:
        os.close(descriptor)


def _no_ciphertext() -> MalformedError:
    return MalformedError("This is no ciphertext of encrypted matching.", "不是加密比对的密文。")
