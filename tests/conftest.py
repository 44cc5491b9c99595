"""What every test has: no way out of this machine, repeatable properties, the development photographs if present."""

import ipaddress
import sys
from pathlib import Path

import hypothesis
import pytest

pytest_plugins = ["tests.database"]

ROOT = Path(__file__).resolve().parent.parent
FACES = ROOT.parent / "shared" / "faces"

hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.load_profile("suite")


def stays_here(host: object) -> bool:
    """Tell whether an address is this machine: a name for loopback, a loopback address, or none at all."""
    if host is None or host in {"", b"", "localhost", b"localhost"}:
        return True
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def refuse_the_network(event: str, arguments: tuple[object, ...]) -> None:
    """Stop a connection, a datagram or a look-up of a name that would leave this machine.

    An audit hook sees what Python's sockets do, whoever calls them; libpq connects by itself, over a Unix socket.
    """
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if not stays_here(host):
        message = "A test tried to leave this machine. Tests run without a network: use a server on 127.0.0.1."
        raise RuntimeError(message)


sys.addaudithook(refuse_the_network)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the development photographs where they are absent, and say what would run it."""
    if (FACES / "pairs.csv").is_file():
        return
    reason = "needs the development photographs: put pairs.csv and images/ into ../shared/faces"
    for item in items:
        if item.get_closest_marker("faces"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def faces_folder() -> Path:
    """Return the folder of the development photographs; only for tests marked `faces`."""
    return FACES
