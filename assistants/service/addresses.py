"""Makes the base URLs worth trying of what a person typed as an endpoint's address."""

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

import httpx

_VERSIONED = re.compile(r"/v\d+\w*$")


def addresses(typed: str) -> list[str]:
    """The address as typed and, where it ends in no version, with `/v1`; raises `ValueError` with a sentence."""
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
    """Host and port: what a sentence may say of an address."""
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
    """Whether nobody runs a model there, but a cloud tells its machines their secrets; however it is written."""
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
    """Whether it is at home, where hardly anything speaks https."""
    try:
        host = urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return False
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host
