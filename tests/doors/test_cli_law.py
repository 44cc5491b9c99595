"""The law on the command line, asked as a stranger would: by starting the program."""

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile

import cedarpy
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from countenance.law.files import edition
from countenance.law.incoming import Incoming
from countenance.law.shelf import SHELF

START = [sys.executable, "-c", "from countenance.cli import main; main()", "law"]
ROOM = {
    "action": "verify",
    "at": "2026-11-23T10:00:00+08:00",
    "purpose": {"banned": False},
    "place": {"kind": "toilet"},
}
DISCLOSE = {
    "action": "disclose",
    "at": "2026-11-23T10:00:00+08:00",
    "purpose": {"banned": False, "stated": True},
    "storage": {"destination": "local"},
}


def law(*arguments: str, text: str | bytes = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run `countenance law …` with standard input, under LANG=C and nothing of this test's environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    given = text.encode() if isinstance(text, str) else text
    return subprocess.run(
        [*START, *arguments], input=given, capture_output=True, check=False, timeout=60,
        env={**kept, "LANG": "C", "LC_ALL": "C", **environment},
    )  # fmt: skip


def told(*facts: dict) -> str:
    return json.dumps(facts[0] if len(facts) == 1 else list(facts))


def answered(done: subprocess.CompletedProcess[bytes]):
    assert done.stderr == b""
    return json.loads(done.stdout.decode("utf-8"))


def refused_input(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    """Check that there is no answer, one line of complaint and no traceback; return the line."""
    assert done.returncode == code
    assert done.stdout == b""
    line = done.stderr.decode("utf-8")
    assert line.count("\n") == 1
    assert line.endswith("\n")
    assert "Traceback" not in line
    return line


def test_a_permit_exits_0_and_a_refusal_3(tmp_path):
    file = tmp_path / "facts.json"
    file.write_text(told(DISCLOSE))
    done = law("decide", str(file))
    assert done.returncode == 0
    assert answered(done)["allowed"] is True
    done = law("decide", "-", text=told(ROOM))
    assert done.returncode == 3
    answer = answered(done)
    assert answer["allowed"] is False
    assert ("cn-2023-draft", "6", "forbids", ["place.kind"]) in [
        (one["pack"], one["article"], one["outcome"], one["facts"]) for one in answer["findings"]
    ]
    assert "隐私" in done.stdout.decode("utf-8")
    assert set(answer) == {"allowed", "action", "at", "packs", "findings", "duties"}


def test_an_array_gives_an_array():
    assert law("decide", "-", text=told(DISCLOSE, DISCLOSE)).returncode == 0
    done = law("decide", "-", text=told(DISCLOSE, ROOM))
    assert done.returncode == 3
    assert [one["allowed"] for one in answered(done)] == [True, False]
    refused_input(law("decide", "-", text=told(DISCLOSE, {"action": "verify"})), 2)
    assert answered(law("decide", "-", text="[]")) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"action": "verify"}', told({**ROOM, "x": 1}), "[" * 200_000, '{"\\ud800": 1}', b"\xff", '{"a": NaN}',
     told({**ROOM, "purpose": {"code": "\ud800"}})],
)  # fmt: skip
def test_malformed_input_exits_2_with_one_line(text):
    refused_input(law("decide", "-", text=text), 2)


def test_input_over_16_mib_is_malformed():
    assert "16 MiB" in refused_input(law("decide", "-", text=b" " * (16 * 2**20 + 1)), 2)


def test_a_file_that_cannot_be_read_is_malformed(tmp_path):
    refused_input(law("decide", str(tmp_path / "nothing.json")), 2)
    refused_input(law("decide", str(tmp_path)), 2)


def test_another_time_replaces_at_which_must_be_there_all_the_same():
    done = law("decide", "-", "--at", "2020-01-01T00:00:00Z", text=told(DISCLOSE))
    answer = answered(done)
    assert (done.returncode, answer["at"]) == (3, "2020-01-01T00:00:00+00:00")
    assert [(one["pack"], one["outcome"]) for one in answer["findings"]] == [(None, "forbids")]
    without = {name: value for name, value in DISCLOSE.items() if name != "at"}
    refused_input(law("decide", "-", "--at", "2026-01-01T00:00:00Z", text=told(without)), 2)
    assert "--at" in refused_input(law("decide", "-", "--at", "yesterday", text=told(DISCLOSE)), 2)


