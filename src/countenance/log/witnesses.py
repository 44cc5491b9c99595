"""Ask witnesses to cosign a checkpoint (C2SP tlog-witness), and speak HTTP with somebody who may be slow or hostile.

No redirect is followed, no answer is read beyond its bound or its time, and no signature is taken that does not hold.
A witness that has seen more of a log than there is, or another history, is an IntegrityError; whether that is true or
the witness errs, a person finds out. Everything else that a witness does wrong is an UnavailableError.
"""

import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import Final
from urllib.parse import quote, urlsplit

from countenance.errors import CountenanceError, IntegrityError, MalformedError, UnavailableError
from countenance.log.notes import SIGNATURES_MAX, Checkpoint, Note, SignatureKind, Verifier, as_line, decimal
from countenance.log.policy import Policy

#: No answer of a witness is longer, and none takes longer, with everything before it.
ANSWER_BYTES_MAX: Final = 1 << 16
ANSWER_SECONDS_MAX: Final = 5.0
#: A cosignature is dated at most so far from the clock that was handed in.
SKEW_SECONDS: Final = 600
#: How long others are waited for once the quorum has cosigned.
_GRACE_SECONDS: Final = 0.2
ADD_CHECKPOINT: Final = "/add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
#: A proof has at most so many lines.
PROOF_LINES_MAX: Final = 63
_ID_BYTES, _TIME_BYTES, _SIZE_BYTES_MAX = 4, 8, 20
_OK, _FORBIDDEN, _NOT_FOUND, _CONFLICT, _UNPROVEN, _REDIRECTS = 200, 403, 404, 409, 422, range(300, 400)
_ODD: Final = re.compile(r"[\x00-\x20\x7f\ud800-\udfff]")

