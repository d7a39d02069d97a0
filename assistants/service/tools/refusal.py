"""Why code does not run here."""


class Refused(Exception):
    """The sandbox does not stand. `reason` and `cure` are a sentence each."""

    def __init__(self, reason: str, cure: str) -> None:
        super().__init__(f"{reason} {cure}")
        self.reason = reason
        self.cure = cure