def test_packs_are_chosen_by_id_by_folder_or_by_the_setting(tmp_path):
    def asked(*arguments: str, **environment: str) -> set[str]:
        return set(answered(law("decide", "-", *arguments, text=told(ROOM), **environment))["packs"])

    shutil.copytree(SHELF / "cn-2025", tmp_path / "cn-2025")
    assert asked() == {"cn-2025", "cn-2023-draft"}
    assert asked("--pack", "cn-2025") == {"cn-2025"}
    assert asked("--pack", "cn-2025", "--pack", "cn-2023-draft", "--pack", "cn-2025") == {"cn-2025", "cn-2023-draft"}
    assert asked("--pack", f"{tmp_path}/cn-2025") == {"cn-2025"}
    assert asked(COUNTENANCE_LAW_PACKS="cn-2023-draft") == {"cn-2023-draft"}


def test_a_pack_that_is_not_known_or_does_not_load_exits_4(tmp_path):
    assert "cn-2025" in refused_input(law("decide", "-", "--pack", "eu", text=told(ROOM)), 4)
    folder = tmp_path / "cn-2025"
    shutil.copytree(SHELF / "cn-2025", folder)
    article = folder / "articles" / "13-private-places.md"
    article.write_text(
        article.read_text(encoding="utf-8").replace("context.place.private", "context.place.colour"), encoding="utf-8"
    )
    line = refused_input(law("decide", "-", "--pack", str(folder), text=told(ROOM)), 4)
    assert "cn-2025/articles/13-private-places.md:" in line
    refused_input(law("show", "eu"), 4)
    refused_input(law("show", "cn-2025", "99"), 4)
    refused_input(law("test", "eu"), 4)


def test_filing_by_pack_knows_the_packs_on_the_shelf():
    fine = {**DISCLOSE, "operator": {"filing": {"cn-2025": "due", "cn-2023-draft": None}}}
    assert law("decide", "-", "--pack", "cn-2025", text=told(fine)).returncode == 0
    refused_input(law("decide", "-", text=told({**DISCLOSE, "operator": {"filing": {"eu": "due"}}})), 2)


def test_packs_lists_what_is_on_the_shelf():
    text = law("packs").stdout.decode("utf-8")
    listed = answered(law("packs", "--json"))
    assert [row["id"] for row in listed] == ["cn-2023-draft", "cn-2025"]
    assert [(row["status"], row["binds_from"]) for row in listed] == [
        ("draft", "2023-08-08"),
        ("in-force", "2025-06-01"),
    ]
    for row in listed:
        assert row["id"] in text
        assert row["edition"] in text
        assert row["status"] in text


def test_show_tells_a_pack_and_an_article():
    listed = law("show", "cn-2023-draft").stdout.decode("utf-8")
    assert "Business venues" in listed
    shown = law("show", "cn-2023-draft", "11", "--at", "2024-01-01").stdout.decode("utf-8")
    assert "sensitive_analysis_approvers_min: 2 on 2024-01-01" in shown
    assert "```cedar" in shown
    assert "examples:" in shown
    assert "敏感" in shown
    refused_input(law("show", "cn-2023-draft", "11", "--at", "soon"), 2)


def test_test_runs_every_example_and_counts(tmp_path):
    done = law("test")
    assert done.returncode == 0
    counts = done.stdout.decode("utf-8").splitlines()
    assert len(counts) == 2
    assert all(" 0 failing" in line and " 0 examples" not in line for line in counts)
    folder = tmp_path / "cn-2025"
    shutil.copytree(SHELF / "cn-2025", folder)
    article = folder / "articles" / "10-another-way.md"
    text = article.read_text(encoding="utf-8")
    article.write_text(
        text.replace(
            "alternative: {available: false}}\n    outcome: refuse",
            "alternative: {available: true}}\n    outcome: refuse",
        ),
        encoding="utf-8",
    )
    done = law("test", str(folder))
    assert done.returncode == 1
    assert b"FAILED cn-2025/articles/10-another-way.md:" in done.stdout


def test_coverage_accounts_for_every_article():
    done = law("coverage", "--json")
    rows = answered(done)
    assert done.returncode == 0
    assert len(rows) == 45
    assert all(row["accounted"] for row in rows)
    met = [row["encoding"] for row in rows]
    assert [met.count(kind) for kind in ("enforced", "evidenced", "organisational", "out-of-scope")] == [27, 8, 7, 3]
    assert all(min(row["permits"], row["refusals"], row["missing"]) > 0 for row in rows if row["rules"])
    text = law("coverage", "cn-2025").stdout.decode("utf-8")
    assert "20 articles" in text
    assert "UNACCOUNTED" not in text


