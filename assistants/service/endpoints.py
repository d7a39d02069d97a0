"""Finds the Chat-Completions endpoints of this machine and tries one live before it is trusted."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model answers; `base_url` ends before `/chat/completions`, and an empty key sends none."""

    base_url: str
    api_key: str = field(repr=False)
    model: str
