"""The guide to reminders: what it shows to check a webhook's signature holds what is genuine and nothing else."""

import base64
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from countenance.operations.ways import signature
from tests.docs.pages import ROOT

GUIDE = (ROOT / "docs" / "guide" / "reminders.md").read_text("utf-8")
KEY = bytes(range(100, 132))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}\n"
BODY = '{"what": "备案"}\n'.encode()


def block(language: str) -> str:
    """Return the one block of code in a language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    return str(code)


def test_the_python_shown_takes_what_is_genuine_and_fresh_alone() -> None:
    shown: dict[str, Any] = {}
    exec(block("python"), shown)
    now = int(time.time())
    headers = signature(KEY, "one", now, BODY)
    assert shown["genuine"](SECRET, headers, BODY)
    assert not shown["genuine"](SECRET, headers, BODY + b" ")
    assert not shown["genuine"](SECRET, headers | {"webhook-id": "two"}, BODY)
    assert not shown["genuine"](f"whsec_{base64.b64encode(bytes(32)).decode()}", headers, BODY)
    assert not shown["genuine"](SECRET, signature(KEY, "one", now - 400, BODY), BODY)


@pytest.mark.parametrize("body", [BODY, b"", bytes(range(256))])
def test_the_shell_shown_prints_the_signature(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "webhook-secret").write_text(SECRET)
    (tmp_path / "body.json").write_bytes(body)
    headers = signature(KEY, "one", 1_700_000_000, body)
    given = {"WEBHOOK_ID": "one", "WEBHOOK_TIMESTAMP": headers["webhook-timestamp"]}
    done = subprocess.run(
        ["sh", "-c", block("sh")], cwd=tmp_path, env=os.environ | given, capture_output=True, text=True, check=True
    )
    assert f"v1,{done.stdout.strip()}" == headers["webhook-signature"]
