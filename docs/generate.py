"""Writes what the settings say about themselves: docs/settings.md and .env.example; `--check` only compares."""

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

Every setting is an environment variable, or a line `NAME=value` of the file `.env` where Threadline is started; the
environment wins. Which assistants there are is said in [threadline.toml](../threadline.toml). `make docs` writes this
page.

| setting | without it | meaning |
|---|---|---|
"""
EXAMPLE = """\
# Copy this file to .env and uncomment what you need. The environment wins over .env. `make docs` writes this file.
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
    """The Markdown page with one row a setting."""
    return TABLE + "".join(
        f"| `{name}` |{f' `{default}` ' if default else ' '}| {meaning} |\n" for name, default, meaning in _settings()
    )


def env_example() -> str:
    """The commented `.env` with every setting at its default."""
    return EXAMPLE + "".join(f"\n# {meaning}\n# {name}={default}\n" for name, default, meaning in _settings())


def _settings() -> Iterator[tuple[str, str, str]]:
    for name, field in Settings.model_fields.items():
        yield name.upper(), _default(field), field.description or ""


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
