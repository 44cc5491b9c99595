"""How many persons two affiliates have in common, exactly: private set intersection of which only the size is learnt.

Three files go to and fro. Who asks blinds the tokens of its list as points of an elliptic curve and sends them; who
answers blinds these points again, sorts them, so that none can be told by its place, and adds its own; who asked takes
its own blinding off and counts what is in both. Who answers learns how many persons the other has. Who asked learns
that of the other, and how many they share; not who.

That holds for parties that keep to the protocol and look at whatever they get. A party with a program of its own can
put together a set that tells more than its size, so a set is answered only where it has as many points as persons were
counted, none of them twice, and each answer is given by a person who was asked for it (docs/concepts/groups.md).
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Final

from countenance.errors import ConflictError, LimitError, MalformedError, UnavailableError
from countenance.filing.sketches import key_id, tokens

#: Minutes on one core for each of the three steps.
PERSONS_MAX: Final = 2_000_000
_FORMAT: Final = "countenance-intersection/1"
#: A point of P-256, compressed: which half it lies in, and its abscissa.
_POINT_BYTES: Final = 33
_SECRET_BYTES: Final = 32
_HEADER_BYTES_MAX: Final = 128
_HEADER: Final = re.compile(
    rb"countenance-intersection/1 (request|answer|secret) ([0-9a-f]{16}) (0|[1-9][0-9]{0,8}) (0|[1-9][0-9]{0,8})\n"
)
FILE_BYTES_MAX: Final = _HEADER_BYTES_MAX + 2 * PERSONS_MAX * _POINT_BYTES
#: The rate of false matches; the points are sent whole, so that there are none, and the library asks all the same.
_NO_RATE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Intersection:
    """How many persons each of two lists has, and how many are in both."""

    ours: int
    theirs: int
    shared: int

    @property
    def union(self) -> int:
        """Return how many persons the two lists hold together."""
        return self.ours + self.theirs - self.shared


@cache
def _psi() -> Any:
    """Return the library; it is loaded by those who intersect and by nobody else."""
    try:
        import private_set_intersection.python as psi  # type: ignore[import-untyped]  # noqa: PLC0415 — an extra
    except ImportError as error:
        raise UnavailableError(
            "Private intersection is not installed. Install the extra `psi`.",
            "未安装隐私求交组件。请安装附加组件 psi。",
        ) from error
    return psi


def begin(identifiers: Iterable[str], key: bytes | bytearray) -> tuple[bytes, bytes]:
    """Return the request to send, and the secret that reads its answer: to be kept from everybody, and used once.

    Raises LimitError for too long a list, UnavailableError where the library is not installed.
    """
    ours = _distinct(identifiers, key)
    client = _psi().client.CreateWithNewKey(reveal_intersection=False)
    # By their points, which look like chance: the order of a list tells who came first.
    points = sorted(client.CreateRequest(ours).encrypted_elements)
    name = key_id(key)
    return (
        _file("request", name, len(ours), 0, points),
        _file("secret", name, len(ours), 0, [client.GetPrivateKeyBytes()]),
    )


def answer(request: bytes, identifiers: Iterable[str], key: bytes | bytearray, counted: int) -> bytes:
    """Return the answer to a request from an affiliate that has stated so many persons (`counted`).

    Raises MalformedError for what is no request or is made to tell more, ConflictError for another group key or
    another number of persons, and what `begin` raises.
    """
    sent, name, asked, _ = _read(request, "request")
    _same(name, key_id(key))
    _as_counted(asked, counted)
    points = _points(sent, asked)
    ours = _distinct(identifiers, key)
    psi = _psi()
    # A new key each time: two answers tell nothing of what changed between them.
    server, message = psi.server.CreateWithNewKey(reveal_intersection=False), psi.Request(reveal_intersection=False)
    message.encrypted_elements.extend(points)
    with _translated():
        doubly = server.ProcessRequest(message).encrypted_elements
    own = server.CreateSetupMessage(_NO_RATE, asked, ours, psi.DataStructure.RAW).raw.encrypted_elements
    return _file("answer", name, asked, len(ours), chain(sorted(doubly), sorted(own)))


def finish(secret: bytes, answered: bytes, counted: int) -> Intersection:
    """Return what the answer of an affiliate that has stated so many persons (`counted`) comes to.

    Raises MalformedError for files that are none, ConflictError for those of another request or number of persons.
    """
    private, name, ours, _ = _read(secret, "secret")
    sent, their_name, asked, theirs = _read(answered, "answer")
    _same(their_name, name)
    _as_counted(theirs, counted)
    if asked != ours:
        raise ConflictError(
            "This answers another request. Finish with the secret that was kept when it was made.",
            "该回复对应另一请求。请使用生成该请求时保存的密钥文件。",
        )
    if len(private) != _SECRET_BYTES:
        raise _no_file()
    points = _points(sent, ours, theirs)
    psi = _psi()
    response, setup = psi.Response(), psi.ServerSetup()
    response.encrypted_elements.extend(points[:ours])
    setup.raw.encrypted_elements.extend(points[ours:])
    with _translated():
        client = psi.client.CreateFromKey(private, reveal_intersection=False)
        shared = client.GetIntersectionSize(setup, response)
    return Intersection(ours, theirs, int(shared))


def _distinct(identifiers: Iterable[str], key: bytes | bytearray) -> list[str]:
    found = set[str]()
    for each in tokens(identifiers, key):
        found.add(each.hex())
        if len(found) > PERSONS_MAX:
            raise LimitError(
                f"The list names more than {PERSONS_MAX:,} persons. Use sketches for lists of this size.",
                f"名单超过 {PERSONS_MAX:,} 人。该规模请使用草图。",
            )
    return sorted(found)


def _file(kind: str, name: str, asked: int, answered: int, parts: Iterable[bytes]) -> bytes:
    return f"{_FORMAT} {kind} {name} {asked} {answered}\n".encode() + b"".join(parts)


def _read(data: bytes, kind: str) -> tuple[bytes, str, int, int]:
    """Return what follows the first line of a file, the key's name, and both numbers of persons."""
    found = _HEADER.match(data[:_HEADER_BYTES_MAX])
    if found is None or found[1] != kind.encode():
        raise _no_file()
    asked, answered = int(found[3]), int(found[4])
    if max(asked, answered) > PERSONS_MAX or (answered and kind != "answer"):
        raise _no_file()
    return data[found.end() :], found[2].decode(), asked, answered


