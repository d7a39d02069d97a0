"""Threadline's public API: a client for any Assistants-v2 server, and what an adapter needs."""

from assistants.connector import AssistantsClient
from bot.adapter import (
    Adapter,
    Bot,
    ConfigurationError,
    FetchesFiles,
    FileRefusedError,
    KnowsBefore,
    MarksWaiting,
    NotClaimedError,
    OpensConversations,
    PlatformError,
    Receipt,
    Reply,
    Turn,
)
from bot.functions import function
from bot.incoming import Attached, Command, Incoming, Person, Place, Revision
from bot.pacing import Pacing
from bot.segments import File, Notice, Segment, Snapshot, Text
from bot.settings import Settings, load_settings
from bot.views import Answer
from bot.words.asking import Before, Quoted
from bot.words.harmless import harmless
from bot.words.letter import Letter, Style
from bot.words.pages import Paper
from bot.words.rewrite import Dialect

__all__ = [
    "Adapter",
    "Answer",
    "AssistantsClient",
    "Attached",
    "Before",
    "Bot",
    "Command",
    "ConfigurationError",
    "Dialect",
    "FetchesFiles",
    "File",
    "FileRefusedError",
    "Incoming",
    "KnowsBefore",
    "Letter",
    "MarksWaiting",
    "NotClaimedError",
    "Notice",
    "OpensConversations",
    "Pacing",
    "Paper",
    "Person",
    "Place",
    "PlatformError",
    "Quoted",
    "Receipt",
    "Reply",
    "Revision",
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
