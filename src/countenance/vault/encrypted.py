"""The enrolment database of purposes whose matching is encrypted: what is in memory opens for nobody in this process.

References lie in blocks of up to 4,096 persons, column by column: one ciphertext for each number of a reference, with a
slot for each person. A probe is known here, so a search multiplies every column by a number of the probe and adds up,
and the key holder reads which slots pass. A block is made with the key holder: it encrypts the noise taken away, this
side adds the shares. Blocks never change: what comes waits for the next search; when one goes, its block goes at once.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from countenance.errors import ConflictError, IntegrityError, MalformedError, UnavailableError
from countenance.vault.keyholder import Holding
from countenance.vault.lattice import SLOTS, Arithmetic
from countenance.vault.projection import Candidate
from countenance.vault.shares import Numbers, Share, whole

#: Blocks of at most so many are taken along when another is made; of half-empty ones none is left beside another.
_SMALL: Final = 256
_HALF: Final = SLOTS // 2
#: How often blocks are made again because somebody left while they were made.
_TRIES: Final = 8

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """A share and the place its seed was sealed for."""

    share: Share = field(repr=False)
    place: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """Return what is sealed and kept, as features have it too."""
        return self.share.to_bytes()


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Columns, the squared length first, and whose each slot is."""

    session: bytes = field(repr=False)
    columns: Sequence[Any] = field(repr=False)
    owners: Sequence[Candidate] = field(repr=False)
    slots: Mapping[Candidate, int] = field(repr=False)


@dataclass(slots=True)
class _Partition:
    """What is held for one operator and purpose: every share, and the blocks that were made of them."""

    kept: dict[Candidate, Kept] = field(default_factory=dict)
    blocks: list[_Block] = field(default_factory=list)
    #: What is in no block yet.
    loose: dict[Candidate, None] = field(default_factory=dict)
    making: threading.Lock = field(default_factory=threading.Lock)

    def dissolve(self, gone: Sequence[_Block]) -> None:
        """Let blocks go; who is still held waits for another."""
        self.blocks = [block for block in self.blocks if block not in gone]
        self.loose |= dict.fromkeys(owner for block in gone for owner in block.owners if owner in self.kept)


