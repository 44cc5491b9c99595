"""Reminders on the real database: each once, by every way, by one of several servers, and never lost."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.errors import UnavailableError
from countenance.filing import calendar
from countenance.operations.remind import remind
from countenance.operations.ways import MailTls, Ways
from countenance.store.reminders import PAUSE
from tests.database import OPERATOR, Address, Hotel
from tests.operations.receivers import PASSWORD, USER, certified, mail_server
from tests.operations.reminding import at, by_mail, has_to_file, held, recorded


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    return has_to_file(hotel)


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return what a server called localhost serves with; whoever asks trusts who signed for it."""
    context, authority = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return context


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return file


# --- what is sent, and when ------------------------------------------------------------------------------------------


def test_each_step_is_told_once_in_both_languages_behind_tls(
    hotel: Hotel, sealed: ssl.SSLContext, password: Path
) -> None:
    with mail_server(sealed) as server:
        ways = by_mail(server, tls=MailTls.STARTTLS, login=USER, password_file=password)
        steps: list[tuple[int, int]] = []
        for number in range((date(2026, 12, 31) - date(2026, 11, 13)).days):
            day = date(2026, 11, 13) + timedelta(days=number)
            for hour in (9, 10):
                hotel.clock.now = at(day, hour)
                remind(hotel.house, OPERATOR, ways)
            steps += [(day.month, day.day)] * (len(server.taken) - len(steps))

    # T-20, -10, -5, -2, -1 working days, and the day after the last.
    assert steps == [(11, 16), (11, 30), (12, 7), (12, 10), (12, 11), (12, 15)]
    assert sorted({each.step for each in held(hotel)}) == [0, 1, 2, 5, 10, 20]
    first, last = server.taken[0], server.taken[-1]
    assert (first.sealed, first.to) == (True, ["officer@hotel.example"])
    assert first.message["From"] == "countenance@hotel.example"
    assert first.message["Subject"] == (
        "Countenance: The filing under cn-2023-draft: 20 working days left · 依 cn-2023-draft 备案：剩 20 个工作日"
    )
    for said in ("Last day: 2026-12-14; 20 working days left.", "截止日：2026-12-14", "https://faces.hotel.example"):
        assert said in first.text
    assert "overdue" in last.text
    assert "nobody new is enrolled" in last.text
    assert len({each.message["Message-ID"] for each in server.taken}) == 6
    assert recorded(hotel) == ["sent"] * 6
    assert recorded(hotel, "console") == ["sent"] * 6


def test_days_on_which_no_server_ran_are_not_made_up_for_one_by_one(hotel: Hotel) -> None:
    with mail_server() as server:
        hotel.clock.now = at(date(2026, 12, 10))
        remind(hotel.house, OPERATOR, by_mail(server))
        hotel.clock.now = at(date(2027, 1, 5))
        remind(hotel.house, OPERATOR, by_mail(server))
    assert [each.step for each in reversed(held(hotel)) if each.kind == "filing"] == [2, 0]
    assert len(server.taken) == 2


def test_a_letter_tells_of_all_that_is_due_and_names_no_person_and_no_request(hotel: Hotel) -> None:
    with hotel.house.database.transaction() as tx:
        subject = "00000000-0000-0000-0000-00000000000a"
        tx.execute(text(f"INSERT INTO subject VALUES ('{OPERATOR}', '{subject}', 'guest-7', 'adult', NULL, now())"))
        tx.execute(
            text(
                "INSERT INTO request (operator_id, request_id, subject_id, kind, opened_at, due_at) VALUES"
                f" ('{OPERATOR}', '{subject}', '{subject}', 'erase', '2026-11-12T02:00Z', '2026-11-27T16:00Z')"
            )
        )
    with mail_server() as server:
        remind(hotel.house, OPERATOR, by_mail(server))

    (taken,) = server.taken
    assert taken.message["Subject"] == "Countenance: 2 deadlines · 2 项期限"
    assert "The answer to a person's request: erasure\nLast day: 2026-11-27" in taken.text
    assert "答复个人请求：删除" in taken.text
    assert "guest-7" not in taken.text
    assert "000000000a" not in taken.text


