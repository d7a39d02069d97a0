"""Whatever code is sent, the host is untouched, the asker is told what happened, and the next call works."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistants.service.tools.canaries import Bait
from tests.tools.conftest import SECRETS, Answer, Host
from tests.tools.hostile import CLOCK, KERNEL, QUICK, SLOW, Hostile


@pytest.fixture(scope="module")
def host(identity: str) -> Iterator[Host]:
    """A host that gives little of the processor, and much time for it: the machine may be busy."""
    host = Host(identity, processor=0.5)
    yield host
    host.close()


def send(host: Host, laid: Bait, hostile: Hostile) -> None:
    known = {"FILE": laid.file, "FOLDER": laid.folder, "PORT": laid.port, "SOCKET": laid.socket, "PID": host.pid}
    host.run("\n".join(f"{name} = {value!r}" for name, value in known.items()))
    answer = host.run(hostile.code)
    again = host.run("print(6 * 7)")
    assert host.end() == []
    assert "ESCAPED" not in answer.output
    assert not [secret for secret in (laid.secret, *SECRETS.values()) if secret in answer.output + answer.ended]
    assert Path(laid.file).read_text("utf-8") == laid.secret
    assert os.listdir(laid.folder) == []
    assert again.output == "42\n"
    assert as_expected(host.identity, hostile, answer), answer


def as_expected(identity: str, hostile: Hostile, answer: Answer) -> bool:
    """Whether a session lived on, or ended for the reason it should."""
    if hostile.ends == "*" or (hostile.ends in answer.ended and bool(hostile.ends) == bool(answer.ended)):
        return True
    # In WebAssembly much of it fails at once: there are no processes, no threads, and no lines to write to.
    # It is slow, too, and another limit may come first.
    return identity.startswith("wasi") and bool(hostile.ends) and (answer.failed or hostile in KERNEL)


@pytest.mark.proof
@pytest.mark.parametrize("hostile", QUICK, ids=lambda hostile: hostile.name)
def test_hostile_code_is_contained_and_the_next_call_works(host: Host, laid: Bait, hostile: Hostile) -> None:
    send(host, laid, hostile)


@pytest.mark.proof
@pytest.mark.parametrize("hostile", SLOW, ids=lambda hostile: hostile.name)
def test_code_that_exceeds_its_limits_is_stopped(host: Host, laid: Bait, hostile: Hostile) -> None:
    send(host, laid, hostile)


@pytest.mark.proof
@pytest.mark.parametrize("hostile", CLOCK, ids=lambda hostile: hostile.name)
def test_an_endless_loop_is_stopped_by_the_time_limit(identity: str, laid: Bait, hostile: Hostile) -> None:
    hasty = Host(identity, wall=2)
    try:
        send(hasty, laid, hostile)
    finally:
        hasty.close()
