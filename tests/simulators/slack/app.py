"""The app as its manifest declares it: its scopes, its event subscriptions, its commands, whether it is an agent."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

MANIFEST = Path(__file__).parents[3] / "docs" / "slack-manifest.yaml"
_KINDS = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


@dataclass
class App:
    """What the workspace grants the app and tells it of."""

    scopes: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    commands: dict[str, dict[str, str]] = field(default_factory=dict)
    agent: bool = False
    prompts: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of_manifest(cls, path: Path = MANIFEST) -> "App":
        manifest: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
        features, agent = manifest["features"], manifest["features"].get("agent_view")
        return cls(
            scopes=set(manifest["oauth_config"]["scopes"]["bot"]),
            events=set(manifest["settings"]["event_subscriptions"]["bot_events"]),
            commands={one["command"]: one for one in features.get("slash_commands", [])},
            agent=agent is not None,
            prompts=(agent or {}).get("suggested_prompts", []),
        )

    def hears_of(self, event: dict[str, Any]) -> bool:
        """Whether the app subscribed to this kind of event."""
        kind = event["type"]
        return (_KINDS[event["channel_type"]] if kind == "message" else kind) in self.events
