"""What the documents show is what happens: every console block of the README is typed, in order, at a real server."""

import re

import pytest

from tests.docs.pages import ROOT, commands, pages
from tests.docs.reader import Reader, recipe

#: Typed by whoever reads this: it would run this test again.
OURSELVES = {"make test"}


def status(command: str) -> int:
    """Return the exit status a command announces in a comment (`# … exit 3`); 0 without one."""
    found = re.search(r"#.*\bexit (\d+)", command)
    return int(found.group(1)) if found else 0


@pytest.mark.timeout(400)
@pytest.mark.parametrize("page", ["README.md"])
def test_every_command_runs(page):
    typed = [command for command in commands((ROOT / page).read_text("utf-8")) if command not in OURSELVES]
    assert "make run" in typed
    assert len(typed) > 5
    with Reader() as reader:
        for command in typed:
            ended, printed = reader.type(command)
            assert ended == status(command), f"$ {command}\n{printed}"


def test_the_shell_remembers_and_tells():
    with Reader() as reader:
        assert reader.type("A=3; cd /tmp") == (0, "\n")
        assert reader.type('echo "$A $PWD"') == (0, "3 /tmp\n\n")
        assert reader.type("false # as announced, exit 1")[0] == status("false # as announced, exit 1") == 1
        assert reader.type("echo http://127.0.0.1:8000")[1].strip() == reader.environment["COUNTENANCE_URL"]


def test_console_blocks_are_read():
    text = "```console\n$ one \\\n    --more\nwhat it prints\n$ two\n```\n```\n$ three\n```\n"
    assert commands(text) == ["one \\\n    --more", "two"]


def test_make_targets_in_the_documents_exist():
    named = {name for page in pages() for name in re.findall(r"\bmake ([a-z]+)\b", "\n".join(code(page)))}
    assert {"run", "test", "check"} <= named
    assert [name for name in sorted(named) if not recipe(name)] == []


def code(page):
    return re.findall(r"`+[^`]+`+", page.read_text("utf-8"))
