"""Rewrites a question as a search query by removing question words."""

_FILLERS = """
a about am an and any are as at be been but by can could did do does find for from give had has have how i if in into is
it its let like may me might my need of on or our please shall should show so some tell than that the their them then
there these they this those to us was we were what when where which who whom whose why will with would you your
"""
FILLERS = frozenset(_FILLERS.split())
_AROUND = ".,;:!?\"'()[]…"


def rewritten(query: str) -> str:
    """Return the query without common question words, or unchanged if nothing would remain."""
    words = [word.strip(_AROUND) for word in query.split()]
    return " ".join(word for word in words if word and word.casefold() not in FILLERS) or query
