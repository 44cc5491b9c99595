"""The log from outside: its files for strangers, its proofs for whoever may see a record, and nobody's data."""

from collections.abc import Callable
from typing import Any

import pytest

from countenance.log.check import check
from countenance.log.notes import Verifier
from countenance.log.proofs import Proof
from countenance.log.tiles import LogFiles
from countenance.operations.sequence import Sequencer
from tests.database import OPERATOR, PURPOSE
from tests.doors.conftest import Desk
from tests.operations.test_sequence import recorded

LOG = f"/log/{OPERATOR}/1"


def logged(desk: Desk) -> int:
    house = desk.hotel.house
    return Sequencer(house.database, house.logs, house.clock).step_all()


def verifier(desk: Desk) -> Verifier:
    return Verifier.of_vkey(desk.get("/v1/log").json()["vkey"])


def test_a_stranger_fetches_the_log_and_checks_it_whole(desk: Desk, tmp_path: Any) -> None:
    logged(desk)
    before = desk.get("/v1/log").json()["size"]
    recorded(desk.hotel, 600 - before)
    logged(desk)
    copy = LogFiles(tmp_path)
    paths = [f"tile/{level}/{rest}" for level in ("0", "entries") for rest in ("000", "001", "002.p/88")]
    for path in ["checkpoint", *paths, "tile/1/000.p/2"]:
        answer = desk.get(f"{LOG}/{path}", role=None)
        assert answer.status_code == 200, path
        copy.write(path, answer.content)

    key = Verifier.of_vkey(desk.get(f"{LOG}/vkey", role=None).text)
    assert key == verifier(desk)
    report = check(copy, key, lambda done, total: None)
    assert (report.found, report.size) == ({}, 600)
    shown = desk.get("/v1/log").json()
    assert (shown["origin"], shown["size"], shown["root"]) == (key.name, 600, report.root.hex())


def test_a_tile_is_kept_for_ever_and_a_checkpoint_for_seconds(desk: Desk) -> None:
    recorded(desk.hotel, 300)
    logged(desk)
    tile, checkpoint = desk.get(f"{LOG}/tile/0/000", role=None), desk.get(f"{LOG}/checkpoint", role=None)

    assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert tile.headers["content-type"] == "application/octet-stream"
    assert checkpoint.headers["cache-control"] == "public, max-age=2"
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        f"{LOG}/..%2f..%2f..%2flog-keys", f"{LOG}/tile/0/../0/000", f"{LOG}/tile/0/000/",
        f"{LOG}/tile/0/999", f"{LOG}/.checkpoint", f"{LOG}/", f"/log/{OPERATOR}/0/checkpoint",
        "/log/..%2f/1/checkpoint",
        f"/log/{OPERATOR}/2/checkpoint", f"/log/{OPERATOR}/01/checkpoint", "/log/other/1/checkpoint",
        f"{LOG}/tile/0/000%00", f"/log/{OPERATOR}/99999999999999999999/checkpoint",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_log(desk: Desk, path: str) -> None:
    recorded(desk.hotel, 3)
    logged(desk)
    answer = desk.get(path, role=None)
    assert answer.status_code == 404, answer.text
    assert "countenance.example" not in answer.text


def test_a_record_is_proven_to_an_officer_and_a_regulator(desk: Desk) -> None:
    desk.consent("guest-1")
    (record, *_) = desk.get("/v1/records").json()["records"]
    path = f"/v1/records/{record['record']['id']}/proof"
    waits = desk.get(path)
    assert (waits.status_code, waits.json()["type"]) == (409, "/v1/problems/conflict")

    logged(desk)
    for role in ("officer", "regulator"):
        answer = desk.get(path, role=role)
        proof = Proof.parse(answer.content)
        proof.check(verifier(desk))
        assert record["digest"].encode() in proof.entry
        assert answer.headers["content-disposition"].endswith('.tlog-proof"')
    assert desk.get("/v1/records/6f0e3bb6-6f3c-4b1e-9d2b-0a5a6b2f7c11/proof").status_code == 404
    assert desk.get("/v1/records/nonsense/proof").status_code == 404


def test_a_receipt_proves_its_consent_each_use_and_in_the_end_the_erasure(desk: Desk) -> None:
    desk.tokens["receipt"] = desk.consent("guest-1").json()["receipt"]["token"]
    logged(desk)
    key, about = verifier(desk), desk.get("/v1/receipt", role="receipt").json()["about"]
    proof = Proof.parse(desk.get("/v1/receipt/proof", role="receipt").content)
    proof.check(key)
    assert about["use"]["record"]["digest"].encode() in proof.entry

    named = desk.get("/v1/receipt/proof", role="receipt", params={"record": about["use"]["record"]["id"]})
    assert Proof.parse(named.content).index == proof.index

    certificate = desk.post("/v1/receipt/withdraw", {}, role="receipt").json()
    logged(desk)
    erased = Proof.parse(desk.get("/v1/receipt/proof", role="receipt").content)
    erased.check(key)
    assert certificate["record"]["digest"].encode() in erased.entry
    assert erased.index > proof.index
    wrong = desk.get("/v1/receipt/proof", role="receipt", params={"record": "x"})
    assert wrong.status_code == 400


def test_nobodys_data_is_in_the_log(desk: Desk, make_desk: Callable[..., Desk]) -> None:
    desk.consent("guest-with-a-name")
    desk.post("/v1/withdraw", {"subject": "guest-with-a-name", "purpose": PURPOSE})
    logged(desk)
    everything = b"".join(path.read_bytes() for path in desk.hotel.house.logs.directory.rglob("*") if path.is_file())
    assert b"consent" in everything
    marks = [each["record"].get("subject") for each in desk.get("/v1/records").json()["records"]]
    assert any(marks)
    for secret in ("guest-with-a-name", OPERATOR + '"', PURPOSE, *filter(None, marks)):
        assert secret.encode() not in everything
    for each in desk.get("/v1/records").json()["records"]:
        assert each["record"]["id"].encode() not in everything


def test_before_anything_is_signed_there_is_no_log(desk: Desk) -> None:
    assert desk.get("/v1/log").status_code == 404
    assert desk.get(f"{LOG}/checkpoint", role=None).status_code == 404
