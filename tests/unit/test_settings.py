"""Settings: safe by default, unknown names refused, nothing that would switch a protection off."""

from dataclasses import fields
from pathlib import Path

import pytest

from countenance.errors import MalformedError
from countenance.settings import Settings, read_settings
from countenance.vocabulary import AttackChecking


def test_an_empty_environment_is_safe() -> None:
    settings = read_settings({"PATH": "/bin"})

    assert settings == Settings()
    assert settings.host == "127.0.0.1"
    assert len(fields(Settings)) > 20


def test_values_are_read_by_their_kind() -> None:
    settings = read_settings(
        {
            "COUNTENANCE_PORT": "8080",
            "COUNTENANCE_DATA_DIR": "/srv/faces",
            "COUNTENANCE_LAW_PACKS": "cn-2025, ./draft",
            "COUNTENANCE_THRESHOLD_FMR": "1e-5",
            "COUNTENANCE_ENGINE_CUDA": "no",
            "COUNTENANCE_TOKEN_FILE": "/the/client's",
        }
    )

    assert (settings.port, settings.data_dir) == (8080, Path("/srv/faces"))
    assert settings.law_packs == ("cn-2025", "./draft")
    assert settings.threshold_fmr == 1e-5
    assert settings.engine_cuda is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COUNTENANCE_ALLOW_ALL", "1"),
        ("COUNTENANCE_PORT", "eighty"),
        ("COUNTENANCE_ENGINE_CUDA", "perhaps"),
        ("COUNTENANCE_THRESHOLD_FMR", "0.5"),
        ("COUNTENANCE_THRESHOLD_FMR", "nan"),
        ("COUNTENANCE_THRESHOLD_FMR", "0"),
        ("COUNTENANCE_LAW_PACKS", ""),
        ("COUNTENANCE_SAMPLE_PIXELS_MAX", "0"),
        ("COUNTENANCE_ENGINE_WORKERS", "-1"),
        ("COUNTENANCE_PORT", "65536"),
        ("COUNTENANCE_PARITY_MARGIN_PERCENT", "101"),
        ("COUNTENANCE_PARITY_MARGIN_PERCENT", "-1"),
        ("COUNTENANCE_PARITY_MARGIN_STEPS", "6"),
        ("COUNTENANCE_PARITY_MEASUREMENTS_MIN", "0"),
        ("COUNTENANCE_PARITY_MEASUREMENTS_MIN", "1001"),
        ("COUNTENANCE_HOST", "0.0.0.0"),
        ("COUNTENANCE_TLS_KEY_FILE", "/key"),
        ("COUNTENANCE_PUBLIC_URL", ""),
        ("COUNTENANCE_PUBLIC_URL", "faces.example"),
        ("COUNTENANCE_PUBLIC_URL", "http://faces.example"),
        ("COUNTENANCE_PUBLIC_URL", "javascript:alert(1)"),
        ("COUNTENANCE_REQUEST_DAYS", "0"),
        ("COUNTENANCE_REQUEST_DAYS", "31"),
        ("COUNTENANCE_REQUEST_KEEP_DAYS", "999999"),
        ("COUNTENANCE_LINK_MINUTES", "1441"),
        ("COUNTENANCE_ATTACK_CHECK", "sometimes"),
        ("COUNTENANCE_ATTACK_CHECK", ""),
        ("COUNTENANCE_FRAMES_MAX", "33"),
        ("COUNTENANCE_FRAMES_MAX", "6"),
        ("COUNTENANCE_CHALLENGE_SECONDS", "301"),
        ("COUNTENANCE_CHALLENGE_SECONDS", "0"),
        ("COUNTENANCE_KEYS_FROM", "anywhere"),
        ("COUNTENANCE_KEYS_FROM", "mounted"),
    ],
)
def test_what_is_unknown_or_unsafe_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(MalformedError) as raised:
        read_settings({name: value})

    assert name.removeprefix("COUNTENANCE_").lower().replace("host", "tls").split("_")[0] in str(raised.value).lower()


def test_no_margin_at_all_can_be_asked_for() -> None:
    settings = read_settings({"COUNTENANCE_PARITY_MARGIN_PERCENT": "0", "COUNTENANCE_PARITY_MARGIN_STEPS": "0"})

    assert (settings.parity_margin_percent, settings.parity_margin_steps) == (0, 0)


def test_without_challenges_one_picture_may_be_the_most() -> None:
    settings = read_settings({"COUNTENANCE_ATTACK_CHECK": "off", "COUNTENANCE_FRAMES_MAX": "1"})
    assert (settings.attack_check, settings.frames_max) == (AttackChecking.OFF, 1)
    assert Settings().attack_check is AttackChecking.WHEN_OFFERED


def test_a_network_is_served_with_tls_only() -> None:
    assert read_settings({"COUNTENANCE_HOST": "0.0.0.0", "COUNTENANCE_TLS_ELSEWHERE": "yes"}).tls_elsewhere