def _points(data: bytes, *many: int) -> list[bytes]:
    """Return the points in a file, as sets of these sizes one behind the other, none in a set twice.

    A point that is in twice would be seen twice in the answer, and so who it stands for; its mirror image likewise.
    """
    if len(data) != sum(many) * _POINT_BYTES:
        raise _no_file()
    found = [data[start : start + _POINT_BYTES] for start in range(0, len(data), _POINT_BYTES)]
    if any(point[0] not in {2, 3} for point in found):
        raise _no_file()
    start = 0
    for size in many:
        if len({point[1:] for point in found[start : start + size]}) != size:
            raise MalformedError(
                "A set holds the same point twice, which tells who it stands for. Do not answer; ask its affiliate.",
                "集合中含有重复的点，可据此推知其所指之人。请勿回复，并向关联方查问。",
            )
        start += size
    return found


def _same(theirs: str, ours: str) -> None:
    if theirs != ours:
        raise ConflictError(
            "The other list was turned into tokens under another group key. Both need the same.",
            "对方名单使用了不同的集团密钥。双方须使用同一密钥。",
        )


def _as_counted(sent: int, counted: int) -> None:
    if sent != counted:
        raise ConflictError(
            "A set does not have as many points as persons were counted: it is not the list that was stated. "
            "Have it made anew from that list.",
            "集合中的点数与已申报人数不符，并非已申报的名单。请以该名单重新生成。",
        )


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the library says of points that lie on no curve into the house's error."""
    try:
        yield
    except (RuntimeError, ValueError):
        raise _no_file() from None


def _no_file() -> MalformedError:
    return MalformedError(
        "This is not the file of an intersection that is needed here, or it is damaged. Have it sent again.",
        "这不是此步骤所需的求交文件，或文件已损坏。请对方重新发送。",
    )
