"""Tests the sandbox before use: if one canary escapes, no code from a chat is run."""

import contextlib
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from assistants.service.tools.backend import Backend
from assistants.service.tools.canaries import CANARIES, HELLO, IMPOSSIBLE, Bait, Canary
from assistants.service.tools.limits import MIB, Limits
from assistants.service.tools.process import Ended, Process
from assistants.service.tools.refusal import SandboxUnavailable
from assistants.service.tools.session import Session

# Few files: in WebAssembly each takes its time, and what they are tried for shall come before the end of that.
SMALL = Limits(wall=10, processor=0.5, memory=128 * MIB, processes=8, disk=8 * MIB, files=400)
# Sessions of the probe keep out of the way of those another process may have.
_SLOT = 490


async def probe(backend: Backend) -> None:
    """Run all canaries, which takes a few seconds. Raises `SandboxUnavailable` unless every one is stopped."""
    with bait() as laid:
        try:
            session = await _open(backend)
        except Ended as error:
            raise SandboxUnavailable(f"Programs cannot be shut in here: {error}", _cure(str(error))) from None
        try:
            await _expect_hello(session)
            for canary in CANARIES:
                if session.ended:
                    session = await _open(backend)
                if escaped := await escape(session, canary, laid):
                    why = f"Code in the sandbox could {canary.escape} ({escaped})."
                    raise SandboxUnavailable(
                        why, "Update bubblewrap and the kernel; until then code does not run here."
                    )
        except Ended as error:
            raise SandboxUnavailable(
                f"The sandbox does not hold out: {error}", "Update bubblewrap and the kernel."
            ) from None
        finally:
            await session.close()
        if os.listdir(laid.folder):
            raise SandboxUnavailable(
                "Code in the sandbox could write outside its folders.", "Update bubblewrap and the kernel."
            )


async def escape(session: Session, canary: Canary, laid: Bait) -> str:
    """Return how a canary escaped, or an empty text."""
    known = {**asdict(laid), "processes": SMALL.processes, "memory": SMALL.memory // MIB, "disk": SMALL.disk // MIB}
    outcome = await session.run(canary.code.format(**known))
    if laid.secret in outcome.output or "ESCAPED" in outcome.output:
        return " ".join(outcome.output.split())[:200]
    if outcome.ended and not (canary.ends and canary.ends in outcome.ended):
        return outcome.ended.rstrip(".")
    if canary.must_end and not outcome.ended and outcome.output.strip() != IMPOSSIBLE:
        return "nothing stopped it"
    if outcome.failed and not outcome.ended:
        return "it could not be tried: " + (outcome.output.strip().splitlines() or ["no reason"])[-1][:200]
    return ""


@contextlib.contextmanager
def bait() -> Iterator[Bait]:
    """Provide decoys on the host that only escaped code can reach."""
    secret = secrets.token_hex(16)
    folder = Path(tempfile.mkdtemp(prefix="threadline-canary-"))
    try:
        (folder / "file").write_text(secret)
        (folder / "folder").mkdir()
        # Everybody may do everything there: only the sandbox keeps them from it.
        for path, mode in ((folder, 0o755), (folder / "file", 0o666), (folder / "folder", 0o777)):
            path.chmod(mode)
        name = str(folder / "socket")
        with contextlib.ExitStack() as stack:
            port = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            for address in (name, f"\0{name}"):
                line = stack.enter_context(socket.socket(socket.AF_UNIX))
                line.bind(address)
                line.listen()
            Path(name).chmod(0o666)
            yield Bait(secret, str(folder / "file"), str(folder / "folder"), port.getsockname()[1], name, os.getpid())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _open(backend: Backend) -> Session:
    return Session(await Process.start(backend, SMALL, slot=_SLOT), SMALL, lambda: None)


async def _expect_hello(session: Session) -> None:
    outcome = await session.run(HELLO)
    if outcome.output != "42\n":
        raise Ended(outcome.ended or f"six times seven gave {outcome.output[:100]!r}.")


def _cure(said: str) -> str:
    """Return the usual cure for a bubblewrap error message."""
    if Path("/.dockerenv").exists() or ("new namespace" in said and os.geteuid() == 0):
        return (
            "In a container, allow namespaces (Docker: --cap-add SYS_ADMIN --security-opt seccomp=unconfined "
            "--security-opt apparmor=unconfined), or run Threadline outside of one."
        )
    restricted = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
    with contextlib.suppress(OSError):
        if restricted.read_text().strip() == "1":
            return "Allow bubblewrap user namespaces: give it an AppArmor profile with the rule `userns,`."
    with contextlib.suppress(OSError):
        if Path("/proc/sys/user/max_user_namespaces").read_text().strip() == "0":
            return "Allow user namespaces: sysctl user.max_user_namespaces=15000."
    if "ermission denied" in said:
        return "Let every user read Python and its packages, or install Threadline where they can."
    return "Allow this user to create user namespaces, or run Threadline where that is allowed."
