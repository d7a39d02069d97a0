"""What people who mean harm, and models that know no better, may send: each prints ESCAPED where it gets what it wants.

`FILE`, `FOLDER`, `PORT`, `SOCKET` and `PID` are things of the host, laid ready for it (`probe.Bait`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hostile:
    """`ends`: words of the sentence the session ends with. Empty: it lives on. "*": it may do either."""

    name: str
    code: str
    ends: str = ""


def _tries(name: str, *lines: str, before: str = "import os, ctypes") -> Hostile:
    """Each line on its own; one that gets through without an error has escaped."""
    body = [
        f"try:\n    print('ESCAPED', {line})\nexcept (OSError, NameError, AttributeError):\n    pass" for line in lines
    ]
    return Hostile(name, "\n".join([before, *body]))


def _calls(name: str, *calls: str) -> Hostile:
    """C library calls that must not return success."""
    body = [f"if (r := c.{call}) >= 0: print('ESCAPED', {call!r}, r)" for call in calls]
    start = "import ctypes, os, platform\nc = ctypes.CDLL(None, use_errno=True)\nx86 = platform.machine() == 'x86_64'"
    return Hostile(name, "\n".join([start, *body]))


FILES = [
    _tries("a file of the host", "open(FILE).read()"),
    _tries("a file by dots", "open('/mnt/data/../..' + FILE).read()", "open('../..' + FILE).read()"),
    _tries("a file by a symbolic link", "os.symlink(FILE, 'l1') or open('l1').read()"),
    _tries("a file by a hard link", "os.link(FILE, 'l2') or open('l2').read()"),
    _tries("a folder by a symbolic link", "os.symlink(FOLDER, 'd') or os.listdir('d')"),
    _tries(
        "a file by /proc", *(f"open('/proc/{way}' + FILE).read()" for way in ("1/root", "self/root", "self/cwd/../.."))
    ),
    _tries("a file by the C library", "ctypes.CDLL(None).open(FILE.encode(), 0) >= 0 or open(FILE)"),
    _tries("a file by a folder's handle", "os.open('..' + '/..' * 30 + FILE, 0, dir_fd=os.open('/', 0))"),
    _tries("password files", "open('/etc/passwd').read()", "open('/etc/shadow').read()", "os.listdir('/home')"),
    _tries(
        "devices",
        *(f"open('/dev/{name}', 'rb')" for name in ("mem", "kmsg", "sda", "vda", "tty", "kvm", "ptmx", "fuse")),
    ),
    _tries("a device of its own", "os.mknod('disk', 0o60600, os.makedev(8, 0)) or open('disk')"),
    _tries(
        "kernel settings", "open('/proc/sysrq-trigger', 'w')", "open('/sys/kernel/uevent_helper')", "os.listdir('/sys')"
    ),
    _tries("another root", "os.chroot('/mnt')", "ctypes.CDLL(None).pivot_root(b'/', b'/mnt') == 0 or open(FILE)"),
    Hostile(
        "handles left open",
        """
import os, stat, sys
for fd in range(3, 128):
    try: mode = os.fstat(fd).st_mode
    except OSError: continue
    # WebAssembly reaches the folders it was given by such handles; they must lead nowhere else.
    if sys.platform == 'wasi' and stat.S_ISDIR(mode):
        for way in (FILE, '..' + FILE, '../' * 30 + FILE[1:]):
            try: print('ESCAPED', fd, os.read(os.open(way, 0, dir_fd=fd), 100))
            except (OSError, NotImplementedError): pass
    elif not stat.S_ISFIFO(mode): print('ESCAPED', fd, oct(mode))
""",
    ),
    Hostile(
        "everything there is",
        """
import os
for folder, inner, files in os.walk('/'):
    inner[:] = [name for name in inner if name not in ('usr', 'lib', 'lib64', 'packages')]
    for name in files:
        try: content = open(os.path.join(folder, name), 'rb').read(4096) if '/dev' not in folder else b''
        except OSError: continue
        if b'xoxb' in content: print('ESCAPED', folder, name)
