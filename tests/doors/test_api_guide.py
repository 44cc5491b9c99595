"""The guide for integrators does what it shows, on the real server."""

import re
import shutil
import subprocess

import pytest

from tests import pictures


def blocks(root, language):
    text = (root / "docs" / "guide" / "integrator.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def environment(desk, tmp_path, monkeypatch):
    """What the guide's commands read."""
    (tmp_path / "token").write_text(desk.tokens["device"] + "\n")
    (tmp_path / "photograph.jpg").write_bytes(pictures.admiral())
    monkeypatch.setenv("COUNTENANCE_URL", str(desk.client.base_url).rstrip("/"))
    monkeypatch.setenv("COUNTENANCE_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("PHOTOGRAPH", str(tmp_path / "photograph.jpg"))
    return desk


def test_the_python_of_the_guide_runs(environment, root, capsys):
    (code,) = blocks(root, "python")
    names: dict[str, object] = {}
    exec(compile(code, "integrator.md", "exec"), names)
    names["client"].close()  # type: ignore[attr-defined]
    printed = capsys.readouterr().out.splitlines()
    assert printed[2].startswith("To check you in"), "the third of thirteen items"
    assert printed[13:15] == ["enrolled", "match"]
    assert [line.split("T")[0] for line in printed[15:17]] == [printed[15][:10]] * 2
    assert [line.partition(" ")[2] for line in printed[15:17]] == ["verify match", "enrol enrolled"]
    assert printed[17:] == [
        "{'keys': 1, 'references': 1, 'originals': 0, 'purposes': ['check-in']}",
    ]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl; install it to run the guide's command")
def test_the_command_of_the_guide_runs(environment, root):
    environment.consent("booking-4711")
    (command,) = blocks(root, "sh")
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True)
    assert '"outcome":"non_match"' in done.stdout


def test_the_table_of_answers_names_real_problems(root):
    from countenance.api.problems import PROBLEMS

    text = (root / "docs" / "guide" / "integrator.md").read_text("utf-8")
    named = {
        (int(status), kind)
        for statuses, kinds in re.findall(r"^\| ([\d, ]+) \| ([^|]+) \|", text, re.MULTILINE)
        for status, kind in zip(re.findall(r"\d+", statuses), re.findall(r"`(\w+)`", kinds), strict=False)
    }
    assert len(named) >= 7
    assert named <= {(each.status, each.name) for each in PROBLEMS}
