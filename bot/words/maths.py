"""Converts LaTeX formulas to Unicode text."""

import functools
import re
import unicodedata
from typing import Any

from pylatexenc.latex2text import LatexNodes2Text, MacroTextSpec, get_default_latex_context_db
from pylatexenc.latexwalker import LatexWalkerError

# Between dollar signs. They are money, not delimiters, if a blank or an amount (`$5 a month`) follows the first one, or
# a blank precedes or a digit follows the second one.
DOLLAR_OPENS = r"\$(?=[^\s$])(?!\d[\d.,]*(?:\s+[A-Za-z]|/[A-Za-z]{2}))"
IN_DOLLARS = r"(?:[^$\n\\]|\\[^\n])"
FORMULA = re.compile(
    rf"""\\\((?P<round>(?:[^\\]|\\[^()]){{1,1000}}?)\\\)
      | \\\[(?P<square>(?:[^\\]|\\[^\[\]]){{1,2000}}?)\\\]
      | \$\$(?P<display>[^$]{{1,2000}}?)\$\$
      | {DOLLAR_OPENS}(?P<dollar>{IN_DOLLARS}{{1,500}}?(?<=[^\s\\]))\$(?![\d$])""",
    re.VERBOSE,
)
# A formula without its end, matched up to the end of a growing text.
BEGUN_FORMULA = rf"""\\(?:\((?:[^\\]|\\[^()]){{0,1000}}|\[(?:[^\\]|\\[^\[\]]){{0,2000}})?\\?\Z
      | \$\$[^$]{{0,2000}}\$?\Z
      | {DOLLAR_OPENS}{IN_DOLLARS}{{1,500}}\\?\$?\Z
      | \$\Z"""
_MACRO = re.compile(r"\\([A-Za-z]+)")
_SHIFTED = re.compile(r"([\^_])(?:\{([^{}]*)\}|(\\[A-Za-z]+)|([^\s{}\\]))")
_LAYOUT = re.compile(r"\\(?:left|right|big|Big|bigg|Bigg|displaystyle|textstyle|limits|nolimits|begin|end)(?![A-Za-z])")
_LATEX_MARKS = re.compile(r"[\\^_{}]")
_RELATION = re.compile(r"\s*([≤≥≠≈≡∈∉→↦⇒⇔⊂⊆∝])\s*")
_SPARSE = re.compile(r"(?<=[(\[]) | (?=[)\]])")
_NAMES = {"^": "SUPERSCRIPT", "_": "SUBSCRIPT"}
_SIGNS = {"+": "PLUS SIGN", "-": "MINUS", "=": "EQUALS SIGN", "(": "LEFT PARENTHESIS", ")": "RIGHT PARENTHESIS"}


def readable(formula: str) -> str:
    """A formula, with its delimiters, as Unicode: `\\(x^2 \\le 4\\)` is `x² ≤ 4`.

    A formula that cannot be converted whole, or is none (`$HOME/bin:$PATH`), is returned unchanged.
    """
    found = FORMULA.fullmatch(formula)
    if found is None:
        return formula
    latex = next(filter(None, found.groups()), "")
    if found["dollar"] and not _LATEX_MARKS.search(latex) and not re.fullmatch(r"[A-Za-z]|[^A-Za-z]*[=<>+*/].*", latex):
        return formula
    return _translated(latex) or formula


@functools.lru_cache(maxsize=256)
def _translated(latex: str) -> str:
    """The converted formula; empty if a macro is unknown, because its meaning would be lost."""
    if any(not _is_known(name) for name in _MACRO.findall(latex)):
        return ""
    try:
        text = _translator().latex_to_text(_SHIFTED.sub(_shift, latex), tolerant_parsing=False)
    except (LatexWalkerError, ValueError, IndexError, AttributeError):
        return ""
    lines = (_SPARSE.sub("", _RELATION.sub(r" \1 ", line)).split() for line in text.splitlines())
    return "\n".join(" ".join(words) for words in lines if words)


def _is_known(name: str) -> bool:
    spec = _context().get_macro_spec(name)
    return bool(spec is not None and spec.macroname) or _LAYOUT.fullmatch(f"\\{name}") is not None


def _shift(found: re.Match[str]) -> str:
    """A superscript or subscript, in small characters if Unicode has all of them."""
    words = found[2] if found[2] is not None else found[3] or found[4]
    small = [_small(character, _NAMES[found[1]]) for character in words]
    if words and all(small):
        return "{}" + "".join(small)  # else a small letter would lengthen the name of the macro before it
    return f"{found[1]}{words}" if found[2] is None or len(words) == 1 else f"{found[1]}({words})"


def _small(character: str, where: str) -> str:
    name = _SIGNS.get(character) or unicodedata.name(character, "").removeprefix("DIGIT ")
    letter = name.removeprefix("LATIN ")
    tried = [f"{where} {name}"]
    if letter != name:
        tried += [f"LATIN SUBSCRIPT {letter}"] if where == "SUBSCRIPT" else [f"MODIFIER {_reversed(letter)}"]
    for candidate in tried:
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return ""


def _reversed(letter: str) -> str:
    """`SMALL LETTER X` as `LETTER SMALL X`, the way Unicode names raised letters."""
    size, kind, *rest = letter.split(" ")
    return " ".join([kind, size, *rest])


@functools.cache
def _context() -> Any:
    context = get_default_latex_context_db()
    fractions = [MacroTextSpec(name, simplify_repl=_fraction) for name in ("frac", "dfrac", "tfrac")]
    signs = [MacroTextSpec(name, sign) for name, sign in (("implies", "⇒"), ("iff", "⇔"))]
    context.add_context_category("more", prepend=True, macros=[*fractions, *signs])
    return context


@functools.cache
def _translator() -> Any:
    return LatexNodes2Text(math_mode="text", strict_latex_spaces="based-on-source", latex_context=_context())


def _fraction(node: Any, l2tobj: Any) -> str:
    above, below = (_grouped(l2tobj.nodelist_to_text([part]).strip()) for part in node.nodeargd.argnlist[:2])
    return f"{above}/{below}"


def _grouped(words: str) -> str:
    return words if len(words) == 1 or words.isalnum() else f"({words})"
