"""What became of one attempt to bring a payload to the app."""

from dataclasses import dataclass
from typing import Any


@dataclass
class Parcel:
    """Acknowledged with `ack` when `reason` is empty; `is_last` when the app forbade another attempt.

    `lost` is the reason Slack would give, had the acknowledgement been lost.
    """

    reason: str = ""
    ack: dict[str, Any] | None = None
    is_last: bool = False
    lost: str = "timeout"
