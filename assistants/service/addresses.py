"""Turns a typed endpoint address into the base URLs to try."""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

import httpx

_VERSIONED = re.compile(r"/v\d+\w*$")


def addresses(typed: str) -> list[str]:
    """Return the address as typed and, unless it ends in a version, with `/v1`. Raises `ValueError` with a sentence."""
    parts = _parts(typed.strip())
    if parts.query or parts.username is not None or parts.password is not None:
        raise ValueError("The address must hold no user, password or query; give the key in its own field.")
    if _is_link_local(parts.hostname or ""):
        raise ValueError("That address is for the machine's own network, where clouds keep secrets; give another.")
    path = parts.path.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    base = f"{parts.scheme}://{parts.netloc}{path}"
    return [base] if versioned(base) else [base, f"{base}/v1"]


def versioned(base_url: str) -> bool:
    return bool(_VERSIONED.search(base_url))


def place(base_url: str) -> str:
    """Return host and port, the parts of an address that are safe to show."""
    return urlsplit(base_url).netloc


def on_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _parts(text: str) -> SplitResult:
    if "://" not in text:
        text = f"{'http' if _is_near(text) else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and httpx.URL(text).host and parts.port != 0 and text.isascii()
    except (ValueError, httpx.InvalidURL):
        good = False
    if not good or re.search(r"[\s\\]", text):
        raise ValueError("That is no address; give one like http://127.0.0.1:11434/v1.")
    return parts


def _is_link_local(host: str) -> bool:
    """Return whether an address, in any notation, is link-local: clouds serve secrets there, never models."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            address = ipaddress.ip_address(socket.inet_aton(host))
        except (OSError, UnicodeError):
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_link_local


def _is_near(address: str) -> bool:
    """Return whether an address is on a local network, where https is rare."""
    try:
        host = urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host
