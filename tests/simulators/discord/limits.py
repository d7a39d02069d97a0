"""What Discord refuses in a message's body: too long, too many, or nothing at all. Pure."""

from typing import Any

from tests.simulators.discord.errors import ApiError, invalid, refusal

CONTENT = 2000
EMBEDS = 10
EMBED_TEXT = 6000
NONCE = 25
COMPONENTS_V2 = 1 << 15
V2_COMPONENTS = 40
TOO_LONG = "BASE_TYPE_MAX_LENGTH"


def check(body: dict[str, Any], *, files: int, flags: int, may_be_empty: bool = False) -> None:
    """Raises the refusal this body earns."""
    content: str = body.get("content") or ""
    embeds: list[dict[str, Any]] = body.get("embeds") or []
    components: list[dict[str, Any]] = body.get("components") or []
    if len(content) > CONTENT:
        raise _too_long("content", CONTENT)
    if len(str(body.get("nonce") or "")) > NONCE:
        raise _too_long("nonce", NONCE)
    if len(embeds) > EMBEDS:
        raise _too_long("embeds", EMBEDS)
    if sum(_length(embed) for embed in embeds) > EMBED_TEXT:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_TEXT}")
    _check_components(components, flags, bool(content or embeds))
    if not (content or embeds or components or files or may_be_empty):
        raise refusal(50006)


def _too_long(field: str, limit: int) -> ApiError:
    return invalid(field, TOO_LONG, f"Must be {limit} or fewer in length.")


def _length(embed: dict[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
    texts += [text for field in embed.get("fields", []) for text in (field.get("name"), field.get("value"))]
    return sum(len(text or "") for text in [*texts, (embed.get("author") or {}).get("name")])


def _check_components(components: list[dict[str, Any]], flags: int, has_content: bool) -> None:
    if flags & COMPONENTS_V2:
        if has_content:
            sentence = "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", sentence)
        if len(every(components)) > V2_COMPONENTS:
            raise invalid("components", "COMPONENTS_MAX_TOTAL", f"Must have {V2_COMPONENTS} or fewer components.")
    elif len(components) > 5:
        raise _too_long("components", 5)
    ids = [one["custom_id"] for one in every(components) if "custom_id" in one]
    if any(len(one) > 100 for one in ids):
        raise _too_long("components", 100)
    if len(set(ids)) < len(ids):
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def every(components: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All components, nested ones too."""
    found = []
    for one in components:
        inner = [*one.get("components", []), *(one[name] for name in ("accessory", "component") if one.get(name))]
        found += [one, *every(inner)]
    return found
