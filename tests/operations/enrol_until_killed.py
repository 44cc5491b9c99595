"""Enrols one subject over and over, saying so after each answer, until somebody kills it."""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from countenance.capture import Limits
from countenance.compare import Threshold
from countenance.engines import load_engine
from countenance.facts import SessionFacts
from countenance.law.shelf import load_packs
from countenance.operations.enrol import Enrolment, enrol
from countenance.operations.logs import Logs
from countenance.operations.parts import Caller, Enrolled, House, Margins
from countenance.store.database import Database
from countenance.vault.encrypted import EncryptedProjection
from countenance.vault.keys import FileKeys
from countenance.vault.projection import Projection
from countenance.vault.vaults import Vaults
from countenance.vocabulary import Role, StartedBy


def main(address: str, folder: Path, photograph: Path) -> None:
    """Enrol until killed."""
    engine = load_engine(folder / "engine", threads=1, workers=1)
    house = House(
        database=Database(address),
        packs=load_packs(["cn-2025", "cn-2023-draft"]),
        engine=engine,
        threshold=Threshold(-0.1, 1e-3, 1e-3, 1e-3),
        identify_threshold=Threshold(-0.1, 1e-3, 1e-3, 1e-3),
        vaults=Vaults(FileKeys(folder / "keys")),
        projection=Projection(engine.model_id, engine.extractor.dimension),
        encrypted=EncryptedProjection(None, engine.extractor.dimension),
        limits=Limits(),
        logs=Logs(folder / "log", "countenance.example", FileKeys(folder / "log-keys")),
        clock=lambda: datetime.now(UTC),
        count=lambda action, outcome: None,
        alarm=threading.Event(),
        references_max=10_000,
        session_consent_seconds=900,
        notice_served_minutes_max=60,
        receipt_minutes=10,
        receipt_days=1095,
        clock_backward_seconds_max=5,
        request_days=15,
        request_keep_days=1096,
        link_minutes=30,
        margins=Margins(percent=25, steps=1, measurements_min=20),
    )
    session = SessionFacts(started_by=StartedBy.SUBJECT, purpose_prompted=True, alternative_offered=True)
    wanted = Enrolment(subject_ref="guest", purpose="check-in", device_id="kiosk-1", session=session)
    caller = Caller("harbour-hotel", "kioskkiosk22", Role.DEVICE, device_id="kiosk-1")
    picture = photograph.read_bytes()
    print("ready", flush=True)
    while True:
        answer = enrol(house, caller, wanted, picture)
        if not isinstance(answer, Enrolled):
            raise SystemExit(1)
        print("enrolled", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
