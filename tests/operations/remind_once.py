"""Reminds once, as a server of its own does in its hourly sweep; cut off after the claim where asked."""

import os
import sys
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from countenance.law.shelf import load_packs
from countenance.operations import remind as operation
from countenance.operations.remind import remind
from countenance.operations.ways import Mail, MailTls, Ways
from countenance.store.database import Database


def main(address: str, port: str, at: str, cut: str) -> None:
    """Say that it is ready, wait for a line, and remind."""
    database = Database(address)
    parts = {"clock": lambda: datetime.fromisoformat(at), "clock_backward_seconds_max": 5, "count": lambda *_: None}
    house = cast("Any", SimpleNamespace(database=database, packs=load_packs(["cn-2025", "cn-2023-draft"]), **parts))
    mail = Mail("localhost", int(port), MailTls.NONE, "from@hotel.example", ("to@hotel.example",))
    if cut == "cut":
        vars(operation)["deliver"] = lambda *_: os._exit(9)
    print("ready", flush=True)
    sys.stdin.readline()
    print(remind(house, "harbour-hotel", Ways(mail=mail)), flush=True)
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
