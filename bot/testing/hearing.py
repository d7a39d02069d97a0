"""Contract tests for incoming messages: each message of a person arrives once, redeliveries are recognised."""

from bot.incoming import Incoming
from bot.segments import Text
from bot.testing.asked import Asked
from bot.testing.stage import Stage, must, needs


class Hearing:
    """The tests about incoming messages."""

    async def test_a_message_becomes_exactly_one_incoming(self, stage: Stage) -> None:
        said = await stage.say("What is two and two?")
        must(await stage.acknowledged(said), "A message that was taken is acknowledged.")
        must(len(_events(stage)) == 1, "A message is one event, however often it is delivered.", stage.bot.received)
        incoming = stage.bot.received[0]
        name = stage.adapter.name
        must(incoming.text == "What is two and two?", "The text is what was typed, without our own name.", incoming)
        must(incoming.addressed, "A message meant for us is addressed.", incoming)
        must(bool(incoming.author.id) and not incoming.author.is_bot, "The author is a person with an id.", incoming)
        must(bool(incoming.position), "The position sorts the message within its conversation.", incoming)
        must(incoming.place.platform == name, "The place's platform is the adapter's name.", incoming)
        for key in (incoming.event, incoming.place.key):
            must(key.startswith(f"{name}:"), "Keys begin with the adapter's name, so that no other has them.", key)

    async def test_the_words_arrive_as_they_were_typed(self, stage: Stage) -> None:
        text = "a < b && c > d, “so”, 2 * 3 * 4, é, 漢字, 👩‍🚀 and `x_y_z`"
        await stage.say(text)
        await stage.bot.until(lambda: bool(stage.bot.received))
        heard = stage.bot.received[0].text
        must(heard == text, "The platform's own escapes are undone, everything else stays.", heard)

    async def test_what_follows_in_a_conversation_has_its_key_and_a_later_position(self, stage: Stage) -> None:
        earlier = await Asked.on(stage)
        await earlier.finish(earlier.reply(), [Text("One.")])
        first, second = earlier.incoming, (await Asked.on(stage, after=earlier.said)).incoming
        must(first.event != second.event, "Two messages are two events.", [first, second])
        must(first.place.key == second.place.key, "One conversation has one key.", [first, second])
        must(first.position < second.position, "Positions sort as text, in the order of speaking.", [first, second])

    async def test_another_conversation_has_another_key(self, stage: Stage) -> None:
        await stage.say("here")
        here = await stage.bot.takes("here")
        await stage.say("there")
        there = await stage.bot.takes("there")
        must(here.place.key != there.place.key, "Two conversations have two keys.", [here, there])

    @needs("redelivery")
    async def test_a_message_delivered_twice_is_the_same_message(self, stage: Stage) -> None:
        said = await stage.say("twice")
        must(await stage.acknowledged(said), "A message that was taken is acknowledged.")
        before = len(stage.bot.received)
        await stage.resend(said)
        await stage.bot.until(lambda: len(stage.bot.received) > before)
        must(len(_events(stage)) == 1, "The event is the message's identity, not the delivery's.", stage.bot.received)
        same = {(i.place, i.author, i.text, i.addressed) for i in stage.bot.received}
        must(len(same) == 1, "Every delivery of a message says the same.", same)

    @needs("acknowledgement")
    async def test_a_message_that_was_not_claimed_is_not_acknowledged(self, stage: Stage) -> None:
        stage.bot.claims = False
        said = await stage.say("do not lose me")
        await stage.bot.until(lambda: bool(stage.bot.refused))
        must(not await stage.acknowledged(said), "NotClaimedError means: do not acknowledge.", stage.bot.refused)

    async def test_a_message_that_was_not_claimed_is_taken_when_it_comes_again(self, stage: Stage) -> None:
        stage.bot.claims = False
        said = await stage.say("do not lose me")
        await stage.bot.until(lambda: bool(stage.bot.refused))
        stage.bot.claims = True
        await stage.resend(said)
        await stage.bot.takes("do not lose me")

    @needs("bots")
    async def test_other_bots_and_our_own_messages_are_nobodys_question(self, stage: Stage) -> None:
        for said in (await stage.say_as("bot", "I am a bot, too"), await stage.say_as("us", "I said this myself")):
            must(await stage.acknowledged(said), "What is ignored is acknowledged, or it would come again.", said)
        people = [incoming for incoming in stage.bot.received if not incoming.author.is_bot]
        must(people == [], "What a bot says, ourselves included, is ignored or marked is_bot.", people)
        await stage.say("and I am a person")
        await stage.bot.takes("and I am a person")

    @needs("bystanders")
    async def test_what_was_meant_for_others_is_not_addressed(self, stage: Stage) -> None:
        said = await stage.say("just between us", addressed=False)
        must(await stage.acknowledged(said), "What is not for us is acknowledged all the same.")
        addressed = [incoming for incoming in stage.bot.received if incoming.addressed]
        must(addressed == [], "A message that names nobody is not addressed to us, if it is heard at all.", addressed)

    @needs("clicks")
    async def test_a_click_nobody_offered_changes_nothing(self, stage: Stage) -> None:
        said = await stage.say("before")
        await stage.bot.takes("before")
        seen = await stage.until(said, lambda _: True)
        await stage.click(said, "contract:nobody-made-this")
        must(len(_events(stage)) == 1, "An unknown click is no message.", stage.bot.received)
        must(stage.bot.commands == [], "An unknown click is no command.", stage.bot.commands)
        now = await stage.until(said, lambda _: True)
        must(list(now) == list(seen), "An unknown click changes nothing in the conversation.", now)
        await stage.say("after")
        await stage.bot.takes("after")


def _events(stage: Stage) -> dict[str, Incoming]:
    return {incoming.event: incoming for incoming in stage.bot.received}
