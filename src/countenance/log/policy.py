"""Trust policies (C2SP tlog-policy): which logs are known, which witnesses, and how many of them have to have cosigned.

The file is read as octets: what lies beyond ASCII is carried through unchanged, and no name is ever normalised.
"""

import re
from dataclasses import dataclass
from typing import Final

from countenance.errors import IntegrityError, MalformedError, NotFoundError
from countenance.log.notes import Checkpoint, Note, SignatureKind, Verifier

#: The specification asks for 32 of each at least.
POLICY_BYTES_MAX: Final = 1 << 18
LINES_MAX: Final = 256
#: The quorum that no witness is needed for; nothing else may have this name.
NO_QUORUM: Final = "none"
_LINE_BYTES_MAX: Final = 8192
_FORBIDDEN: Final = re.compile(rb"[^\x09\x0a\x20-\x7e\x80-\xff]")
_SPACE: Final = re.compile(r"[ \t]+")
_COUNT: Final = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log that a policy knows: its key, whose name is the log's origin, and its address where that is said."""

    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness that a policy knows: its name in the policy, its key, and its address where that is said."""

    name: str
    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """A group of witnesses and other groups; it has witnessed what `least` of its members have."""

    name: str
    least: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose checkpoints count, and what has to have been cosigned by whom. Groups stand behind their members."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str

    @classmethod
    def parse(cls, encoded: bytes) -> "Policy":
        """Read a policy file; raises MalformedError, with the number of the line, for what is none."""
        if len(encoded) > POLICY_BYTES_MAX or _FORBIDDEN.search(encoded):
            raise MalformedError(
                f"A policy has no control characters but tab and newline, and at most {POLICY_BYTES_MAX} bytes.",
                f"信任策略文件除制表符和换行符外不得含控制字符，且不超过 {POLICY_BYTES_MAX} 字节。",
            )
        if encoded and not encoded.endswith(b"\n"):
            # A file that was cut off within its last line is not read as if it were whole.
            raise MalformedError(
                "The policy's last line does not end with a newline. End it with one, if the file is whole.",
                "信任策略文件末行缺少换行符。若文件完整，请补上换行符。",
            )
        reading = _Reading()
        for number, line in enumerate(encoded.split(b"\n")[:-1], 1):
            if len(line) > _LINE_BYTES_MAX:
                raise _wrong(number, "it is too long", "过长")
            # Every octet stays what it is: two names are one only where they are so byte by byte.
            words = _SPACE.split(line.decode("utf-8", "surrogateescape").strip(" \t"))
            if words[0] and not words[0].startswith("#"):
                reading.take(number, words)
        return reading.policy()

    def keys_of(self, origin: str) -> tuple[Verifier, ...]:
        """Return the keys whose signatures count for a log; none where the policy does not know it."""
        return tuple(each.verifier for each in self.logs if each.verifier.name == origin)

    def opened(self, encoded: bytes) -> tuple[Checkpoint, Note, dict[Verifier, str]]:
        """Return the checkpoint of a signed note, the note, and the line of each key of its log that signed it.

        Raises MalformedError for what is no checkpoint, NotFoundError for one of a log that the policy does not know,
        IntegrityError where that log did not sign it or a signature is wrong.
        """
        note = Note.parse(encoded)
        checkpoint = Checkpoint.parse(note.text)
        keys = self.keys_of(checkpoint.origin)
        if not keys:
            raise NotFoundError(
                "This log is not known here. Put its line into the policy file.",
                "此处不认识该日志。请将其写入信任策略文件。",
            )
        signed = note.signed_by(keys)
        if not signed:
            raise IntegrityError("The checkpoint is not signed by its log.", "检查点未由其日志签名。")
        return checkpoint, note, signed

    def met_by(self, note: Note) -> bool:
        """Return whether the quorum has cosigned a note; whether its log signed it is another question (`opened`).

        A note on which the signature of a known witness is wrong is no good, whoever else cosigned it.
        """
        try:
            signed = note.signed_by(each.verifier for each in self.witnesses)
        except IntegrityError:
            return False
        met = {each.name for each in self.witnesses if each.verifier in signed}
        for group in self.groups:
            if sum(member in met for member in group.members) >= group.least:
                met.add(group.name)
        return self.quorum == NO_QUORUM or self.quorum in met


class _Reading:
    """What was read of a policy so far."""

    def __init__(self) -> None:
        self._logs: list[PolicyLog] = []
        self._witnesses: list[PolicyWitness] = []
        self._groups: list[PolicyGroup] = []
        self._quorum: str | None = None
        self._names: set[str] = set()
        self._members: set[str] = set()

    def take(self, number: int, words: list[str]) -> None:
        keyword, *rest = words
        many = len(rest)
        if keyword == "log" and many in {1, 2}:
            self._log(number, rest[0], *rest[1:])
        elif keyword == "witness" and many in {2, 3}:
            self._witness(number, rest[0], rest[1], *rest[2:])
        elif keyword == "group" and many > 2:  # noqa: PLR2004 — a name, how many, and a member
            self._group(number, rest[0], rest[1], rest[2:])
        elif keyword == "quorum" and many == 1:
            self._take_quorum(number, rest[0])
        else:
            raise _wrong(
                number,
                "it is not log VKEY [URL], witness NAME VKEY [URL], group NAME any|all|K MEMBER… or quorum NAME|none",
                "应为 log VKEY [URL]、witness NAME VKEY [URL]、group NAME any|all|K MEMBER… 或 quorum NAME|none",
            )

    def policy(self) -> Policy:
        if self._quorum is None:
            raise MalformedError(
                "The policy has no quorum line. Add one; where no witness is needed: quorum none",
                "信任策略缺少 quorum 行。请补上；若不需要见证者：quorum none",
            )
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _log(self, number: int, vkey: str, url: str | None = None) -> None:
        key = _key(number, vkey, SignatureKind.ED25519)
        if key.public in {each.verifier.public for each in self._logs}:
            raise _wrong(number, "a log with this key stands above", "上文已有使用此公钥的日志")
        _limited(number, len(self._logs))
        self._logs.append(PolicyLog(key, url))

    def _witness(self, number: int, name: str, vkey: str, url: str | None = None) -> None:
        key = _key(number, vkey, SignatureKind.COSIGNATURE)
        if key.public in {each.verifier.public for each in self._witnesses}:
            raise _wrong(number, "a witness with this key stands above", "上文已有使用此公钥的见证者")
        self._name(number, name)
        _limited(number, len(self._witnesses))
        self._witnesses.append(PolicyWitness(name, key, url))

    def _group(self, number: int, name: str, count: str, members: list[str]) -> None:
        for member in members:
            if member not in self._names:
                raise _wrong(number, "a member is not defined above", "成员未在上文定义")
            if member in self._members:  # so that each witness counts in one way only
                raise _wrong(number, "a member is listed in a group already", "成员已列入某个组")
            self._members.add(member)
        least = {"any": 1, "all": len(members)}.get(count) or (int(count) if _COUNT.fullmatch(count) else 0)
        if not 1 <= least <= len(members):
            raise _wrong(
                number, "how many is any, all, or from 1 to the number of members", "数量应为 any、all 或 1 至成员数"
            )
        self._name(number, name)
        _limited(number, len(self._groups))
        self._groups.append(PolicyGroup(name, least, tuple(members)))

    def _take_quorum(self, number: int, name: str) -> None:
        if self._quorum is not None:
            raise _wrong(number, "there is a quorum line above", "上文已有 quorum 行")
        if name != NO_QUORUM and name not in self._names:
            raise _wrong(number, "the quorum is not defined above", "该名称未在上文定义")
        self._quorum = name

    def _name(self, number: int, name: str) -> None:
        if name == NO_QUORUM or name in self._names:
            raise _wrong(number, "the name is taken", "名称已被使用")
        self._names.add(name)


def _key(number: int, vkey: str, kind: SignatureKind) -> Verifier:
    try:
        key = Verifier.of_vkey(vkey)
    except MalformedError:
        key = None
    if key is None or key.as_vkey() != vkey:
        raise _wrong(
            number, "the key is none (name+1a2b3c4d+base64), or of a kind not known here", "公钥格式或类型有误"
        )
    if key.kind is not kind:
        raise _wrong(
            number,
            "a log has a key of type 1 (Ed25519), a witness one of type 4 (cosignature)",
            "日志公钥应为类型 1（Ed25519），见证者公钥应为类型 4（联署）",
        )
    return key


def _limited(number: int, many: int) -> None:
    if many >= LINES_MAX:
        raise _wrong(number, f"there are more than {LINES_MAX} of its kind", f"同类行超过 {LINES_MAX} 行")


def _wrong(number: int, en: str, zh: str) -> MalformedError:
    return MalformedError(f"Line {number} of the policy cannot be taken: {en}.", f"信任策略第 {number} 行有误：{zh}。")
