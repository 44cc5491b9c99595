"""Where an operator's log may be: at an address that leads neither to this machine nor into a private network."""

import ipaddress
import socket
from urllib.parse import urlsplit

from countenance.errors import MalformedError, UnavailableError
from countenance.log.witnesses import Remote


def check_address(url: str, *, private: bool) -> None:
    """Raise MalformedError for what is no address of a log, or one that is plainly not for everybody to reach."""
    Remote(url).close()
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        open_to_all = _named(host) and host != "localhost" and not host.endswith(".localhost")
    else:
        open_to_all = address.is_global
    if not (private or open_to_all):
        raise _not_for_all()


def check_reach(url: str, *, private: bool) -> None:
    """Raise what `check_address` raises, also where the name leads to such an address; UnavailableError for none."""
    check_address(url, private=private)
    if private:
        return
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise UnavailableError(
            "The log's address leads nowhere. Ask its operator.", "无法解析日志地址。请询问其运营方。"
        ) from error
    if not all(ipaddress.ip_address(each[4][0]).is_global for each in found):
        raise _not_for_all()


def _named(host: str) -> bool:
    """Return whether a host has a name that can be looked up: no part of it is empty or has more than 63 characters."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _not_for_all() -> MalformedError:
    return MalformedError(
        "The log's address is not one that everybody reaches. Name a public https address.",
        "日志地址并非公众可访问。请提供公开的 https 地址。",
    )
