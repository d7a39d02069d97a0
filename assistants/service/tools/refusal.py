"""The error raised when the sandbox cannot be used."""


class SandboxUnavailable(Exception):
    """The sandbox cannot be used. `reason` and `cure` are a sentence each."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f"{reason} {cure}")
        self.reason = reason
        self.cure = cure
