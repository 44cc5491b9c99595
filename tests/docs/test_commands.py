"""What the documents show is what happens: every console block of the README is typed, in order, at a real server."""

import re
from itertools import pairwise

import pytest

from tests.docs.pages import ROOT, Typed, commands, pages
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
    typed = [each for each in commands((ROOT / page).read_text("utf-8")) if each.command not in OURSELVES]
    assert "make run" in [each.command for each in typed]
    assert len(typed) > 5
    with Reader() as reader:
        for each in typed:
            ended, printed = reader.type(each.command)
            assert ended == status(each.command), f"$ {each.command}\n{printed}"
            assert each.answered_by(printed), f"$ {each.command}\n{printed}\nbut the page shows\n" + "\n".join(
                each.shown
            )
        assert reader.beyond() == []


@pytest.mark.timeout(400)
def test_what_the_demonstration_prints_can_be_pasted():
    with Reader() as reader:
        reader.serve()
        lines = reader.printed("Stop with").splitlines()
        pasted = 0
        for line, after in pairwise([*lines, ""]):
            if re.match(r"  (export |countenance |[A-Z_]+=)", line):
                ended, printed = reader.type(line.strip())
                assert ended == (3 if after.strip().startswith("refused") else 0), f"{line}\n{printed}"
                pasted += 1
    assert pasted > 8


def test_the_shell_remembers_and_tells():
    with Reader() as reader:
        assert reader.type("A=3; cd /tmp") == (0, "\n")
        assert reader.type('echo "$A $PWD"') == (0, "3 /tmp\n\n")
        assert reader.type("false # as announced, exit 1")[0] == status("false # as announced, exit 1") == 1
        assert reader.type("echo http://127.0.0.1:8000")[1].strip() == reader.environment["COUNTENANCE_URL"]


def test_an_address_beyond_this_machine_is_noted():
    with Reader() as reader:
        assert reader.type("""python -c 'import socket; socket.getaddrinfo("192.0.2.1", 80)'""")[0] == 0
        assert reader.beyond() == ["'192.0.2.1'"]


def test_console_blocks_are_read():
    text = "```console\n$ one \\\n    --more\nwhat it prints\n$ two\n```\n```\n$ three\n```\n"
    assert commands(text) == [Typed("one \\\n    --more", ["what it prints"]), Typed("two")]


def test_what_is_shown_is_compared():
    printed = "Refused.\n  article 5: no consent\n  On record as 7.\n"
    assert Typed("", ["Refused.", "  article …", "On record as …"]).answered_by(printed)
    assert Typed("", []).answered_by(printed)
    assert not Typed("", ["Permitted."]).answered_by(printed)
    assert not Typed("", ["On record as …", "Refused."]).answered_by(printed)


def test_make_targets_in_the_documents_exist():
    named = {name for page in pages() for name in re.findall(r"\bmake ([a-z]+)\b", "\n".join(code(page)))}
    assert {"run", "test", "check"} <= named
    assert [name for name in sorted(named) if not recipe(name)] == []


def code(page):
    return re.findall(r"`+[^`]+`+", page.read_text("utf-8"))


def subcommands() -> set[str]:
    """Return every command of the command line as it is typed."""
    return set(
        re.findall(r"^### (countenance [a-z ]+)$", (ROOT / "docs/reference/command-line.md").read_text(), re.MULTILINE)
    )


def unknown_commands(text: str) -> list[str]:
    """Return what a text calls commands of the command line and is none; a group of commands may stand alone."""
    known = subcommands()
    known |= {command.rsplit(" ", 1)[0] for command in known}
    named = [
        found
        for span in re.findall(r"`+[^`]+`+", text)
        for found in re.findall(r"countenance( [a-z]+)( [a-z]+)?", span)
    ]
    return [one + two for one, two in named if not {f"countenance{one}", f"countenance{one}{two}"} & known]


def test_commands_in_the_documents_exist():
    assert len(subcommands()) > 10
    assert {page.name: strange for page in pages() if (strange := unknown_commands(page.read_text("utf-8")))} == {}


def test_an_unknown_command_is_seen():
    assert unknown_commands("`countenance law decide F`, `countenance law`, `countenance serve`") == []
    assert unknown_commands("`countenance match A B`") == [" match"]


def test_settings_in_the_documents_exist():
    from countenance.app.authority import PREFIX, AuthoritySettings
    from countenance.settings import CLIENT_NAMES, Settings

    known = {f"COUNTENANCE_{name.upper()}" for name in Settings.__dataclass_fields__}
    known |= {f"COUNTENANCE_{name}" for name in CLIENT_NAMES}
    known |= {f"{PREFIX}{name.upper()}" for name in AuthoritySettings.model_fields} | {PREFIX.rstrip("_")}
    texts = {page.name: set(re.findall(r"COUNTENANCE_[A-Z_]*[A-Z]", page.read_text("utf-8"))) for page in pages()}
    assert sum(map(len, texts.values())) > len(known)
    assert {name: named - known for name, named in texts.items() if named - known} == {}
