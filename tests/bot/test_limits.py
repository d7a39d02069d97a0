"""What code may use is set by the operator; a value that makes no sense is refused before anything starts."""

import pytest

from assistants.service.tools import Limits
from bot.resources import limits_of
from bot.settings import SettingsError, load_settings


def test_the_default_limits_are_those_of_the_sandbox() -> None:
    assert limits_of(load_settings()) == Limits()


def test_each_setting_sets_its_limit() -> None:
    limits = limits_of(
        load_settings(
            sandbox_seconds=7,
            sandbox_processor_seconds=6.5,
            sandbox_memory_mib=512,
            sandbox_disk_mib=5,
            sandbox_output_kib=4,
            sandbox_idle_seconds=30,
        )
    )
    assert (limits.wall, limits.processor, limits.idle) == (7, 6.5, 30)
    assert (limits.memory, limits.disk, limits.output) == (512 << 20, 5 << 20, 4 << 10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SANDBOX_SECONDS", "0.5"),
        ("SANDBOX_SECONDS", "601"),
        ("SANDBOX_SECONDS", "nan"),
        ("SANDBOX_PROCESSOR_SECONDS", "-1"),
        ("SANDBOX_PROCESSOR_SECONDS", "inf"),
        ("SANDBOX_MEMORY_MIB", "1 GiB"),
        ("SANDBOX_MEMORY_MIB", "64"),
        ("SANDBOX_DISK_MIB", "0"),
        ("SANDBOX_OUTPUT_KIB", "1.5"),
        ("SANDBOX_OUTPUT_KIB", "100000"),
        ("SANDBOX_IDLE_SECONDS", "soon"),
    ],
)
def test_an_invalid_limit_is_refused_with_the_name_of_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"^{name} is '{value}': write (a|[\d.]+) [^.]+\.$"):
        load_settings()


def test_all_wrong_settings_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    monkeypatch.setenv("LEAVING_GRACE", "some")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert sorted(line.partition(" ")[0] for line in str(refused.value).splitlines()) == ["LEAVING_GRACE", "PORT"]