""",
    ),
    Hostile(
        "the environment",
        """
import os, glob
print(dict(os.environ))
for path in glob.glob('/proc/*/environ'):
    print('ESCAPED', open(path).read())
""",
    ),
    Hostile(
        "the environment in C",
        """
import ctypes
p = (ctypes.POINTER(ctypes.c_char_p)).in_dll(ctypes.CDLL(None), 'environ')
i = 0
while p[i]:
    print(p[i])
    i += 1
""",
    ),
]
WRITING = [
    _tries(
        "writing to the host", "open(FOLDER + '/x', 'w')", "open(FILE, 'a')", "os.unlink(FILE)", "os.rename(FILE, 'f')"
    ),
    _tries("writing by a link", "os.symlink(FOLDER, 'e') or open('e/x', 'w')"),
    _tries("writing to Python", "open(os.__file__, 'a')", "open(os.path.dirname(os.__file__) + '/x.py', 'w')"),
    _tries(
        "writing to the packages",
        "open('/packages/0/sitecustomize.py', 'w')",
        "os.chmod('/packages', 0o777) or os.listdir('/packages')",
    ),
    _tries(
        "writing to the root",
        "open('/x', 'w')",
        "os.mkdir('/x')",
        "open('/etc/x', 'w')",
        "open('/dev/x', 'w')",
        "open('/mnt/x', 'w')",
    ),
    _tries("remounting", "ctypes.CDLL(None).mount(0, b'/', 0, 32, 0) == 0 or open(FILE)"),
]
PROCESSES = [
    _tries("signals to the host", "os.kill(PID, 9)", "os.kill(PID, 0)", "os.killpg(PID, 9)"),
    Hostile(
        "a signal to the parent",
        """
import os
for number in (9, 15, 19):
    try: os.kill(os.getppid(), number)
    except OSError: pass
""",
    ),
    Hostile(
        "a signal to all",
        """
import os
try: os.kill(-1, 9)
except ProcessLookupError: pass
""",
    ),
    Hostile(
        "a signal to itself",
        """
import os
os.kill(os.getpid(), 9)
""",
        "*",
    ),
    _calls("tracing", "ptrace(16, PID, 0, 0)", "ptrace(0, 0, 0, 0)", "process_vm_readv(PID, 0, 0, 0, 0, 0)"),
    _tries("a handle on the host", "os.pidfd_open(PID)", "os.sched_getaffinity(PID)", "os.getpgid(PID)"),
    _tries("greater priority", "os.nice(-5)", "os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"),
    Hostile(
        "a fork bomb that sleeps",
        """
import os, time
n = 0
try:
    while True:
        if os.fork() == 0: time.sleep(60); os._exit(0)
        n += 1
except OSError: pass
if n > 16: print('ESCAPED', n)
""",
    ),
    Hostile(
        "a thread bomb",
        """
import threading, time
n = 0
try:
    while True:
        threading.Thread(target=time.sleep, args=[60], daemon=True).start()
        n += 1
except RuntimeError: pass
if n > 16: print('ESCAPED', n)
""",
    ),
    Hostile(
        "a daemon",
        """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(600)
    os._exit(0)
""",
    ),
    Hostile(
        "a daemon that outwits the kernel",
        """
import os, time
def no(*_): raise ChildProcessError
os.kill, os.waitpid = print, no
if os.fork() == 0: time.sleep(600)
""",
        "left processes",
    ),
    Hostile(
        "a child that falls out",
        """
