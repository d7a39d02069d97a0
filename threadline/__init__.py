"""Threadline's public API: a client for any Assistants-v2 server, and what an adapter needs."""

from assistants.connector import AssistantsClient
from bot.adapter import Adapter, Bot, ConfigurationError, NotClaimedError, PlatformError, Reply, Turn
from bot.functions import function
from bot.incoming import Command, Incoming, Person, Place
from bot.pacing import Pacing
from bot.segments import Notice, Segment, Snapshot, Text
from bot.settings import Settings, load_settings
from bot.words.harmless import harmless
from bot.words.letter import Letter, Style
from bot.words.pages import Paper
from bot.words.rewrite import Dialect

__all__ = [
    "Adapter",
    "AssistantsClient",
    "Bot",
    "Command",
    "ConfigurationError",
    "Dialect",
    "Incoming",
    "Letter",
    "NotClaimedError",
    "Notice",
    "Pacing",
    "Paper",
    "Person",
    "Place",
    "PlatformError",
    "Reply",
    "Segment",
    "Settings",
    "Snapshot",
    "Style",
    "Text",
    "Turn",
    "function",
    "harmless",
    "load_settings",
]
