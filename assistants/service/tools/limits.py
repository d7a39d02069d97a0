"""Resource limits of a sandbox session, and the messages when one is exceeded."""

from dataclasses import dataclass

KIB = 1 << 10
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in seconds, bytes and counts. `wall`, `processor` and `printed` apply per call, the rest per session."""

    wall: float = 60
    processor: float = 60
    memory: int = 1024 * MIB
    """Of all processes together; one process may map half as much again, since libraries map more than they touch."""
    processes: int = 32
    open_files: int = 128
    disk: int = 256 * MIB
    """Of the working folder. The folder for temporary files has a quarter of it."""
    files: int = 10_000
    """Files that may exist in both folders."""
    output: int = 64 * KIB
    """Of what a call prints, so much is kept: its beginning and its end."""
    printed: int = 16 * MIB
    returned: int = 64 * MIB
    """Of files that a call gives back, together."""
    returned_files: int = 20
    idle: float = 900
    sessions: int = 50

    def said(self, what: str) -> str:
        """Return the sentence for a session ended by a limit; empty for a limit that does not end sessions."""
        match what:
            case "wall":
                return f"It ran longer than {self.wall:g} seconds and was stopped."
            case "processor":
                return f"It used more than {self.processor:g} seconds of processor time and was stopped."
            case "memory":
                return f"It used more than {size(self.memory)} of memory and was stopped."
            case "printed":
                return f"It printed more than {size(self.printed)} and was stopped."
            case "files":
                return f"It made more than {self.files:,} files and was stopped."
        return ""


def size(count: int) -> str:
    """Format a number of bytes for people."""
    return f"{count // MIB} MiB" if count >= MIB else f"{count >> 10} KiB" if count >= 1024 else f"{count} bytes"
