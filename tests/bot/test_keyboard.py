"""`threadline chat` on a real terminal: what is typed while an answer grows, and Ctrl-C."""

import fcntl
import os
import pty
import re
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistants.service.scripted import ScriptedReply
from tests.bot.conftest import Start, address
from tests.processes import Process
from tests.scripted import Model, connecting

HELD = ScriptedReply(chunks=("Half ", "an ", "answer."), hold_after=2)


class Keyboard:
    """A person at a terminal of their own."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("threadline")), "chat"],
            cwd=folder,
            env={**os.environ, "DATA_DIR": str(folder / "data"), "PORT": "0", "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: _take_terminal(0),
        )
        os.close(theirs)
        self.seen = ""
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def sees(self, text: str, *, times: int = 1) -> None:
        with self._changed:
            found = self._changed.wait_for(lambda: self.seen.count(text) >= times, 60)
        assert found, f"{text!r} was not seen; what was: {self.seen}"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            while data := os.read(self._ours, 65536):
                with self._changed:
                    self.seen += data.decode(errors="replace")
                    self._changed.notify_all()
        except OSError:  # the other end is gone
            return


def _take_terminal(descriptor: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSCTTY, 0)


@pytest.fixture
def server(start: Start, model_address: str) -> Process:
    server = start("run", **connecting(model_address))
    address(server)
    return server


@pytest.fixture
def keyboard(server: Process, tmp_path: Path) -> Iterator[Keyboard]:
    keyboard = Keyboard(tmp_path)
    yield keyboard
    keyboard.close()


async def test_ctrl_c_stops_the_answer_and_exits_at_the_prompt(keyboard: Keyboard, model_address: str) -> None:
    model = Model(model_address)
    await model.play(HELD)
    keyboard.sees("you  ")
    keyboard.type("go on\n")
    keyboard.sees("Half an")
    keyboard.type("\x03")
    keyboard.sees("Stopped.")
    keyboard.type("and now?\n")
    keyboard.sees("You said: and now?")
    keyboard.sees("you  ", times=3)
    keyboard.type("\x03")
    assert keyboard.process.wait(30) in (0, 130, 1)
    await model.aclose()


async def test_a_message_typed_during_an_answer_is_answered_next(keyboard: Keyboard, model_address: str) -> None:
    model = Model(model_address)
    await model.play(HELD)
    keyboard.sees("you  ")
    keyboard.type("go on\n")
    keyboard.sees("Half an")
    keyboard.type("and this?\n")
    keyboard.sees("Noted; the answer will follow.")
    await model.release()
    keyboard.sees("You said: and this?")
    await model.aclose()


async def test_a_line_typed_after_the_server_has_stopped_is_said_to_be_unsent(
    keyboard: Keyboard, server: Process, model_address: str
) -> None:
    model = Model(model_address)
    await model.play(HELD)
    keyboard.sees("you  ")
    keyboard.type("go on\n")
    keyboard.sees("Half an")
    server.kill()
    keyboard.type("and this?\n")
    keyboard.sees("This line may not have been sent: and this?")
    assert keyboard.process.wait(30) == 2
    await model.aclose()


async def test_an_answer_is_rendered_and_its_control_sequences_are_removed(
    keyboard: Keyboard, model_address: str
) -> None:
    model = Model(model_address)
    words = "# Plan\n\nA **bold** step, <b>as written</b>\x1b]0;owned\x07 and \\(x^2\\).\n\n- one\n- two **open"
    await model.play(ScriptedReply(chunks=(words, " end**."), hold_after=1))
    keyboard.sees("you  ")
    keyboard.type("go on\n")
    keyboard.sees("two")
    await model.release()
    keyboard.sees("you  ", times=2)
    seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", keyboard.seen)
    assert "A bold step, <b>as written</b>]0;owned and x²." in seen
    assert " • one" in seen
    assert "two open end." in seen
    assert "**" not in seen
    assert "\x1b]" not in keyboard.seen
    assert keyboard.seen.count("\x1b[?25l") == keyboard.seen.count("\x1b[?25h"), "the cursor is shown again"
    await model.aclose()
