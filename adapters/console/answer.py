"""Prints a growing answer on a terminal: complete blocks stay, and the last block is redrawn in place."""

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from adapters.console import render
from adapters.console.render import JSON
from bot.words.growing import Blocks

# The last block is redrawn when it has grown by this share of its length, so that the total time stays linear.
SHARE = 1 / 32


class Answer:
    """One answer. Through a pipe, nothing is redrawn or styled."""

    def __init__(self, console: Console, url: str) -> None:
        self._console = console
        self._url = url
        self._begin()

    def _begin(self) -> None:
        self._text = ""
        self._blocks = Blocks()
        self._printed = 0
        self._gap: list[RenderableType] = []  # what separates two blocks
        # The length of the text when it was last drawn, where its last block began then, and the steps shown.
        self._seen, self._at = 0, 0
        self._steps: Sequence[Text] = ()
        self._live: Live | None = None

    def grow(self, segments: Sequence[JSON], assistant: str) -> None:
        """Print what is new."""
        text = render.words(segments)
        if text and not self._text:
            self._console.print(Text(render.plain(assistant), style="bold"))
        self._show(text, render.steps(segments))
        self._text = text or self._text

    def end(self, segments: Sequence[JSON]) -> None:
        """Print the rest, and the notices below it."""
        self.pause()
        self._print(self._text[sum(map(len, self._blocks.complete)) :])
        for line in render.foot(segments, self._url):
            self._console.print(line)
        self._begin()

    def aside(self, markdown: str) -> None:
        """Print something between the parts of an answer, formatted like an answer."""
        self.pause()
        gap, self._gap = self._gap, []
        self._print(markdown)
        self._gap = gap

    def pause(self) -> None:
        """Remove the part that is redrawn, so that something else can be printed."""
        if self._live:
            self._live.stop()
            self._live = None

    @property
    def _stands(self) -> bool:
        """Whether the part that is redrawn is on the screen; always true through a pipe."""
        return self._live is not None or not self._console.is_terminal

    def _show(self, text: str, steps: Sequence[Text]) -> None:
        if not text.startswith(self._text):
            self._printed, self._blocks = 0, Blocks()
        elif self._stands and steps == self._steps and len(text) - self._seen < (self._seen - self._at) * SHARE:
            return
        *complete, last = self._blocks.of(text)
        if new := complete[self._printed :]:
            self.pause()
            self._print("".join(new))
            self._printed = len(complete)
        self._seen, self._at, self._steps = len(text), sum(map(len, complete)), steps
        if self._console.is_terminal:
            words = [*self._gap, render.renderable(last)] if last.strip() else []
            self._change([*words, *steps])

    def _change(self, shown: Sequence[RenderableType]) -> None:
        """Redraw the part that changes."""
        growing = Group(*shown)
        if self._live is None:
            self._live = Live(
                growing,
                console=self._console,
                auto_refresh=False,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._live.start()
        self._live.update(growing, refresh=True)

    def _print(self, markdown: str) -> None:
        if not markdown.strip():
            return
        if self._console.is_terminal:
            self._console.print(*self._gap, render.renderable(markdown), sep="\n", soft_wrap=False)
        else:
            # Printed as one text, so that no line is wrapped.
            self._console.out(*self._gap, render.unadorned(markdown), sep="\n", end="", highlight=False)
        self._gap = [""]
