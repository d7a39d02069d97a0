"""A seccomp filter for system calls that no session needs: namespaces, other processes, uncounted memory.

It covers what the limits miss: a user namespace allows unlimited file systems, `memfd_create` and System V memory count
towards no limit, and some socket families (vsock) ignore network namespaces.
"""

import errno
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _AND_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_NEW_NAMESPACES = 0x7E020000
_AF_UNIX = 1
# Since Linux 5.1 every architecture gives a new call the same number.
_COMMON = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "memfd_secret": 447,
}
_CLONE3 = 435
_DENIED_X86_64 = {
    "shmget": 29,
    "shmat": 30,
    "shmctl": 31,
    "semget": 64,
    "msgget": 68,
    "ptrace": 101,
    "syslog": 103,
    "uselib": 134,
    "personality": 135,
    "modify_ldt": 154,
    "pivot_root": 155,
    "adjtimex": 159,
    "chroot": 161,
    "acct": 163,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "reboot": 169,
    "sethostname": 170,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "quotactl": 179,
    "clock_settime": 227,
    "mq_open": 240,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "unshare": 272,
    "perf_event_open": 298,
    "fanotify_init": 300,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "memfd_create": 319,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}
_DENIED_AARCH64 = {
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "chroot": 51,
    "quotactl": 60,
    "acct": 89,
    "personality": 92,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "clock_settime": 112,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "sethostname": 161,
    "settimeofday": 170,
    "adjtimex": 171,
    "mq_open": 180,
    "msgget": 186,
    "semget": 190,
    "shmget": 194,
    "shmctl": 195,
    "shmat": 196,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "swapon": 224,
    "perf_event_open": 241,
    "fanotify_init": 262,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "memfd_create": 279,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}


@dataclass(frozen=True)
class _Machine:
    architecture: int
    clone: int
    socket: int
    denied: dict[str, int]
    foreign_from: int = 1 << 31
    """Numbers from here on belong to another calling convention (x32)."""


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 56, 41, _DENIED_X86_64, 1 << 30),
    "aarch64": _Machine(0xC00000B7, 220, 198, _DENIED_AARCH64),
}


def seccomp_filter() -> bytes | None:
    """Return the filter for bubblewrap's `--seccomp`, or None for an architecture not listed here."""
    machine = _MACHINES.get(platform.machine())
    return None if machine is None else b"".join(_program(machine))


def _program(machine: _Machine) -> Iterator[bytes]:
    yield _step(_LOAD, _ARCHITECTURE)
    yield from _unless(_EQUAL, machine.architecture, _KILL)
    yield _step(_LOAD, _NUMBER)
    yield from _when(_AT_LEAST, machine.foreign_from, _error(errno.EPERM))
    for number in sorted({*machine.denied.values(), *_COMMON.values()}):
        yield from _when(_EQUAL, number, _error(errno.EPERM))
    # Its flags lie in memory, where a filter cannot look; the C library then uses clone.
    yield from _when(_EQUAL, _CLONE3, _error(errno.ENOSYS))
    # Not this call: over the three that look at its first argument.
    yield _step(_EQUAL, machine.clone, 0, 3)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield from _when(_AND_BITS, _NEW_NAMESPACES, _error(errno.EPERM))
    yield _step(_LOAD, _NUMBER)
    yield _step(_EQUAL, machine.socket, 0, 3)
    yield _step(_LOAD, _FIRST_ARGUMENT)
    yield from _unless(_EQUAL, _AF_UNIX, _error(errno.ENETUNREACH))
    yield _step(_RETURN, _ALLOW)


def _when(test: int, value: int, verdict: int) -> Iterator[bytes]:
    yield _step(test, value, 0, 1)
    yield _step(_RETURN, verdict)


def _unless(test: int, value: int, verdict: int) -> Iterator[bytes]:
    yield _step(test, value, 1, 0)
    yield _step(_RETURN, verdict)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _error(number: int) -> int:
    return _ERROR | number
