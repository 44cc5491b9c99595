"""A connection that ends: opened to addresses that were looked at, sealed where that is asked, and cut off in time."""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Final

#: Networks that lead elsewhere than they seem to: through these an IPv6 address can stand for a private IPv4 one.
_TRANSLATED: Final = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


class Trouble(StrEnum):
    """Why something was not sent, in a word."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    CERTIFICATE = "certificate"
    UNSEALED = "unsealed"
    PRIVATE = "private"
    REDIRECTED = "redirected"
    SECRET = "secret"  # noqa: S105 — a word for what is wrong with one
    REFUSED = "refused"


class TroubleError(Exception):
    """What kept something from being sent; never leaves this room."""

    def __init__(self, trouble: Trouble) -> None:
        """Say what it was."""
        super().__init__(trouble.value)
        self.trouble = trouble


class Line:
    """One connection; its socket is known before anything is said on it, so that it can be cut off from elsewhere."""

    def __init__(self, seconds_max: float) -> None:
        """Allow each step so many seconds; `line` holds all of them together to as much."""
        self.seconds_max = seconds_max
        self.late = False
        self._socket: socket.socket | None = None

    def open(self, addresses: Sequence[str], port: int) -> socket.socket:
        """Connect to the first address that answers; raises OSError where none does."""
        failed: OSError = ConnectionError()
        for address in addresses:
            self._go_on()
            try:
                self._socket = socket.create_connection((address, port), self.seconds_max)
            except OSError as error:
                failed = error
                continue
            self._go_on()
            return self._socket
        raise failed

    def seal(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        """Put TLS on a connection; raises SSLCertVerificationError for a certificate that is not the host's."""
        context = ssl.create_default_context()
        sealed = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        self._socket = sealed
        sealed.do_handshake()
        self._go_on()
        return sealed

    def cut(self) -> None:
        """End what is going on; whoever reads from the socket finds its end."""
        self.late = True
        if self._socket is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()

    def _go_on(self) -> None:
        if self.late:
            raise TimeoutError


@contextmanager
def line(seconds_max: float) -> Iterator[Line]:
    """Yield a connection that is cut off after so many seconds, whatever the other side does, and closed at the end.

    Raises TroubleError for whatever goes wrong on the way.
    """
    made = Line(seconds_max)
    watch = threading.Timer(seconds_max, made.cut)
    watch.daemon = True
    watch.start()
    try:
        yield made
    except TroubleError as error:
        if made.late:  # what was cut off may look like nonsense
            raise TroubleError(Trouble.SLOW) from error
        raise
    except ssl.SSLCertVerificationError as error:
        raise TroubleError(Trouble.CERTIFICATE) from error
    except (OSError, EOFError) as error:
        slow = made.late or isinstance(error, TimeoutError)
        raise TroubleError(Trouble.SLOW if slow else Trouble.UNREACHABLE) from error
    finally:
        watch.cancel()
        made.close()


def addresses_of(host: str, port: int, *, private: bool) -> list[str]:
    """Return the addresses of a host, to be connected to as they are: a second look might find others.

    Raises TroubleError for one that does not resolve, and, where `private` is not said, for one with any address that
    is not public: this machine's, a private network's, or one that only seems to be public.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TroubleError(Trouble.UNREACHABLE) from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not private and not all(map(public, addresses)):
        raise TroubleError(Trouble.PRIVATE)
    return addresses


def public(address: str) -> bool:
    """Return whether an address is one of the Internet at large, and not of this machine or a network behind it."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return public(str(parsed.ipv4_mapped))
        if any(parsed in network for network in _TRANSLATED):
            return False
    return parsed.is_global and not parsed.is_multicast
