"""Canaries: programs that attempt what no session may do, and report success.

Each runs in a session with small limits. It prints ESCAPED and what it reached, or the session must end. A canary that
needs a feature the backend lacks (WebAssembly Python has no `fork`) prints IMPOSSIBLE, which counts as stopped.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Canary:
    """`escape` tells the operator what code could do if this canary succeeds."""

    name: str
    escape: str
    code: str
    ends: str = ""
    """Words of the sentence with which the session may end; empty: it must live on."""
    must_end: bool = False


@dataclass(frozen=True, slots=True)
class Bait:
    """Decoys on the host for the canaries to find, reachable in the same ways as real secrets."""

    secret: str
    """The text that must not come out."""
    file: str
    """A file that holds it."""
    folder: str
    """A folder in which nothing may appear."""
    port: int
    """A TCP port on loopback that listens."""
    socket: str
    """A Unix socket that listens, and an abstract one of the same name."""
    pid: int
    """The host's process."""


IMPOSSIBLE = "IMPOSSIBLE"
HELLO = "print(6 * 7)"
_READS_FILES = """
import glob, os
places = ['{file}', '/mnt/data/../..{file}', '/proc/1/root{file}', '/proc/self/cwd/..{file}']
try:
    os.symlink('{file}', '/mnt/data/link')
except OSError:
    pass
places.append('/mnt/data/link')
places += ['/etc/passwd', '/etc/shadow', '/etc/hostname', '/' + 'root/.ssh', '/home', '/var', '/run', '/sys', '/boot']
for place in places:
    try:
        with open(place) as file:
            print('ESCAPED', place, file.read(100))
    except OSError:
        if os.path.isdir(place) and os.listdir(place):
            print('ESCAPED', place, os.listdir(place)[:5])
if os.path.islink('/mnt/data/link'):
    os.unlink('/mnt/data/link')
"""
_READS_ENVIRONMENT = """
import glob, os
for name, value in os.environ.items():
    if '{secret}' in value:
        print('ESCAPED', name)
for place in glob.glob('/proc/*/environ'):
    try:
        with open(place, 'rb') as file:
            if b'{secret}' in file.read():
                print('ESCAPED', place)
    except OSError:
        pass
"""
# The C library, where code can reach one.
_C = """
import os, sys
try:
    import ctypes
    c = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):
    c = None
"""
_SEES_PROCESSES = (
    _C
    + """
if os.path.exists('/proc/self'):
    others = [name for name in os.listdir('/proc') if name.isdigit() and int(name) > 10]
    if others:
        print('ESCAPED to see', others)
# There are no processes in WebAssembly, and the one number is made up.
if os.getpid() > 10 and sys.platform != 'wasi':
    print('ESCAPED into the process namespace of the host')
try:
    os.kill({pid}, 0)
    print('ESCAPED to process', {pid})
except (ProcessLookupError, AttributeError):
    pass
if c and c.ptrace(16, {pid}, 0, 0) == 0:
    print('ESCAPED by ptrace')
"""
)
_OPENS_SOCKETS = """
import socket
local = getattr(socket, 'AF_UNIX', 1)
for family, address in ((socket.AF_INET, ('127.0.0.1', {port})), (local, '{socket}'), (local, '\\0{socket}')):
    try:
        with socket.socket(family) as line:
            line.settimeout(1)
            line.connect(address)
            print('ESCAPED to', address)
    except OSError:
        pass
for family in (socket.AF_INET, socket.AF_INET6, getattr(socket, 'AF_VSOCK', 40), getattr(socket, 'AF_ALG', 38), 16, 17):
    try:
        socket.socket(family, socket.SOCK_DGRAM).close()
        print('ESCAPED: a socket of family', family)
    except OSError:
        pass
"""
_WRITES_OUTSIDE = """
import os
places = ['{folder}/out', '{file}', '/mnt/data/../..{folder}/up', '/out', '/dev/out', '/dev/shm/out', '/etc/out',
          '/usr/lib/out', '/mnt/out', '/packages/0/out', os.__file__, os.path.dirname(os.__file__) + '/out']
try:
    os.symlink('{folder}', '/mnt/data/folder')
except OSError:
    pass
places.append('/mnt/data/folder/out')
for place in places:
    try:
        with open(place, 'a'):
            print('ESCAPED to write', place)
    except OSError:
        pass
if os.path.islink('/mnt/data/folder'):
    os.unlink('/mnt/data/folder')
"""
_GAINS_POWER = (
    _C
    + """
if hasattr(os, 'getuid') and os.getuid() == 0:
    print('ESCAPED: this is root')
for name, flag in (('user', 0x10000000), ('mount', 0x20000), ('network', 0x40000000)):
    if c and c.unshare(flag) == 0:
        print('ESCAPED into a new namespace:', name)
if c and c.mount(b'none', b'/mnt/data', b'tmpfs', 0, None) == 0:
    print('ESCAPED by mounting')
if c and c.prctl(39, 0, 0, 0, 0) != 1:
    print('ESCAPED: set-user-id programs work')
if c:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    sets = (ctypes.c_uint32 * 6)()
    if c.capget(header, sets) == 0 and any(sets):
        print('ESCAPED with capabilities', list(sets))
for number in (0, 65534):
    try:
        if os.getuid() != number:
            os.setuid(number)
            print('ESCAPED to be user', number)
    except (OSError, AttributeError):
        pass
"""
)
_HIDES_MEMORY = (
    _C
    + """
if hasattr(os, 'memfd_create'):
    try:
        os.memfd_create('x')
        print('ESCAPED into memory files')
    except OSError:
        pass
if c and c.shmget(0, 1 << 20, 0o1600) != -1:
    print('ESCAPED into shared memory')
"""
)
_FORKS = """
import os, time
count = 0
try:
    while count <= {processes}:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        count += 1
    print('ESCAPED:', count, 'forks')
except (OSError, AttributeError):
    pass
"""
_FILLS_MEMORY = """
held = []
try:
    while len(held) * 16 <= 2 * {memory}:
        held.append(b'x' * (16 << 20))
    print('ESCAPED:', len(held) * 16, 'MiB')
except MemoryError:
    held.clear()
"""
_NEEDS_FORK = """
import os
if not hasattr(os, 'fork'):
    print('IMPOSSIBLE')
    raise SystemExit
"""
_FILLS_MEMORY_TOGETHER = (
    _NEEDS_FORK
    + """
import time
for _ in range(3):
    if os.fork() == 0:
        held = bytearray({memory} << 19)
        for place in range(0, len(held), 4096):
            held[place] = 1
        time.sleep(30)
        os._exit(0)
time.sleep(30)
"""
)
_FILLS_DISK = """
import os
for folder in ('/mnt/data', '/tmp', '/dev/shm', '/'):
    try:
        # In small files: how large one may be is another limit.
        for number in range({disk} + 1):
            with open(f'{{folder}}/{{number}}', 'wb') as file:
                file.write(b'x' * (1 << 20))
        print('ESCAPED: more than', {disk}, 'MiB in', folder)
    except OSError:
        pass
    for number in range({disk} + 1):
        try:
            os.unlink(f'{{folder}}/{{number}}')
        except OSError:
            pass
"""
_MAKES_FILES = """
number = 0
while True:
    open(f'/tmp/{{number}}', 'w').close()
    number += 1
"""
_LEAVES_PROCESSES = (
    _NEEDS_FORK
    + """
import time
def not_now(*_):
    raise ChildProcessError
os.kill, os.waitpid = print, not_now
if os.fork() == 0:
    time.sleep(30)
    os._exit(0)
"""
)
_RUNS_ON = "while True: pass"

CANARIES = (
    Canary("host files", "read the host's files", _READS_FILES),
    Canary("environment", "read the environment of the host", _READS_ENVIRONMENT),
    Canary("processes", "reach the host's processes", _SEES_PROCESSES),
    Canary("sockets", "open connections", _OPENS_SOCKETS),
    Canary("writing", "write outside its folders", _WRITES_OUTSIDE),
    Canary("power", "gain privileges", _GAINS_POWER),
    Canary("hidden memory", "use memory that no limit counts", _HIDES_MEMORY),
    Canary("forks", "start processes without a limit", _FORKS),
    Canary("memory", "fill the memory", _FILLS_MEMORY, "of memory"),
    Canary("disk", "fill the disk", _FILLS_DISK),
    Canary(
        "memory together", "fill the memory with several processes", _FILLS_MEMORY_TOGETHER, "of memory", must_end=True
    ),
    Canary("many files", "fill the memory with empty files", _MAKES_FILES, "files and was stopped", must_end=True),
    Canary("leftovers", "leave processes running", _LEAVES_PROCESSES, "left processes", must_end=True),
    Canary("endless", "run for ever", _RUNS_ON, "seconds", must_end=True),
)
