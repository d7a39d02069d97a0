"""Text as every store can keep it."""


def storable(text: str) -> str:
    """The text as every store can keep it: no half of a character, no NUL."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Joined:
    """Puts text together that comes in pieces, some of them cut in the middle of a character."""

    def __init__(self) -> None:
        self._half = ""

    def add(self, piece: str) -> str:
        """What can be told now; half a character at the end waits for the other half."""
        text = self._half + piece
        self._half = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return storable(text)