import os
os.fork()
""",
    ),
]
NETWORK = [
    _tries("a connection", "socket.create_connection(('127.0.0.1', PORT), 1)", before="import socket"),
    _tries("a datagram", "socket.socket(2, 2).sendto(b'x', ('127.0.0.1', PORT))", before="import socket"),
    _tries(
        "a Unix socket",
        "socket.socket(1).connect(SOCKET)",
        "socket.socket(1).connect('\\0' + SOCKET)",
        before="import socket",
    ),
    _tries(
        "other families",
        *(f"socket.socket({n}, 2)" for n in (10, 16, 17, 38, 40, 44)),
        *(f"socket.socket({n}, 3, 1)" for n in (2, 10, 17)),
        before="import socket",
    ),
    _tries(
        "names and pages",
        "socket.getaddrinfo('example.com', 80)",
        "urllib.request.urlopen('http://127.0.0.1:%d/' % PORT, timeout=1)",
        before="import socket, urllib.request",
    ),
]
POWER = [
    _tries("another user", "os.setuid(0)", "os.setgid(0)", "os.setgroups([0])", "os.seteuid(0)"),
    _calls("a namespace of its own", "unshare(0x10000000)", "unshare(0x20000)", "unshare(0x40000000)", "setns(0, 0)"),
    _calls("a namespace by clone", "syscall(56 if x86 else 220, 0x10000000 | 17, 0, 0, 0, 0)", "syscall(435, 0, 0)"),
    _calls(
        "mounting",
        "mount(b'none', b'/mnt/data', b'tmpfs', 0, 0)",
        "umount2(b'/mnt/data', 0)",
        "syscall(430, b'tmpfs', 0)",
    ),
    _calls(
        "kernel doors",
        "syscall(321 if x86 else 280, 0, 0, 0)",
        "syscall(425, 1, 0)",
        "syscall(298 if x86 else 241, 0, 0, -1, -1, 0)",
        "syscall(250 if x86 else 219, 0, -3, 1)",
        "syscall(323 if x86 else 282, 1)",
    ),
    _calls("another convention's calls", "syscall(0x40000000 + 39)"),
    Hostile(
        "32-bit calls",
        """
import ctypes, mmap, platform
if platform.machine() != 'x86_64': raise SystemExit
page = mmap.mmap(-1, 4096, prot=7)
page.write(bytes.fromhex('b814000000cd80c3'))
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
print('ESCAPED', call())
""",
        "*",
    ),
    _calls(
        "capabilities",
        "capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(255, 255, 255))",
        "prctl(24, 21, 0, 0, 0) - 1",
    ),
    Hostile(
        "its own limits",
        """
import resource
for name in ('AS', 'NPROC', 'NOFILE', 'FSIZE', 'CPU'):
    kind = getattr(resource, 'RLIMIT_' + name)
    if -1 in resource.getrlimit(kind): print('ESCAPED', name)
    try: resource.setrlimit(kind, (resource.RLIM_INFINITY,) * 2); print('ESCAPED', name)
    except (ValueError, OSError): pass
""",
    ),
]
MEMORY = [
    Hostile(
        "ten gigabytes",
        """
x = bytearray(10 << 30)
print('ESCAPED')
""",
        "*",
    ),
    Hostile(
        "ten gigabytes bit by bit",
        """
x = []
while True: x.append(bytearray(8 << 20))
""",
        "*",
    ),
    Hostile(
        "ten gigabytes mapped",
        """
import mmap
try: mmap.mmap(-1, 10 << 30); print('ESCAPED')
except OSError: pass
""",
    ),
    Hostile(
        "memory of several",
        """
import os, time
for _ in range(4):
    if os.fork() == 0:
        x = bytearray(100 << 20)
        for i in range(0, len(x), 4096): x[i] = 1
        time.sleep(60); os._exit(0)
time.sleep(60)
""",
        "of memory",
    ),
    _tries("memory out of sight", "os.memfd_create('x')", "open('/dev/shm/x', 'w')"),
    _calls("shared memory", "shmget(0, 1048576, 0o1600)", "msgget(0, 0o1600)", "semget(0, 1, 0o1600)"),
    Hostile(
        "endless recursion",
        """
def f(): f()
f()
""",
    ),
    Hostile(
        "a crash",
        """
import ctypes
ctypes.string_at(0)
""",
        "crashed",
    ),
]
DISK = [
    Hostile(
        "a full disk",
        """
