"""threadline.toml: what it may say, and how it is told what is wrong with it."""

from pathlib import Path

import pytest

from bot.adapter import ConfigurationError
from bot.configuration import load_configuration


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "threadline.toml"


def test_the_built_in_assistants_exist_without_a_configuration_file(config: Path) -> None:
    configuration = load_configuration(config)
    assert {"assistant", "tour", "small-talk"} <= configuration.assistants.keys()
    assert "often wrong" in configuration.assistants["small-talk"].notice


def test_the_file_adds_assistants_and_changes_built_in_ones(config: Path) -> None:
    config.write_text(
        'default = ["math-tutor"]\n'
        '[assistants.math-tutor]\ntitle = "Math Tutor"\n'
        '[assistants.assistant]\ndescription = "Ours"\n'
        "[assistants.small-talk]\nenabled = false\n"
    )
    configuration = load_configuration(config)
    assert configuration.default == ["math-tutor"]
    assert configuration.assistants["assistant"].description == "Ours"
    assert configuration.assistants["assistant"].title == "Assistant"
    assert "small-talk" not in configuration.assistants


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('default = ["tour"\n[assistants]', None, "not valid TOML"),
        ("# a comment\n[assistants.helper]\nmodel = 'x'\n", 2, "assistants.helper.title: this is missing"),
        ("[assistants.helper]\ntitle = 'H'\ntemperature = 9\n", 3, "assistants.helper.temperature: write 2 or less."),
        ("[assistants.helper]\ntitle = 'H'\nmodel = 9\n", 3, "assistants.helper.model: write text."),
        ("[assistants.helper]\ntitle = 'H'\ntools = ['x']\n", 3, "write 'code_interpreter' or 'file_search'."),
        ("[assistants.helper]\ntitle = 'H'\nfiles = ['a.pdf']\n", 3, "helper.files: there is no file 'a.pdf' in "),
        (
            "[assistants.helper]\ntitle = 'H'\nintructions = 'be kind'\n",
            3,
            "intructions: there is no such key; did you mean instructions?",
        ),
        ("\n[assistents.helper]\ntitle = 'H'\n", 2, "assistents: there is no such key; did you mean assistants?"),
        ("[models.x]\nbase_url = 'http://x'\nzzz = 1\n", 3, "there is no such key; known keys: base_url, api_key_env"),
        ("[assistants.Helper]\ntitle = 'H'\n", 1, "small letters"),
        ("\ndefault = ['nobody']\n", 2, "there is no assistant 'nobody'"),
        ("default = ['tour']\n[assistants.tour]\nenabled = false\n", 1, "name an enabled assistant"),
        ("default = 'tour'\n", 1, "default"),
        ("[channels.'web:local:page']\nassistant = 'nobody'\n", 2, "there is no enabled assistant 'nobody'"),
    ],
)
def test_a_configuration_error_names_its_line_and_key(config: Path, text: str, line: int | None, words: str) -> None:
    config.write_text(text)
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(config)
    sentence = str(refused.value)
    assert words.casefold() in sentence.casefold()
    assert (f", line {line}:" if line else "line 2") in sentence
    assert "\n" not in sentence


def test_all_errors_are_reported_together(config: Path) -> None:
    config.write_text("[assistants.helper]\ntitel = 'H'\ntemperature = 9\n")
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(config)
    title, temperature, unknown = str(refused.value).splitlines()
    assert "assistants.helper.title: this is missing." in title
    assert "line 3: assistants.helper.temperature: " in temperature
    assert unknown.endswith("line 2: assistants.helper.titel: there is no such key; did you mean title?")


def test_names_and_files_that_do_not_exist_are_reported_together(config: Path) -> None:
    config.write_text(
        "default = ['ghost']\nfunctions = ['nofile.py', 'os']\n"
        "[assistants.Helper]\ntitle = 'H'\nfiles = ['a.pdf']\n"
        "[channels.page]\nassistant = 'nobody'\n"
    )
    with pytest.raises(ConfigurationError) as refused:
        load_configuration(config)
    said = str(refused.value).splitlines()
    assert [line.removeprefix(f"{config}, ").partition(": there")[0].partition(": use")[0] for line in said] == [
        "line 3: assistants.Helper",
        'line 6: channels.page: write the channel as "PLATFORM:WORKSPACE:CHANNEL".',
        "line 7: channels.page.assistant",
        "line 5: assistants.Helper.files",
        "line 2: functions",
        "line 1: default",
    ]
