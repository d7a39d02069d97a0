"""What `/assistant` offers, and when Discord is told of it."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters.discord.commands import choices, essence
from adapters.discord.gateway import invitation
from bot.views import AssistantChoice
from tests.conftest import ROOT


def assistant(name: str, title: str) -> AssistantChoice:
    return AssistantChoice(name, title, "", ready=True)


@pytest.mark.parametrize(("typed", "names"), [("", ["tour", "math-tutor"]), ("TUT", ["math-tutor"]), ("small", [])])
def test_choices_match_the_typed_text_by_name_or_title(typed: str, names: list[str]) -> None:
    assistants = [assistant("tour", "Tour"), assistant("math-tutor", "Math Tutor")]
    assert [choice.value for choice in choices(assistants, typed)] == names


def test_choices_stay_within_discords_limits() -> None:
    many = [assistant(f"{number}" * 120, "Title " * 30) for number in range(30)]
    found = choices(many, "")
    assert len(found) == 25
    assert all(len(choice.name) <= 100 and len(choice.value) <= 100 for choice in found)


def test_fields_that_discord_adds_do_not_make_a_command_different() -> None:
    ours = {"name": "assistant", "type": 1, "options": [{"name": "use", "type": 1, "options": [], "required": False}]}
    theirs = {**ours, "id": "7", "version": "8", "dm_permission": True, "options": [{"name": "use", "type": 1}]}
    assert essence(ours) == essence(theirs)
    assert essence(ours) != essence({**theirs, "options": [{"name": "list", "type": 1}]})


def test_the_invitation_link_matches_the_documentation() -> None:
    asked = invitation(7).replace("7", "APPLICATION_ID", 1).replace("%20", "+")
    wanted = parse_qs(urlsplit(asked).query)
    found = re.search(r"https://discord\.com/oauth2/authorize\?\S+", (ROOT / "docs" / "discord.md").read_text("utf-8"))
    assert found is not None
    assert parse_qs(urlsplit(found[0]).query) == wanted
