"""Trigger ids: what a person did lately, good for opening one form within three seconds (`life`)."""

from tests.simulators.slack.world import World


class TriggerError(Exception):
    """Why a trigger is no good, in Slack's word."""


class Triggers:
    def __init__(self, world: World) -> None:
        self.life = 3.0
        self._world = world
        self._pulled: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()

    def new(self, user: str) -> str:
        trigger = self._world.new_id("trigger")
        self._pulled[trigger] = (user, self._world.now())
        return trigger

    def use(self, trigger: str) -> str:
        """Who pulled it. Raises `TriggerError`."""
        if trigger not in self._pulled:
            raise TriggerError("invalid_trigger_id")
        if trigger in self._used:
            raise TriggerError("exchanged_trigger_id")
        user, at = self._pulled[trigger]
        if self._world.now() - at > self.life:
            raise TriggerError("expired_trigger_id")
        self._used.add(trigger)
        return user
