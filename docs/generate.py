"""Generate docs/settings.md and .env.example from bot/settings.py; `--check` only compares."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from bot.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
TABLE = """\
# Settings

Every setting is an environment variable, or a line `NAME=value` in the file `.env` in the folder where Threadline is
started. Environment variables take precedence. Assistants are defined in [threadline.toml](../threadline.toml).
If a line of `.env` cannot be read, Threadline names it and does not start. It warns of names that resemble a setting.
`make docs` generates this page.

| setting | default | meaning |
|---|---|---|
"""
EXAMPLE = """\
# Copy this file to .env and uncomment what you need. Environment variables take precedence over .env.
# `make docs` generates this file.
"""


def main() -> int:
    pages = {ROOT / "docs/settings.md": settings_table(), ROOT / ".env.example": env_example()}
    if sys.argv[1:] == ["--check"]:
        behind = [path.name for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text]
        return 0 if not behind else _complain(f"{' and '.join(behind)} differ from bot/settings.py: run make docs.")
    for path, text in pages.items():
        path.write_text(text, "utf-8")
    return 0


def settings_table() -> str:
    """The Markdown page, with one row for each setting."""
    return TABLE + "".join(
        f"| `{name}` |{f' `{default}` ' if default else ' '}| {meaning} |\n" for name, default, meaning in _settings()
    )


def env_example() -> str:
    """The commented `.env` with every setting at its default."""
    return EXAMPLE + "".join(f"\n# {meaning}\n# {name}={default}\n" for name, default, meaning in _settings())


def _settings() -> Iterator[tuple[str, str, str]]:
    for name, field in Settings.model_fields.items():
        yield name.upper(), _default(field), f"{field.description}{_range(field)}"


def _range(field: FieldInfo) -> str:
    """The values that are allowed, as " (1 to 600)"; nothing where any value is."""
    least, most = (
        next((getattr(one, bound) for one in field.metadata if hasattr(one, bound)), None) for bound in ("ge", "le")
    )
    if least is None:
        return ""
    return f" ({least:,} or more)" if most is None else f" ({least:,} to {most:,})"


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default()
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _complain(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