def test_a_pack_from_outside_is_added_listed_and_asked(tmp_path):
    key = Ed25519PrivateKey.generate()
    (tmp_path / "trusted").mkdir()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "trusted" / "cac.pem").write_bytes(pem)
    settings = {"COUNTENANCE_DATA_DIR": str(tmp_path / "data"), "COUNTENANCE_LAW_PUBLISHERS": str(tmp_path / "trusted")}
    archive = tmp_path / "cn-2025.zip"

    def pack(published: str = "2025-03-21", outcome: str = "refuse") -> None:
        folder = tmp_path / published / outcome / "cn-2025"
        shutil.copytree(SHELF / "cn-2025", folder)
        for name, old, new in (
            ("pack.yaml", "published: 2025-03-21", f"published: {published}"),
            ("articles/03-banned-purposes.md", "outcome: refuse", f"outcome: {outcome}"),
            ("articles/03-banned-purposes.md", "Nobody may use", "No one may use"),
        ):
            text = (folder / name).read_text(encoding="utf-8").replace(old, new)
            (folder / name).write_text(text, encoding="utf-8")
        files = {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}
        with zipfile.ZipFile(archive, "w") as opened:
            for name, text in files.items():
                opened.writestr(f"cn-2025/{name}", text)
            signed = Incoming("cn-2025", edition(files), b"", {}).signed
            opened.writestr("signature", base64.b64encode(key.sign(signed)))

    pack(published="2999-01-01")
    assert "published in the future" in refused_input(law("add", str(archive), **settings), 4)
    pack(outcome="permit\n    articles: []")
    assert "cn-2025/articles/03-banned-purposes.md:" in refused_input(law("add", str(archive), **settings), 4)
    assert len(answered(law("packs", "--json", **settings))) == 2
    pack()
    assert "No publisher" in refused_input(law("add", str(archive), COUNTENANCE_DATA_DIR=str(tmp_path / "data")), 4)
    done = law("add", str(archive), **settings)
    assert (done.returncode, done.stderr) == (0, b"")
    name = done.stdout.decode("utf-8").split()[0]
    assert [row["id"] for row in answered(law("packs", "--json", **settings))] == [
        "cn-2023-draft",
        "cn-2025",
        "cn-2025",
    ]
    chosen = answered(law("decide", "-", text=told(ROOM), COUNTENANCE_LAW_PACKS=name, **settings))["packs"]["cn-2025"]
    shelved = answered(law("decide", "-", "--pack", "cn-2025", text=told(ROOM), **settings))["packs"]["cn-2025"]
    assert chosen["edition"] != shelved["edition"]
    assert chosen["edition"].removeprefix("sha256:").startswith(name.partition("@")[2])


def test_export_is_cedar_that_other_implementations_read(tmp_path):
    for name in ("cn-2025", "cn-2023-draft"):
        text = law("export", name, "--cedar").stdout.decode("utf-8")
        cedarpy.PolicySet.from_str(text)
        assert law("export", name, "--cedar", "--to", str(tmp_path / name)).returncode == 0
        files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / name).iterdir()}
        assert set(files) == {"policies.cedar", "duties.cedar", "schema.cedarschema", "parameters.json"}
        assert files["policies.cedar"] in text
        checked = cedarpy.validate_policies(files["policies.cedar"], files["schema.cedarschema"])
        assert checked.validation_passed, checked.errors
        cedarpy.PolicySet.from_str(files["duties.cedar"])
    numbers = json.loads((tmp_path / "cn-2023-draft" / "parameters.json").read_text())
    assert numbers["sensitive_analysis_approvers_min"] == {"2023-08-08": 2}
    assert numbers["filing_persons_over"] == {"2023-08-08": 10000}
    refused_input(law("export", "cn-2025"), 2)


def test_a_decision_loads_no_engine_no_database_and_no_web_framework():
    script = (
        "import sys; sys.argv = ['countenance', 'law', 'decide', '-']\n"
        "from countenance.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'PIL', 'onnx', 'onnxruntime', 'openvino', 'sqlalchemy', 'psycopg', 'fastapi'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], input=told(ROOM).encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
