"""What others build on: a client of any Assistants-v2 server, and the border that an adapter stands on."""

from assistants.connector import AssistantsClient
from bot.adapter import Adapter, Reply
from bot.incoming import Incoming
from bot.segments import Segment

__all__ = ["Adapter", "AssistantsClient", "Incoming", "Reply", "Segment"]