#: Returns the hashes that show that the tree of this size is the beginning of the present one.
Consistency = Callable[[int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status, the type and encoding that were declared, and the body."""

    status: int
    media_type: str
    encoding: str
    body: bytes


class Remote:
    """A server under one address, asked for one thing at a time; its connection is kept where it keeps it."""

    def __init__(self, url: str, *, seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        """Take an address; raises MalformedError for one that is not https, or http on this machine."""
        host, port, self._secure, self._path = _address(url)
        self._seconds_max = seconds_max
        self._connection = HTTPConnection(host, port, timeout=seconds_max)
        self._context: ssl.SSLContext | None = None
        self._socket: socket.socket | None = None
        self._late = False

    def ask(self, method: str, path: str, body: bytes | None = None, *, bytes_max: int = ANSWER_BYTES_MAX) -> Reply:
        """Return the answer of at most `bytes_max`; raises UnavailableError for none, a longer or a slower one."""
        self._late = False
        watch = threading.Timer(self._seconds_max, self.cut)
        watch.daemon = True
        watch.start()
        try:
            kept = self._connection.sock is not None
            try:
                return self._asked(method, path, body, bytes_max)
            except (OSError, HTTPException, ValueError):
                if not kept or self._late:
                    raise
            self.close()  # a connection that was kept may have been closed at the other end meanwhile
            return self._asked(method, path, body, bytes_max)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            raise (_slow() if self._late or isinstance(error, TimeoutError) else _unreachable()) from error
        except UnavailableError:
            self.close()
            raise
        finally:
            watch.cancel()

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        self._connection.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def cut(self) -> None:
        """End what is being asked, from another thread: whoever reads from the socket then finds its end."""
        self._late = True
        held = self._socket
        if held is not None:
            try:
                socket.socket.shutdown(held, socket.SHUT_RDWR)
            except OSError:
                return  # it was closed in this moment

    def _asked(self, method: str, path: str, body: bytes | None, bytes_max: int) -> Reply:
        if self._connection.sock is None:
            self._connect()
        headers = {"Accept-Encoding": "identity", "User-Agent": "countenance"}
        if body is not None:
            headers["Content-Type"] = "application/octet-stream"
        self._connection.request(method, self._path + path, body, headers)
        response = self._connection.getresponse()
        try:
            content = response.read(bytes_max + 1)
            if len(content) > bytes_max:
                raise UnavailableError("The answer is longer than it may be.", "回复超过允许长度。")
            if response.length or self._late:
                raise ConnectionError
            ended = response.isclosed() and not response.will_close
        finally:
            response.close()
        if not ended:
            self.close()
        media_type = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
        return Reply(response.status, media_type, response.getheader("Content-Encoding", "identity").lower(), content)

    def _connect(self) -> None:
        """Open the connection. The socket is known before anything is said on it, so that it can be cut off."""
        host, port = self._connection.host, self._connection.port
        self._socket = socket.create_connection((host, port), self._seconds_max)
        if self._secure:
            if self._context is None:
                self._context = ssl.create_default_context()
            wrapped = self._context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
            self._socket = wrapped
            wrapped.do_handshake()
        if self._late:
            raise TimeoutError
        self._connection.sock = self._socket


class WitnessClient:
    """A witness as a log asks it; what it has of each log is remembered, so that one question is mostly enough."""

    def __init__(self, url: str, verifier: Verifier, *, seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        """Take the witness's address and key; raises MalformedError for an address or key that cannot be one."""
        if verifier.kind is not SignatureKind.COSIGNATURE:
            raise MalformedError("A witness has a key of type 4.", "见证者公钥应为类型 4。")
        self._verifier = verifier
        self._remote = Remote(url, seconds_max=seconds_max)
        self._sizes: dict[str, int] = {}
        self._busy = threading.Lock()

    def ask(self, note: bytes, consistency: Consistency, seconds: int) -> str:
        """Return the line with which the witness cosigned a signed checkpoint, verified; one line of the note.

        `seconds` is the present, since 1970. Raises UnavailableError where it does not cosign, IntegrityError where it
        has seen more of this log than `note` says, or another history: then the log was put back, or forked.
        """
        if not self._busy.acquire(blocking=False):
            raise UnavailableError("The witness is still being asked for another checkpoint.", "仍在等待该见证者。")
        try:
            return self._ask(note, consistency, seconds)
        finally:
            self._busy.release()

    def close(self) -> None:
        """Close the connection; what is being asked on it ends with an error."""
        if self._busy.acquire(blocking=False):
            self._remote.close()
            self._busy.release()
        else:
            self._remote.cut()

    def _ask(self, note: bytes, consistency: Consistency, seconds: int) -> str:
        text = Note.parse(note).text
        checkpoint = Checkpoint.parse(text)
        origin, size = checkpoint.origin, checkpoint.size
        old = self._sizes.get(origin, 0)
        old = old if old <= size else 0  # it will say itself what it has
        reply = self._post(old, consistency, note)
        if reply.status == _CONFLICT:
            old = _their_size(reply, old, size)
            reply = self._post(old, consistency, note)
            if reply.status == _CONFLICT:
                self._sizes.pop(origin, None)
                _their_size(reply, old, size)
                raise UnavailableError(
                    "The witness said twice that it has another size; somebody else may be asking it. Try again.",
                    "见证者两次回复不同的大小，可能有他人同时请求。请重试。",
                )
        if reply.status != _OK:
            raise _refused(reply.status)
        line = _cosignature(self._verifier, text, reply.body, seconds)
        self._sizes[origin] = size
        return line

    def _post(self, old: int, consistency: Consistency, note: bytes) -> Reply:
        proof = "".join(as_line(each) for each in consistency(old))
        return self._remote.ask("POST", ADD_CHECKPOINT, f"old {old}\n{proof}\n".encode() + note)


@dataclass(frozen=True, slots=True)
class CosignedNote:
    """A signed checkpoint with the cosignatures that came, whether they are the quorum, and who failed, and how."""

    note: bytes
    met: bool
    failed: dict[str, CountenanceError] = field(default_factory=dict)


class Witnesses:
    """The witnesses of a policy that have addresses, asked side by side."""

    def __init__(self, policy: Policy, *, seconds_max: float = ANSWER_SECONDS_MAX) -> None:
        """Take a policy; raises MalformedError for an address that cannot be one."""
        self._policy = policy
        self._seconds_max = seconds_max
        self._clients = {
            each.name: WitnessClient(each.url, each.verifier, seconds_max=seconds_max)
            for each in policy.witnesses
            if each.url is not None
        }
        self._threads = ThreadPoolExecutor(max(1, len(self._clients)), "witness")

    def cosign(self, note: bytes, consistency: Consistency, seconds: int) -> CosignedNote:
        """Return the signed checkpoint with the lines of those that cosigned it, in the policy's order.

        `consistency` is called in several threads at once. Once the quorum is there the rest is waited for a moment
        only; whoever is slower than that is among the failed, and the next time as well while it hangs.
        """
        asked = {
            name: self._threads.submit(client.ask, note, consistency, seconds) for name, client in self._clients.items()
        }
        end = monotonic() + 2 * self._seconds_max + _GRACE_SECONDS  # a witness may be asked twice
        while waiting := {each for each in asked.values() if not each.done()}:
            if (left := end - monotonic()) <= 0:
                break
            wait(waiting, left, FIRST_COMPLETED)
            if self._gathered(note, asked).met:
                end = min(end, monotonic() + _GRACE_SECONDS)
        for each in asked.values():
            each.cancel()
        return self._gathered(note, asked)

    def close(self) -> None:
        """Close the connections, and ask nobody any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for each in self._clients.values():
            each.close()

    def _gathered(self, note: bytes, asked: dict[str, Future[str]]) -> CosignedNote:
        lines: list[str] = []
        failed: dict[str, CountenanceError] = {}
        for name, each in asked.items():
            if each.cancelled() or not each.done():
                failed[name] = _slow()
                continue
            error = each.exception()
            if isinstance(error, CountenanceError):
                failed[name] = error
            else:
                lines.append(each.result())
        room = SIGNATURES_MAX - len(Note.parse(note).signatures)
        cosigned = note + "".join(lines[:room]).encode()
        return CosignedNote(cosigned, self._policy.met_by(Note.parse(cosigned)), failed)


def _their_size(reply: Reply, old: int, size: int) -> int:
    """Return how much of the log a witness has that did not take `old` for it; raises where it cannot go on."""
    written = reply.body.decode("ascii", "replace") if len(reply.body) <= _SIZE_BYTES_MAX else ""
    theirs = decimal(written[:-1]) if reply.media_type == SIZE_TYPE and written.endswith("\n") else None
    if theirs is not None and theirs > size:
        raise IntegrityError(
            "A witness has cosigned more of this log than there is: the log was put back to an earlier state. Put the "
            "newer files and database back; nothing that it signs now will be believed.",
            "见证者联署过的日志比现有日志更长：日志曾被回退。请恢复较新的文件和数据库；现在签署的内容不会被信任。",
        )
    if old == size and theirs in {None, size}:
        raise _another_history()
    if theirs is None or theirs == old:
        raise _nonsense()
    return theirs


def _cosignature(verifier: Verifier, text: str, body: bytes, seconds: int) -> str:
    """Return the newest line of an answer that is by this key, once it has been verified."""
    try:
        answer = Note.parse(f"{text}\n".encode() + body)
    except MalformedError as error:
        raise _nonsense() from error
    if answer.text != text:
        raise _nonsense()
    found: dict[int, str] = {}
    for name, signature, line in answer.signatures:
        if (name, signature[:_ID_BYTES]) != (verifier.name, verifier.key_id):
            continue
        if not verifier.holds(text, signature[_ID_BYTES:]):
            raise UnavailableError(
                "The witness's signature does not hold for this checkpoint.", "见证者对此检查点的签名无效。"
            )
        found[int.from_bytes(signature[_ID_BYTES : _ID_BYTES + _TIME_BYTES])] = line
    if not found:
        raise UnavailableError(
            "The witness did not cosign with the key that the policy names. Compare its key with its operator.",
            "见证者未使用策略中的公钥联署。请与其运营方核对公钥。",
        )
    at = max(found)
    if abs(at - seconds) > SKEW_SECONDS:
        raise UnavailableError(
            "The witness dates its signature more than ten minutes away from this clock. Set the clocks right.",
            "见证者签名时间与本机时钟相差超过十分钟。请校准时钟。",
        )
    return found[at]


def _refused(status: int) -> CountenanceError:
    if status == _UNPROVEN:
        return _another_history()
    if status in _REDIRECTS:
        return UnavailableError(
            "The witness's address leads elsewhere; that is not followed. Name the right one.",
            "见证者地址发生重定向，系统不予跟随。请填写正确地址。",
        )
    en, zh = {
        _NOT_FOUND: (
            "does not know this log. Have its operator add the log's key",
            "不认识该日志，请其运营方添加日志公钥",
        ),
        _FORBIDDEN: (
            "knows this log by another key. Send its operator the key",
            "所知的日志公钥不同，请向其运营方提供公钥",
        ),
    }.get(status, (f"answers {status}. Try again later", f"返回 {status}，请稍后重试"))
    return UnavailableError(f"The witness {en}.", f"见证者{zh}。")


def _address(url: str) -> tuple[str, int | None, bool, str]:
    """Return host, port, whether the connection is sealed, and the path before everything that is asked for."""
    try:
        parts = urlsplit("" if _ODD.search(url) else url)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # and so what no name of a host may hold
        raise _no_address() from None
    secure = parts.scheme == "https"
    plain = parts.scheme == "http" and _stays_here(host)
    if not host or not (secure or plain) or "@" in parts.netloc or "?" in url or "#" in url or port == 0:
        raise _no_address()
    return host, port or (443 if secure else 80), secure, quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")


def _stays_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _another_history() -> IntegrityError:
    return IntegrityError(
        "A witness finds that this log does not continue what it cosigned: the log was put back or forked, or the "
        "witness errs. Call the officer, and compare both checkpoints.",
        "见证者认定该日志不是其所联署日志的延续：日志曾被回退或分叉，或见证者出错。请联系保护负责人并核对双方检查点。",
    )


def _nonsense() -> UnavailableError:
    return UnavailableError("The witness's answer cannot be read.", "无法读取见证者的回复。")


def _slow() -> UnavailableError:
    return UnavailableError("The other side did not answer in time. Try again later.", "对方未及时回复。请稍后重试。")


def _unreachable() -> UnavailableError:
    return UnavailableError(
        "The other side cannot be reached, or ended in the middle of its answer. Check its address, and try again.",
        "无法连接对方，或回复中断。请检查地址后重试。",
    )


def _no_address() -> MalformedError:
    return MalformedError(
        "The address is like https://witness.example/log, without ? and #; http is for this machine only.",
        "地址应如 https://witness.example/log，不含 ? 和 #；http 仅限本机。",
    )