class EncryptedProjection:
    """Every partition of one model that is searched under encryption; safe to use from many threads."""

    def __init__(self, holder: Holding | None, dimension: int) -> None:
        """Hold nothing yet; without a key holder what is held cannot be searched."""
        self._holder = holder
        self._dimension = dimension
        self._partitions: dict[Key, _Partition] = {}
        self._lock = threading.Lock()
        self._prepared: Arithmetic | None = None
        self._sealed_for: bytes | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled."""
        raise TypeError

    @property
    def _arithmetic(self) -> Arithmetic:
        """Return the scheme, prepared when it is first needed: most servers never do."""
        if self._prepared is None:
            self._prepared = Arithmetic()
        return self._prepared

    @property
    def _asked(self) -> Holding:
        """Return the key holder; raises UnavailableError where none is named."""
        if self._holder is None:
            raise _no_holder()
        return self._holder

    def public_key(self) -> bytes:
        """Return the key that seeds are sealed for; raises UnavailableError where it is another than before."""
        key = self._asked.public_key()
        if self._sealed_for not in {None, key}:
            raise _another_holder()
        return key

    def __len__(self) -> int:
        """Return how many references are held."""
        with self._lock:
            return sum(len(part.kept) for part in self._partitions.values())

    def count(self, operator_id: str, purpose: str) -> int:
        """Return how many references would be searched."""
        with self._lock:
            part = self._partitions.get((operator_id, purpose))
            return 0 if part is None else len(part.kept)

    def held(self, operator_id: str) -> set[tuple[str, Candidate]]:
        """Return purpose and owner of every reference of an operator."""
        with self._lock:
            mine = [(purpose, part) for (whose, purpose), part in self._partitions.items() if whose == operator_id]
            return {(purpose, owner) for purpose, part in mine for owner in part.kept}

    def memory(self) -> int:
        """Return how many bytes shares and columns take, about."""
        with self._lock:
            parts = list(self._partitions.values())
            shares = sum(len(part.kept) for part in parts) * 8 * (self._dimension + 1)
            return shares + sum(len(part.blocks) for part in parts) * (self._dimension + 1) * SLOTS * 16

    def add(self, operator_id: str, purpose: str, owner: Candidate, kept: Kept) -> None:
        """Hold one more reference; raises IntegrityError for a share of another model's length."""
        if kept.share.values.size != self._dimension + 1:
            raise IntegrityError(
                "A stored share does not have the form of its model. Stop and restore from backup.",
                "已存份额与其模型格式不符。请停止服务并从备份恢复。",
            )
        with self._lock:
            part = self._partitions.setdefault((operator_id, purpose), _Partition())
            self._sealed_for = self._sealed_for or kept.share.holder
            if owner not in part.kept:
                part.kept[owner] = kept
                part.loose[owner] = None

    def remove(self, operator_id: str, purposes: Sequence[str], subject_id: Any, reference_ids: Sequence[Any]) -> None:
        """Forget these references of a subject, and every block that holds one of them."""
        gone = {Candidate(subject_id, reference_id) for reference_id in reference_ids}
        with self._lock:
            for purpose in purposes:
                part = self._partitions.get((operator_id, purpose))
                if part is not None and gone & part.kept.keys():
                    for owner in gone:
                        part.kept.pop(owner, None)
                        part.loose.pop(owner, None)
                    part.dissolve([block for block in part.blocks if not gone.isdisjoint(block.slots)])

    def candidates(
        self,
        operator_id: str,
        purpose: str,
        probe: Numbers,
        target: str,
        most: int,
        among: Iterable[Candidate] | None = None,
    ) -> list[Candidate]:
        """Return the references that reach the threshold of a target, those of one block the most alike first.

        `among` narrows the search to some: nothing else is read, and blocks without one are left alone. Raises
        UnavailableError where the key holder does not answer.
        """
        with self._lock:
            part = self._partitions.get((operator_id, purpose))
        if part is None or not part.kept:
            return []
        wanted = None if among is None else set(among)
        for _ in range(3):
            try:
                return self._searched(part, probe, target, most, wanted)
            except ConflictError:  # the key holder was started anew: what it encrypted before is of no use
                with self._lock:
                    part.dissolve(part.blocks)
            except MalformedError as error:  # between the two of us: no caller could mend it
                raise _does_not_understand() from error
        raise _does_not_understand()

    def _searched(
        self, part: _Partition, probe: Numbers, target: str, most: int, wanted: set[Candidate] | None
    ) -> list[Candidate]:
        arithmetic, found = self._arithmetic, list[Candidate]()
        counted = whole(probe)
        constant, factors = int(np.square(counted).sum()), [arithmetic.factor(-2 * int(each)) for each in counted]
        for block in self._settled(part):
            among = block.owners if wanted is None else wanted & block.slots.keys()
            slots = [block.slots[owner] for owner in among]
            if slots:
                total = arithmetic.weighted(block.columns[0], block.columns[1:], factors)
                scores = arithmetic.finished(total, constant)
                passing = self._asked.passing(block.session, target, scores, slots, most)
                found += [block.owners[slot] for slot in passing]
        with self._lock:
            return [owner for owner in found if owner in part.kept]

    def _settled(self, part: _Partition) -> list[_Block]:
        """Return the blocks, after making those that are due; one thread makes them, the others wait for it."""
        with part.making:
            for _ in range(_TRIES):
                with self._lock:
                    if not part.loose:
                        return list(part.blocks)
                    half = [block for block in part.blocks if len(block.owners) <= _HALF]
                    along = half if len(half) > 1 else [block for block in half if len(block.owners) <= _SMALL]
                    due = [*part.loose, *(owner for block in along for owner in block.owners)]
                    kept = {owner: part.kept[owner] for owner in due}
                made = [self._made(kept, due[at : at + SLOTS]) for at in range(0, len(due), SLOTS)]
                with self._lock:
                    part.dissolve(along)
                    for block in made:
                        if part.kept.keys() >= block.slots.keys():  # what was removed meanwhile is not brought back
                            part.blocks.append(block)
                            for owner in block.owners:
                                part.loose.pop(owner, None)
        raise UnavailableError(
            "So many come and go at once that nobody can be searched for. Repeat the request.",
            "同时加入与删除的人过多，暂时无法比对。请重试。",
        )

    def _made(self, kept: Mapping[Candidate, Kept], owners: Sequence[Candidate]) -> _Block:
        """Return a block of some references, with the key holder, which sees their seeds and nothing else."""
        arithmetic, count = self._arithmetic, self._dimension + 1
        seeds = [(kept[owner].share.seed, kept[owner].place) for owner in owners]
        self.public_key()
        session, sent = self._asked.columns(seeds, count)
        if len(sent) != count:
            raise IntegrityError(
                "The key holder answered with another number of columns.", "密钥持有进程的回复不完整。"
            )
        shares: NDArray[np.uint64] = np.array([kept[owner].share.values for owner in owners], np.uint64)
        columns = [
            arithmetic.plus(arithmetic.from_bytes(column), values)
            for column, values in zip(sent, shares.T, strict=True)
        ]
        shares.fill(0)
        slots = {owner: slot for slot, owner in enumerate(owners)}
        return _Block(session, [columns[-1], *columns[:-1]], tuple(owners), slots)


def _another_holder() -> UnavailableError:
    return UnavailableError(
        "Another key holder answers than the one whose key references are sealed for. Start it with that key, from its "
        "backup.",
        "响应的密钥持有进程与模板封存所用密钥不符。请用备份中的原密钥启动。",
    )


def _does_not_understand() -> UnavailableError:
    return UnavailableError(
        "Server and key holder do not understand each other. Run the same version of both, and start both anew.",
        "服务器与密钥持有进程无法互通。请使用相同版本，并重新启动两者。",
    )


def _no_holder() -> UnavailableError:
    return UnavailableError(
        "References of this purpose are matched under encryption, and no key holder is named. Set "
        "COUNTENANCE_KEYHOLDER_SOCKET.",
        "此目的使用加密比对，但未指定密钥持有进程。请设置 COUNTENANCE_KEYHOLDER_SOCKET。",
    )
