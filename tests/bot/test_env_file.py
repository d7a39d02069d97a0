""".env: what is wrong in it is told by file and line, and never with a value."""

from pathlib import Path

import pytest

from bot.settings import SettingsError, load_settings, misspelled_settings
from tests.bot.conftest import Start, address

ENV = Path(".env")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("HOST=127.0.0.1\n\nnot a line\nPORT=1\n", 3),
        ('HOST="127.0.0.1\nPORT=1\n', 1),
        ("# a comment\nHOST='127.0.0.1\n", 2),
        ('HOST="127.0.0.1"sk-secret\n', 1),
        ("MY HOST=sk-secret", 1),
        ("\n\n=sk-secret\n", 3),
    ],
)
def test_a_line_of_env_that_cannot_be_read_is_refused_with_file_line_and_remedy(text: str, line: int) -> None:
    ENV.write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value) == (
        f".env, line {line}: this cannot be read. Write NAME=value, and close every quotation mark that you open."
    )


def test_all_lines_of_env_that_cannot_be_read_are_reported_together() -> None:
    ENV.write_text("one bad line\nPORT=1\nanother one\n", "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [".env, line 1", ".env, line 3"]


def test_an_env_file_that_is_not_text_is_refused_in_one_sentence() -> None:
    ENV.write_bytes(b"HOST=\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"^\.env is not UTF-8 text\. Save it as UTF-8 and start again\.$"):
        load_settings()


def test_an_env_file_may_contain_comments_quotes_and_names_of_other_programs() -> None:
    ENV.write_text("\ufeffPORT=1\n# comment\n\nexport HOST='::1'  # ours\nOTHER_PROGRAM=\"a\nb\"\nALONE\n", "utf-8")
    assert (load_settings().port, load_settings().host) == (1, "::1")
    assert misspelled_settings() == ""


def test_a_misspelled_setting_in_env_is_named_with_the_one_it_resembles() -> None:
    ENV.write_text("PORTT=1\nmodl=sk-secret\nPORT=2\nDISCORD_BOT_TOKEN=sk-secret\nOPENAI_API_KEY=sk-secret\n", "utf-8")
    assert misspelled_settings() == (
        "PORTT (did you mean PORT?), modl (did you mean MODEL?), DISCORD_BOT_TOKEN (did you mean DISCORD_TOKEN?)"
    )


def test_a_broken_env_file_keeps_the_program_from_starting(start: Start, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HOST=127.0.0.1\nnot a line\n", "utf-8")
    program = start()
    assert program.wait() == 2
    assert program.output.strip().endswith("quotation mark that you open.")
    assert program.output.startswith("Error: .env, line 2: this cannot be read.")
    assert len(program.output.strip().splitlines()) == 1


def test_the_start_warns_of_misspelled_settings_in_one_line_without_values(start: Start, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORTT=8123456\nMODL=sk-secret\n", "utf-8")
    program = start()
    assert address(program)
    (line,) = (line for line in program.output.splitlines() if "PORTT" in line)
    assert "PORTT (did you mean PORT?), MODL (did you mean MODEL?)" in line
    assert "sk-secret" not in program.output
    assert "8123456" not in program.output
