"""The guards of the suite itself hold: no test can leave this machine."""

import socket

import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_a_connection_beyond_this_machine_is_refused(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as out, pytest.raises(RuntimeError, match="leave this machine"):
        out.connect(address)


def test_a_datagram_beyond_this_machine_is_refused():
    with socket.socket(type=socket.SOCK_DGRAM) as out, pytest.raises(RuntimeError, match="leave this machine"):
        out.sendto(b"", ("192.0.2.1", 53))


def test_a_name_is_not_looked_up():
    with pytest.raises(RuntimeError, match="leave this machine"):
        socket.getaddrinfo("example.org", 443)


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
