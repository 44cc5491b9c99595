"""A restart that nobody notices: servers end one after the other under load; every act that was done was answered."""

import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from countenance.client import Client, Problem, Unreachable
from countenance.store import embedded
from tests import pictures
from tests.operations.test_erased_for_good import answering
from tests.soak import KIOSK, PURPOSE, SESSION, Servers, decided, insisted


@pytest.fixture
def servers() -> Iterator[Servers]:
    folder = Path(tempfile.mkdtemp(prefix="cn-"))
    made = Servers(folder, encrypted=False)
    yield made
    made.end()
    embedded.stop(folder / "data" / "postgres")
    shutil.rmtree(folder, ignore_errors=True)


def waited(servers: Servers, port: int) -> None:
    for _ in range(240):
        if answering(port):
            return
        time.sleep(0.25)
    raise AssertionError(port)


@pytest.mark.timeout(300)
def test_every_act_of_a_server_that_ends_was_answered(servers: Servers) -> None:
    for port in servers.ports:
        waited(servers, port)
    insisted(
        servers, servers.device, lambda client: decided(client, "guest", ["enrol", "verify", "off_device_storage"])
    )
    insisted(
        servers,
        servers.device,
        lambda client: client.enrol(
            pictures.admiral(), subject="guest", purpose=PURPOSE, device=KIOSK, session=SESSION
        ),
    )
    stop, answered, wrong, elsewhere = threading.Event(), [0, 0], list[str](), [0, 0]

    def asking(which: int) -> None:
        at = which
        while not stop.is_set():
            try:
                with Client(f"http://127.0.0.1:{servers.ports[at % len(servers.ports)]}", servers.device) as client:
                    done = client.verify(
                        pictures.admiral(), subject="guest", purpose=PURPOSE, device=KIOSK, session=SESSION
                    )
                answered[which] += 1
                if done["outcome"] != "match":
                    wrong.append(str(done["outcome"]))
            except Unreachable:  # as a proxy does: the next one
                elsewhere[which] += 1
                at += 1
            except Problem as error:
                wrong.append(f"{error.status}: {error}")
                at += 1

    guests = [threading.Thread(target=asking, args=(which,)) for which in range(2)]
    for guest in guests:
        guest.start()
    for port in servers.ports:
        time.sleep(1.0)
        process = servers.processes[f"worker {port}"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, "it ended in order"
        servers.start_missing()
        waited(servers, port)
    stop.set()
    for guest in guests:
        guest.join(timeout=60)

    assert wrong == []
    assert sum(elsewhere) > 0, "nobody met a server that was away: the test saw nothing"
    address = embedded.start(servers.folder / "data" / "postgres").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address) as connection:
        found = connection.execute("SELECT count(*) FROM record WHERE kind = 'verify'").fetchone()
    assert found == (sum(answered),), "an act was done and recorded, and nobody was told"
