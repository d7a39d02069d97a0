"""One-sentence explanations of endpoint problems, each with what to do."""

import difflib
import json
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx

from assistants.service.addresses import place, versioned

SHOWN = 5

# Messages of the resolvers of Linux, macOS and Windows.
_NO_HOST = r"Name or service not known|nodename nor servname|getaddrinfo|name resolution|No address associated"


def unreachable(base_url: str, error: httpx.HTTPError | UnicodeError) -> str:
    where, said = place(base_url), str(error)
    if isinstance(error, UnicodeError) or re.search(_NO_HOST, said):
        return f"There is no host named {urlsplit(base_url).hostname}; check the address and the network."
    if not isinstance(error, httpx.ConnectError):
        return f"{where} closed the connection; check that it speaks HTTP, or try https:// instead."
    if "CERTIFICATE" in said:
        return f"{where} has a certificate that is not trusted here; use the host name in it, or set SSL_CERT_FILE."
    if "SSL" in said:
        return f"{where} does not speak HTTPS; use http:// instead."
    return f"Nothing answers at {where}; check that the server is running and that the port is right."


def no_endpoint(base_url: str, why: str) -> str:
    extent = "" if versioned(base_url) else ", with or without /v1"
    return f"{base_url} is not an OpenAI-compatible endpoint{extent} ({why}); check the address."


def late(base_url: str, seconds: float) -> str:
    return f"{place(base_url)} did not answer within {seconds:g} seconds; if it is loading the model, try again soon."


def key_refused(base_url: str, *, given: bool) -> str:
    cure = "refused the key; check it and paste it again" if given else "requires a key; enter it"
    return f"{place(base_url)} {cure} (it answered 401)."


def forbidden(base_url: str, said: str) -> str:
    why = f": {said.rstrip('.')}" if said else ""
    return f"{place(base_url)} denied access (it answered 403{why}); check what the key may use."


def limited(base_url: str, retry_after: str) -> str:
    wait = f"{retry_after} seconds" if retry_after.isdigit() else "a moment"
    return f"{place(base_url)} is limiting requests; wait {wait} and try again."


def spent(base_url: str) -> str:
    return f"{place(base_url)} says that the quota of this key is used up; check the plan and billing there."


def is_spent(status: int, body: object) -> bool:
    return status == 402 or (status == 429 and "quota" in json.dumps(body))


def unknown_model(base_url: str, model: str, names: Sequence[str]) -> str:
    if not names:
        return f"{place(base_url)} has no model named {model}; use a name that it knows."
    near = difflib.get_close_matches(model, names, n=SHOWN, cutoff=0.4)
    some = choice([*near, *(name for name in names if name not in near)])
    return f"{place(base_url)} has no model named {model}; it has {some}."


def choice(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def refused(base_url: str, status: int, said: str) -> str:
    if said:
        return f"{place(base_url)} refused a test question (it answered {status}): {said}"
    return f"{place(base_url)} failed (it answered {status}); check its log, then try again."


def words(body: object) -> str:
    """Return the message in an error body, on one short line."""
    error = body.get("error", body) if isinstance(body, dict) else None
    text = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    line = " ".join(text.split()) if isinstance(text, str) else ""
    return line if len(line) <= 200 else f"{line[:199]}…"
