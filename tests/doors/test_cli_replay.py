"""`countenance law replay` at a real database: what it prints, its options and its exit codes."""

import json
import os
import pty
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from countenance.store.database import Database
from tests.database import Address
from tests.doors.test_cli_house import Shell
from tests.recorded import AT, SHELVED, keep, story, without


@pytest.fixture
def shell(address: Address, database: Database, tmp_path: Path) -> Shell:
    """Return a command line for a database with three verifications at a bank on record, one a day."""
    acts = [story(venue={"kind": "bank"}, alternative={"available": False}) for _ in range(3)]
    keep(database, [act.at_instant(AT + timedelta(days=day)) for day, act in enumerate(acts)])
    return Shell(address, tmp_path)


def test_the_law_of_today_changes_nothing(shell: Shell) -> None:
    ended = shell("law", "replay")

    both = "cn-2023-draft, cn-2025"
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        f"3 decisions of 3 records made again under {both}. · 已按 {both} 重演 3 条记录中的 3 项决定。",
        "No outcome changes. · 结果均无变化。",
    ]


def test_other_law_is_counted_by_article_direction_and_kind_of_venue(shell: Shell, tmp_path: Path) -> None:
    cut = str(without(tmp_path, "cn-2025", "03", "06", "13")[0].name)
    told = shell("law", "replay", "--pack", f"{tmp_path}/{cut}", "--json")
    shown = shell("law", "replay", "--pack", f"{tmp_path}/{cut}")

    answer = json.loads(told.stdout)
    assert told.returncode == shown.returncode == 0
    assert (answer["operator"], answer["decisions"], answer["changed"]) == ("harbour-hotel", 3, 3)
    assert answer["refusal_to_permit"] == 0, "article 10 of the measures still refuses"
    assert {"pack": "cn-2025", "article": "6", "direction": "no_longer_refuses", "decisions": 3} in [
        {name: row[name] for name in ("pack", "article", "direction", "decisions")} for row in answer["articles"]
    ]
    assert all(row["venues"] == {"bank": 3} for row in answer["articles"])
    assert "  bank: 3 of 3 change; permit → refusal 0, refusal → permit 0." in shown.stdout
    assert "cn-2025 article 6\n  no longer refuses · 不再拒绝: 3 (bank 3)\n" in shown.stdout


def test_a_period_is_named_by_days_where_the_law_applies_or_by_times(shell: Shell) -> None:
    def records(*options: str) -> int:
        return int(json.loads(shell("law", "replay", "--json", *options).stdout)["records"])

    assert records("--since", "2026-11-24") == 2
    assert records("--until", "2026-11-24") == 2
    assert records("--since", "2026-11-24", "--until", "2026-11-24") == 1
    assert records("--since", "2026-11-24T02:00:01Z", "--until", "2026-11-25T02:00:00Z") == 0


def test_an_edition_is_named_and_another_day_is_judged(shell: Shell) -> None:
    edition = SHELVED[1].edition
    answer = json.loads(shell("law", "replay", "--pack", edition, "--at", "2024-01-01T00:00:00+08:00", "--json").stdout)

    assert answer["packs"] == {"cn-2025": edition}
    assert (None, "newly_refuses", 3) in [
        (row["pack"], row["direction"], row["decisions"]) for row in answer["articles"]
    ]
    assert {row["at_hand"] for row in answer["recorded_editions"]} == {True}


def test_what_is_left_out_is_said(shell: Shell, database: Database, tmp_path: Path) -> None:
    keep(database, [story(), story(), story(venue={"kind": "bank"})], packs=without(tmp_path, "cn-2025", "10"))
    with database.transaction() as tx:
        newest = int(tx.exec_driver_sql("SELECT max(number) FROM record").scalar_one())
        tx.exec_driver_sql(f"UPDATE record SET body = body || ' ' WHERE number = {newest - 1}")
        tx.exec_driver_sql(
            "UPDATE record SET digest = sha256(replace(convert_from(body, 'UTF8'), 'bank', 'palace')::bytea),"
            f" body = replace(convert_from(body, 'UTF8'), 'bank', 'palace')::bytea WHERE number = {newest}"
        )

    shown = shell("law", "replay").stdout

    assert "1 decisions unreadable" in shown
    assert "1 records altered" in shown
    assert "Not at hand · 现无此版本: cn-2025 sha256:" in shown


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--since", "yesterday"), 2),
        (("--until", "2026-11-31"), 2),
        (("--at", "2026-11-23"), 2),
        (("--since", "2026-11-24", "--until", "2026-11-22"), 2),
        (("--sideways",), 2),
        (("--pack", "eu"), 4),
        (("--pack", "/no/such/pack"), 4),
        (("--pack", "sha256:" + "0" * 64), 4),
        (("--operator", "nobody"), 1),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(shell: Shell, words: tuple[str, ...], status: int) -> None:
    ended = shell("law", "replay", *words)

    assert ended.returncode == status, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.strip()
    assert "Traceback" not in ended.stderr
    if "--sideways" not in words:
        assert ended.stderr.count("\n") == 1


def test_a_pack_that_does_not_load_exits_4_with_file_and_line(shell: Shell, tmp_path: Path) -> None:
    pack = tmp_path / without(tmp_path, "cn-2025")[0].name
    article = pack / "articles" / "10-another-way.md"
    article.write_text(article.read_text("utf-8").replace("context.alternative.available", "context.colour"), "utf-8")

    ended = shell("law", "replay", "--pack", str(pack))

    assert (ended.returncode, ended.stdout) == (4, "")
    assert "10-another-way.md:" in ended.stderr
    named_by_the_setting = shell("law", "replay", "--pack", "cn-2025", COUNTENANCE_LAW_PACKS=str(pack))
    assert named_by_the_setting.returncode == 0


def test_progress_is_shown_on_a_terminal_and_answers_are_not_mixed_with_it(shell: Shell) -> None:
    ours, theirs = pty.openpty()
    ended = subprocess.run(
        [sys.executable, "-m", "countenance", "law", "replay", "--json"],
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=False,
        timeout=60,
    )
    os.close(theirs)
    seen = os.read(ours, 65536).decode("utf-8")
    os.close(ours)

    assert json.loads(ended.stdout)["decisions"] == 3
    assert "Replaying · 重演" in seen
    assert "100%" in seen