def test_a_provisional_day_is_told_as_such_and_the_announced_one_is_told_anew(
    hotel: Hotel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE filing_duty SET raised_at = '2026-01-19T02:00:00Z'"))
    known = calendar.announced
    with mail_server() as server, monkeypatch.context() as patched:
        patched.setattr(calendar.deadline, "__defaults__", (lambda year: year < 2026 and known(year),))
        hotel.clock.now = at(date(2026, 2, 24))
        remind(hotel.house, OPERATOR, by_mail(server))
        patched.undo()
        remind(hotel.house, OPERATOR, by_mail(server))
        remind(hotel.house, OPERATOR, by_mail(server))

    earliest, announced = sorted(held(hotel), key=lambda each: each.last_day)
    assert (earliest.provisional, announced.provisional) == (True, False)
    assert earliest.last_day < announced.last_day
    assert ["provisional" in each.text for each in server.taken] == [True, False]
    assert "暂定" in server.taken[0].text


def test_what_was_filed_in_between_is_not_told_of(hotel: Hotel) -> None:
    with mail_server() as server:
        server.port, there = 1, server.port
        remind(hotel.house, OPERATOR, by_mail(server))
        with hotel.house.database.transaction() as tx:
            tx.execute(text(f"INSERT INTO filing VALUES ('{OPERATOR}', 'cn-2023-draft', '7', '2026-11-16')"))
        server.port = there
        hotel.clock.forward(hours=2)
        remind(hotel.house, OPERATOR, by_mail(server))
    (given_up,) = held(hotel)
    assert (server.taken, given_up.next_at, given_up.sent_at) == ([], None, None)


def test_without_a_way_the_console_alone_reminds_and_a_way_that_is_set_later_is_told_where_things_stand(
    hotel: Hotel,
) -> None:
    assert remind(hotel.house, OPERATOR, Ways()) == 1
    assert [each.way for each in held(hotel, "console")] == ["console"]
    with mail_server() as server:
        assert remind(hotel.house, OPERATOR, by_mail(server)) == 1
        assert len(server.taken) == 1


def test_a_clock_that_was_set_back_reminds_of_nothing(hotel: Hotel) -> None:
    remind(hotel.house, OPERATOR, Ways())
    hotel.clock.forward(days=-3)
    with mail_server() as server:
        assert remind(hotel.house, OPERATOR, by_mail(server)) == 0
        assert server.taken == []


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_tried_again_with_growing_pauses_until_it_is_up(hotel: Hotel) -> None:
    with mail_server() as server:
        ways = by_mail(server)
    began = hotel.clock()
    tried: list[timedelta] = []
    for _ in range(30):
        before = held(hotel)[0].tries if held(hotel) else 0
        assert remind(hotel.house, OPERATOR, ways) == (0 if before else 1), "the console alone, once"
        if held(hotel)[0].tries > before:
            tried.append(hotel.clock() - began)
        hotel.clock.forward(minutes=30)
    apart = [later - earlier for earlier, later in pairwise(tried)]
    assert len(apart) >= 3
    assert apart == sorted(apart)
    assert apart[0] >= PAUSE
    assert apart[-1] > 2 * apart[0]
    assert recorded(hotel) == ["failed"] * len(tried)
    (waits,) = held(hotel)
    assert (waits.trouble, waits.sent_at) == ("unreachable", None)

    with mail_server(port=ways.mail.port if ways.mail else 0) as server:
        hotel.clock.now = waits.next_at or began
        assert remind(hotel.house, OPERATOR, ways) == 1
        assert len(server.taken) == 1
    assert recorded(hotel)[-1] == "sent"
    assert held(hotel)[0].trouble is None


def test_of_steps_that_could_not_be_told_the_newest_alone_is(hotel: Hotel) -> None:
    with mail_server() as server:
        ways = by_mail(server)
    for day in (date(2026, 11, 16), date(2026, 11, 30), date(2026, 12, 7)):
        hotel.clock.now = at(day)
        remind(hotel.house, OPERATOR, ways)
    with mail_server(port=server.port) as again:
        hotel.clock.forward(hours=3)
        remind(hotel.house, OPERATOR, ways)
    (taken,) = again.taken
    assert "5 working days left" in taken.text


# --- several servers, and ones that are cut off ---------------------------------------------------------------------


def server_process(address: Address, port: int, when: datetime, cut: str = "") -> subprocess.Popen[str]:
    """Start a process that reminds once a line is written to it."""
    words = [sys.executable, "-m", "tests.operations.remind_once", address.url, str(port), when.isoformat(), cut]
    made = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None
    assert made.stdout.readline() == "ready\n"
    return made


def let_go(processes: list[subprocess.Popen[str]]) -> Iterator[tuple[int, str]]:
    """Let them remind at the same moment, and return how each ended and what it said."""
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    for each in processes:
        said, _ = each.communicate(timeout=60)
        yield each.returncode, said


def test_of_two_servers_at_once_one_sends_each_reminder(hotel: Hotel, address: Address) -> None:
    with hotel.house.database.transaction() as tx:  # so many that one letter does not hold them
        tx.execute(
            text(
                "INSERT INTO device (operator_id, device_id, place_id, name, sign_checked_on, suspended, retired)"
                f" SELECT '{OPERATOR}', 'gate-' || n, 'front-desk', 'x', '2026-08-01', false, false"
                " FROM generate_series(1, 450) AS n"
            )
        )
    with mail_server(thinks_seconds=0.5) as server:  # so that each is in the middle of a letter while the other claims
        both = [server_process(address, server.port, hotel.clock()) for _ in range(2)]
        ended = list(let_go(both))
    assert [code for code, _ in ended] == [0, 0]
    told = [line for each in server.taken for line in each.text.splitlines() if line.startswith("The look at the sign")]
    assert (len(told), len(set(told))) == (450, 450)
    assert all(each.tries == 1 and each.sent_at for each in held(hotel))
    assert len(held(hotel)) == 451
    assert len(recorded(hotel)) == len(server.taken) >= 3


def test_who_is_cut_off_between_claim_and_letter_leaves_it_to_the_next(hotel: Hotel, address: Address) -> None:
    with mail_server() as server:
        ((code, _),) = let_go([server_process(address, server.port, hotel.clock(), "cut")])
        assert (code, server.taken) == (9, [])
        (claimed,) = held(hotel)
        assert (claimed.tries, claimed.sent_at, claimed.next_at) == (1, None, hotel.clock() + PAUSE)

        remind(hotel.house, OPERATOR, by_mail(server))
        assert server.taken == [], "it is somebody's still"
        hotel.clock.now += PAUSE
        remind(hotel.house, OPERATOR, by_mail(server))
        assert len(server.taken) == 1
    assert held(hotel)[0].tries == 2


def test_what_was_sent_and_could_not_be_written_down_comes_again_under_the_same_id(hotel: Hotel) -> None:
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql"
            )
        )
        tx.execute(
            text(
                "CREATE TRIGGER full_disk BEFORE UPDATE ON reminder FOR EACH ROW"
                " WHEN (NEW.sent_at IS NOT NULL AND NEW.way = 'mail') EXECUTE FUNCTION full_disk()"
            )
        )
    with mail_server() as server:
        with pytest.raises(UnavailableError):
            remind(hotel.house, OPERATOR, by_mail(server))
        with hotel.house.database.transaction() as tx:
            tx.execute(text("DROP TRIGGER full_disk ON reminder"))
        hotel.clock.forward(hours=1)
        remind(hotel.house, OPERATOR, by_mail(server))
    assert len(server.taken) == 2
    assert len({each.message["Message-ID"] for each in server.taken}) == 1