try:
    with open('x', 'wb') as f:
        for _ in range(17): f.write(bytes(1 << 20))
    print('ESCAPED')
except OSError: pass
""",
    ),
    Hostile(
        "a full disk for temporary files",
        """
import os
try:
    for n in range(9):
        with open(f'/tmp/{n}', 'wb') as f: f.write(bytes(1 << 20))
    print('ESCAPED')
except OSError: pass
if sum(os.path.getsize(f'/tmp/{n}') for n in range(9) if os.path.exists(f'/tmp/{n}')) > 4 << 20: print('ESCAPED')
""",
    ),
    Hostile(
        "a file with a hole",
        """
try:
    open('hole', 'wb').truncate(1 << 40); print('ESCAPED')
except OSError: pass
""",
    ),
    Hostile(
        "very many files",
        """
n = 0
while True:
    open(f'/tmp/{n}', 'w').close(); n += 1
""",
        "files",
    ),
    Hostile(
        "very many folders",
        """
import os
n = 0
while True:
    os.mkdir(str(n)); os.chdir(str(n)); n += 1
""",
        "*",
    ),
    Hostile(
        "a packed bomb",
        """
import zipfile
with zipfile.ZipFile('b.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    for n in range(40): z.writestr(str(n), bytes(1 << 20))
try: zipfile.ZipFile('b.zip').extractall('out'); print('ESCAPED')
except OSError: pass
""",
    ),
    Hostile(
        "an archive with dots",
        """
import io, tarfile
b = io.BytesIO()
with tarfile.open(fileobj=b, mode='w') as t:
    i = tarfile.TarInfo('../../..' + FOLDER + '/x'); i.size = 1; t.addfile(i, io.BytesIO(b'x'))
b.seek(0)
try: tarfile.open(fileobj=b).extractall('.', filter='fully_trusted')
except OSError: pass
""",
    ),
]
ENDLESS = [
    Hostile("an endless loop", "while True: pass", "processor time"),
    Hostile(
        "a loop that catches everything",
        """
while True:
    try:
        while True: pass
    except BaseException: pass
""",
        "processor time",
    ),
    Hostile(
        "loops in threads",
        """
import threading
def f():
    while True: pass
[threading.Thread(target=f).start() for _ in range(4)]
f()
""",
        "processor time",
    ),
    Hostile("one endless step", "10 ** 10 ** 8", "processor time"),
    Hostile(
        "a pattern that never matches",
        """
import re
re.match('(a+)+$', 'a' * 60 + 'b')
""",
        "processor time",
    ),
    Hostile(
        "loops in processes",
        """
import os
for _ in range(3):
    if os.fork() == 0:
        while True: pass
while True: pass
""",
        "processor time",
    ),
    Hostile(
        "a fork bomb",
        """
import os
while True:
    try: os.fork()
    except OSError: pass
""",
        "*",
    ),
    Hostile(
        "recursion in C",
        """
import sys
sys.setrecursionlimit(10**9)
x = []
for _ in range(10**5): x = [x]
print(len(repr(x)))
""",
        "*",
    ),
    Hostile(
        "a packed bomb in memory",
        """
import zlib
part = zlib.compress(bytes(16 << 20), 9)
y = []
while True: y.append(zlib.decompress(part))
""",
        "*",
    ),
]
OUTPUT = [
    Hostile("endless output", "while True: print('x' * 1000)", "printed"),
    Hostile(
        "one endless line",
        """
import sys
while True: sys.stdout.write('x' * 100000)
""",
        "printed",
    ),
    Hostile(
        "endless complaints",
        """
import os
while True: os.write(2, b'x' * 100000)
""",
        "printed",
    ),
    Hostile(
        "strange bytes",
        r"""
import os
os.write(1, bytes(range(256)) * 10)
print('\ud800\x00\x1b[2J')
""",
    ),
    Hostile("a question", "input('your password? ')"),
    Hostile("hostile names", "for n in ('a\\nb', '-rf', '$(x)', 'a\\x1b', ' '): open(n, 'w').write('x')", "*"),
    Hostile("a name that is no text", "open(b'\\xff\\xfe', 'w').write('x')"),
    Hostile(
        "links, pipes and sockets as results",
        """
import os, socket
os.symlink(FILE, 'r.txt'); os.mkfifo('p.txt'); socket.socket(1).bind('s.txt')
""",
    ),
    Hostile("very many results", "for n in range(500): open(f'{n}.txt', 'w').write('x')"),
    Hostile("a result that is too large", "open('large', 'wb').write(bytes(8 << 20))"),
]
KERNEL = [
    Hostile(
        "noise on every line",
        r"""
import os
for fd in range(3, 64):
    try: os.write(fd, b'noise\n' * 3)
    except OSError: pass
""",
        "broke",
    ),
    Hostile(
        "a forged answer of great size",
        r"""
import os
for fd in range(3, 64):
    try: os.write(fd, b'{"is": "file", "name": "x", "size": 99999999999}\n')
    except OSError: pass
""",
        "broke",
    ),
    Hostile(
        "a forged name",
        r"""
import os
for fd in range(3, 64):
    try: os.write(fd, b'{"is": "file", "name": "../../x", "size": 0}\n')
    except OSError: pass
""",
        "broke",
    ),
    Hostile(
        "endless forged answers",
        r"""
import os
while True:
    for fd in (3, 4, 5):
        try: os.write(fd, b'{"is": "file", "name": "x", "size": 0}\n')
        except OSError: pass
""",
        "broke",
    ),
    Hostile(
        "deep JSON",
        r"""
import os
for fd in range(3, 64):
    try: os.write(fd, b'[' * 50000 + b'\n')
    except OSError: pass
""",
        "broke",
    ),
    Hostile(
        "every line closed",
        """
import os
os.closerange(0, 128)
""",
        "ended by itself",
    ),
    Hostile(
        "leaving",
        """
import os
os._exit(3)
""",
        "exit code 3",
    ),
    Hostile(
        "giving up",
        """
import os
os.abort()
""",
        "*",
    ),
    Hostile("leaving in order", "raise SystemExit(1)"),
    Hostile(
        "no builtins",
        """
import builtins
builtins.__dict__.clear()
""",
        "*",
    ),
    Hostile(
        "no modules",
        """
import sys
sys.modules.clear()
sys.stdout = sys.stderr = None
""",
        "*",
    ),
    Hostile(
        "another json",
        """
import json
json.dumps = lambda *_: '{}'
""",
        "broke",
    ),
    Hostile(
        "an error that cannot be shown",
        """
class E(Exception):
    def __str__(self): raise self
raise E
""",
    ),
    Hostile(
        "a value that cannot be shown",
        """
class V:
    def __repr__(self): raise SystemExit
V()
""",
    ),
]
CLOCK = [
    Hostile(
        "stopping itself",
        """
import os, signal
os.kill(0, signal.SIGSTOP)
os.kill(os.getpid(), signal.SIGSTOP)
""",
        "*",
    ),
    Hostile(
        "an endless sleep",
        """
import time
time.sleep(1e6)
""",
        "ran longer",
    ),
    Hostile(
        "a deadlock",
        """
import threading
l = threading.Lock()
l.acquire(); l.acquire()
""",
        "ran longer",
    ),
    Hostile(
        "deaf to signals",
        """
import signal, time
for n in range(1, 32):
    try: signal.signal(n, signal.SIG_IGN)
    except OSError: pass
signal.alarm(1)
while True: time.sleep(1)
""",
        "ran longer",
    ),
    Hostile(
        "a pipe nobody writes to",
        """
import os
os.mkfifo('p'); open('p').read()
""",
        "ran longer",
    ),
]
# These use up their seconds.
SLOW = ENDLESS[1:]
QUICK = [*FILES, *WRITING, *PROCESSES, *NETWORK, *POWER, *MEMORY, *DISK, *ENDLESS[:1], *OUTPUT, *KERNEL]
