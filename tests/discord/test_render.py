"""A reply as Discord messages: harmless, whole, within the limit."""

from hypothesis import given

from adapters.discord.render import CONTINUED, LIMIT, MOST_MESSAGES, letter, private
from bot.segments import Code, File, Notice, Segment, Source, Sources, Step, Table, Text
from tests.words.markdown import cases, markdown


def whole(*segments: Segment) -> list[str]:
    return letter().whole(segments).texts


def test_a_label_is_a_small_last_line_and_a_problem_is_plain_text() -> None:
    assert whole(Text("Yes."), Notice("often wrong")) == ["Yes.\n\n-# often wrong"]
    assert whole(Notice("No model.", kind="problem")) == ["No model."]


def test_a_question_asked_by_command_is_quoted_above_the_answer() -> None:
    because = [Text("Because.")]
    assert letter(asked="why\n@everyone?").whole(because).texts == ["> why @\u200beveryone?\nBecause."]
    assert len(letter(asked="why " * 1_000).whole(because).texts[0]) < 250


def test_an_empty_answer_is_no_message() -> None:
    assert letter().growing([]) == letter().growing([Text(" \n")]) == letter(asked="why?").growing([]) == []
    assert whole() == whole(Text(" \n ")) == []


@cases
@given(markdown)
def test_every_prefix_fits_the_limit_and_pings_nobody(text: str) -> None:
    reply = letter()
    for end in range(0, len(text), 37):
        for part in reply.growing([Text(text[:end]), Notice("label")]):
            assert len(part) <= LIMIT
            assert "@everyone" not in part.lower()


def test_a_table_is_aligned_in_a_code_block_and_a_wide_one_is_listed_row_by_row() -> None:
    assert whole(Text("| a | 名前 |\n|--|--:|\n| x | **1** |\n| yy | [2](https://e.org) |")) == [
        "```\na                名前\n──  ─────────────────\nx                   1\nyy  2 (https://e.org)\n```"
    ]
    assert whole(Table((("one", "two"), ("x" * 40, "y" * 40)))) == [f"```\none: {'x' * 40} · two: {'y' * 40}\n```"]


def test_a_wide_table_is_also_attached_as_a_spreadsheet() -> None:
    sent = letter().whole([Table((("name", "sum"), ("x" * 60, "=1+1")))])
    (file,) = sent.files
    assert (file.name, file.data.decode()) == ("table-1.csv", f"name,sum\n{'x' * 60},'=1+1\n")


def test_markdown_that_discord_lacks_is_converted() -> None:
    assert whole(Text("#### Deep\n\nTitle\n===\n\n---\n\n![a cat](https://e.org/c.png)")) == [
        "**Deep**\n\n# Title\n\n──────────\n\n[a cat](https://e.org/c.png)"
    ]


def test_a_link_whose_text_is_another_address_shows_its_target() -> None:
    (text,) = whole(Text("[https://bank.example.com](https://evil.org) [the bank](https://bank.org)"))
    assert text == "`https://bank.example.com` (https://evil.org) [the bank](https://bank.org)"


def test_a_link_keeps_its_text_and_its_address_pings_nobody() -> None:
    assert whole(Text("[@everyone](https://e.org/@here)")) == ["[@\u200beveryone](https://e.org/%40here)"]


def test_formulas_are_converted_and_dollar_amounts_are_not() -> None:
    (text,) = whole(Text("\\(x^2 \\leq 4\\) costs $5 or $6, see `$x^2$`"))
    assert text == "x² ≤ 4 costs $5 or $6, see `$x^2$`"


def test_sources_are_listed_under_the_answer_and_steps_are_shown_only_while_it_grows() -> None:
    notes = Sources((Source(1, "rules_2.pdf", "No dogs."),))
    assert whole(Text("No.[1]"), Step("Reading"), notes) == ["No.[1]\n\n-# [1] rules\\_2.pdf: “No dogs.”"]
    assert letter().growing([Text("No."), Step("Reading")]) == ["No.\n\n-# Reading"]


def test_markdown_in_a_cited_passage_is_escaped() -> None:
    notes = Sources((Source(1, "days.docx", "days | 42 ||hidden|| *loud*"),))
    assert whole(Text("No.[1]"), notes) == ["No.[1]\n\n-# [1] days.docx: “days | 42 \\|\\|hidden\\|\\| \\*loud\\*”"]


def test_code_that_contains_a_fence_stays_code() -> None:
    apart = "``\u200b`"
    assert whole(Code("```\n", "text")) == [f"```text\n{apart}\n\n```"]
    assert whole(Text("- so\n  ````md title=x\n  ```\n  ````\n- on")) == [f"- so\n  ```\n  {apart}\n  ```\n- on"]


def test_code_in_other_markdown_forms_becomes_a_fenced_block() -> None:
    assert whole(Text("~~~py\n*x*\n~~~\n\nthen\n\n    *y*\n      z\n\nand")) == [
        "```py\n*x*\n```\n\nthen\n\n```\n*y*\n  z\n```\n\nand"
    ]
    assert whole(Text("> ~~~\n> x\n> ~~~\n> so")) == ["> ```\n> x\n> ```\n> so"]
    assert letter().growing([Text("~~~py\nx = 1")]) == ["```py\nx = 1\n```"]


def test_character_references_are_decoded() -> None:
    assert whole(Text("a &lt;b&gt; &amp;amp; `&lt;` &nosuch; &copy; &lt;!channel&gt; &#64;everyone &#42;x*")) == [
        "a \\<b\\> &amp; `&lt;` &nosuch; © \\<\u200b!channel\\> @\u200beveryone \\*x*"
    ]


def test_six_thousand_characters_with_a_fence_are_posted_completely() -> None:
    answer = "A sentence of words. " * 60 + "\n\n```python\n" + "print('hello')\n" * 270 + "```\n\n" + "The end. " * 90
    sent = letter().whole([Text(answer)])
    assert len(answer) > 6_000
    assert len(sent.texts) <= MOST_MESSAGES
    assert sent.files == ()
    assert sum(text.count("print('hello')") for text in sent.texts) == 270
    assert all(text.count("```") in (0, 2) for text in sent.texts)
    assert all(text.startswith(CONTINUED) for text in sent.texts[1:])


def test_an_answer_that_needs_too_many_messages_is_begun_and_attached_as_a_file() -> None:
    answer = "".join(f"Line {number} of the long answer.\n" for number in range(2_000))
    reply = letter()
    shown = reply.growing([Text(answer[: len(answer) // 2])])
    sent = reply.whole([Text(answer), File("plot.csv", "text/csv", b"1")])
    assert shown[:MOST_MESSAGES] == sent.texts[:MOST_MESSAGES]
    assert [file.name for file in sent.files] == ["answer.md", "plot.csv"]
    assert sent.files[0].data.decode() == answer
    assert "".join(t.removeprefix(CONTINUED) for t in [*sent.texts, *sent.instead]).split() == answer.split()


def test_an_answer_to_a_command_pings_nobody() -> None:
    assert private("there is no @everyone") == ["there is no @\u200beveryone"]
