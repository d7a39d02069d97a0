"""agents.sessions.* and assistant.threads.*: what people see of work in a thread, in its one place on the screen."""

from typing import Any

from tests.simulators.slack.methods.base import Context, Method, SlackError, invalid
from tests.simulators.slack.records import Session

STATUSES = {"active", "processing", "suspended", "closed"}
TITLE_LIMIT = 200
STATUS_LIFE = 2 * 60.0
LOADING_LIMIT = 10
PROMPTS_LIMIT = 4
_UNHEARD = "missing_agent_session_stopped_event_subscription"


def set_status(session: Session, status: str) -> None:
    """The last writer has the slot: a native status takes it from a free text."""
    if status not in STATUSES:
        raise invalid(f"status must be one of {', '.join(sorted(STATUSES))}")
    session.status = status  # type: ignore[assignment]
    session.status_text = ""


async def _set_status(context: Context) -> dict[str, Any]:
    channel, thread = _agent_thread(context)
    title = str(context.arguments.get("title") or "")
    if len(title) > TITLE_LIMIT:
        raise invalid("title is longer than 200 characters")
    is_new = (channel, thread) not in context.world.sessions
    session = context.world.session(channel, thread)
    set_status(session, context.required("status"))
    session.title = title or session.title
    if is_new:
        session.initiator = str(context.arguments.get("initiator_user_id") or "")
    return {} if "agent_session_stopped" in context.world.app.events else {"warning": _UNHEARD}


async def _rename(context: Context) -> dict[str, Any]:
    channel, thread = _agent_thread(context)
    title = context.required("title")
    if len(title) > TITLE_LIMIT:
        raise invalid("title is longer than 200 characters")
    if (channel, thread) not in context.world.sessions:
        raise SlackError("session_not_found")
    context.world.session(channel, thread).title = title
    return {}


def _agent_thread(context: Context) -> tuple[str, str]:
    if not context.world.app.agent:
        raise SlackError("not_authorized")
    return _thread(context)


def _thread(context: Context) -> tuple[str, str]:
    channel = context.joined("channel_id")
    thread = context.required("thread_ts")
    if context.thread(channel) is None:
        raise SlackError("thread_not_found")
    return channel.id, thread


async def _set_text(context: Context) -> dict[str, Any]:
    """Free text, for two minutes or until the app says something; it hides the Stop button."""
    session = context.world.session(*_thread(context))
    if len(context.arguments.get("loading_messages") or []) > LOADING_LIMIT:
        raise invalid("more than 10 loading_messages")
    if "status" not in context.arguments:
        raise invalid("missing field: status")
    session.status_text = str(context.arguments["status"])
    session.status_until = context.world.now() + STATUS_LIFE
    return {}


async def _set_title(context: Context) -> dict[str, Any]:
    context.world.session(*_thread(context)).title = context.required("title")
    return {}


async def _set_prompts(context: Context) -> dict[str, Any]:
    """Of a thread, or without `thread_ts` of the whole Messages tab."""
    channel = context.joined("channel_id")
    prompts = context.arguments.get("prompts")
    if not isinstance(prompts, list) or not 0 < len(prompts) <= PROMPTS_LIMIT:
        raise invalid("prompts must be a list of at most 4")
    context.world.session(channel.id, context.thread(channel) or "").prompts = prompts
    return {}


METHODS = {
    "agents.sessions.setStatus": Method(_set_status, "chat:write", tier=3),
    "agents.sessions.rename": Method(_rename, "chat:write", tier=3),
    "assistant.threads.setStatus": Method(_set_text, "chat:write", tier=4),
    "assistant.threads.setTitle": Method(_set_title, "assistant:write", tier=4),
    "assistant.threads.setSuggestedPrompts": Method(_set_prompts, "assistant:write", tier=4),
}
