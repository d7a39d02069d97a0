"""The settings: environment variables and lines of `.env`, each with its description."""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.env_file import misspelled, unreadable
from bot.validation import instead

ENV_FILE = Path(".env")


class SettingsError(Exception):
    """A setting is wrong; the text names it and says what to write instead."""


class Settings(BaseSettings):
    """Every setting. Secrets are `SecretStr` and print as asterisks."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8-sig", env_ignore_empty=True, extra="ignore", frozen=True
    )

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. Anything but loopback requires THREADLINE_ADMIN_TOKEN for the page.",
    )
    port: int = Field(
        8321, ge=0, le=65535, description="Port of the page, the API and the health check. 0 picks a free one."
    )
    public_url: str = Field(
        "", description="Address at which people reach the page, e.g. https://threadline.example.org."
    )
    data_dir: Path = Field(Path("data"), description="Folder for the database and downloaded model weights.")
    database_url: SecretStr = Field(
        SecretStr(""), description="Database, as sqlite:///PATH. Empty: threadline.db in DATA_DIR."
    )
    threadline_config: Path = Field(Path("threadline.toml"), description="File that defines the assistants.")
    threadline_admin_token: SecretStr = Field(
        SecretStr(""), description="Token that people enter to open the page when HOST is not loopback."
    )
    threadline_api_keys: SecretStr = Field(
        SecretStr(""), description="Keys for the API under /v1, separated by commas. `threadline keys` creates more."
    )
    api_requests_per_minute: int = Field(3000, ge=0, description="Requests per minute for each API key. 0: no limit.")

    assistants_base_url: str = Field("", description="Another Assistants v2 server to use instead of the embedded one.")
    assistants_api_key: SecretStr = Field(SecretStr(""), description="Key for ASSISTANTS_BASE_URL.")

    model_base_url: str = Field("", description="A Chat Completions endpoint, e.g. http://127.0.0.1:11434/v1.")
    model_api_key: SecretStr = Field(SecretStr(""), description="Key for MODEL_BASE_URL.")
    model: str = Field("", description="Name of the model at MODEL_BASE_URL, or at ASSISTANTS_BASE_URL.")
    model_discovery: bool = Field(
        True, description="Look for model servers (Ollama, LM Studio, llama.cpp) on this machine's loopback ports."
    )

    embedding_model: str = Field(
        "",
        description="Embeddings model for file search: a name, or local for built-in MiniLM. Empty: keywords only.",
    )
    embedding_base_url: str = Field("", description="Endpoint of the embeddings model, if not MODEL_BASE_URL.")
    embedding_api_key: SecretStr = Field(SecretStr(""), description="Key for EMBEDDING_BASE_URL.")

    sandbox: str = Field(
        "auto",
        description="Where the code interpreter runs code. auto: in bubblewrap (Linux), if it passes every test at "
        "start-up. wasi: in WebAssembly, which you must choose yourself (docs/tools.md). off: nowhere.",
    )
    sandbox_seconds: float = Field(60, ge=1, le=600, description="Time limit of one code interpreter call, in seconds.")
    sandbox_processor_seconds: float = Field(
        60, ge=1, le=3600, description="CPU time limit of one code interpreter call, in seconds."
    )
    sandbox_memory_mib: int = Field(
        1024,
        ge=128,
        le=1 << 20,
        description="Memory limit of one code interpreter session, in MiB. Up to 50 sessions are open at once.",
    )
    sandbox_disk_mib: int = Field(
        256,
        ge=4,
        le=1 << 20,
        description="Size limit of a session's working folder, in MiB. The folder is kept in memory.",
    )
    sandbox_output_kib: int = Field(
        64,
        ge=1,
        le=1024,
        description="Printed output kept from one code interpreter call, in KiB: its beginning and its end.",
    )
    sandbox_idle_seconds: float = Field(
        900, ge=1, le=86400, description="Idle seconds after which a session and its variables are dropped."
    )

    slack_bot_token: SecretStr = Field(SecretStr(""), description="Slack bot token (xoxb-…).")
    slack_app_token: SecretStr = Field(SecretStr(""), description="Slack app-level token for Socket Mode (xapp-…).")
    slack_api_base_url: str = Field("", description="Another base URL for Slack's Web API (tests, gateways, proxies).")

    discord_token: SecretStr = Field(SecretStr(""), description="Discord bot token.")
    discord_api_base_url: str = Field("", description="Another base URL for Discord's REST API (tests, proxies).")
    discord_gateway_url: str = Field("", description="Another URL for Discord's gateway (tests, proxies).")

    leaving_grace: float = Field(
        8.0, ge=0, le=600, description="Seconds that answers in progress have to finish on shutdown."
    )
    watchdog_seconds: float = Field(
        30.0,
        ge=0,
        description="Seconds after which a program that hangs exits, so that its supervisor can restart it. 0: never.",
    )

    log_level: str = Field("info", description="Log level: debug, info, warning or error.")
    log_format: str = Field("console", description="Log format: console or json.")

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            raise ValueError("write debug, info, warning or error")
        return value.lower()

    @field_validator("log_format")
    @classmethod
    def _known_format(cls, value: str) -> str:
        if value.lower() not in {"console", "json"}:
            raise ValueError("write console or json")
        return value.lower()

    @field_validator("sandbox")
    @classmethod
    def _known_sandbox(cls, value: str) -> str:
        if value.lower() not in {"auto", "wasi", "off"}:
            raise ValueError("write auto, wasi or off")
        return value.lower()

    @property
    def database_path(self) -> Path:
        """The SQLite file that DATABASE_URL or DATA_DIR names."""
        url = self.database_url.get_secret_value()
        if not url:
            return self.data_dir / "threadline.db"
        scheme, _, rest = url.partition("://")
        if scheme != "sqlite" or not rest.startswith("/") or len(rest) < 2 or ":memory:" in rest:
            raise SettingsError(
                "DATABASE_URL: only a SQLite file is supported yet; "
                "write sqlite:///relative/path.db or sqlite:////absolute/path.db."
            )
        return Path(rest[1:])

    @property
    def api_keys(self) -> frozenset[str]:
        """The keys that open /v1."""
        return frozenset(key.strip() for key in self.threadline_api_keys.get_secret_value().split(",") if key.strip())

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the port."""
        return self.host in {"127.0.0.1", "::1", "localhost"}


def load_settings(**overrides: Any) -> Settings:
    """Settings from the environment, `.env` and the command line's overrides. Raises `SettingsError`."""
    if sentences := unreadable(ENV_FILE):
        raise SettingsError("\n".join(sentences))
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("\n".join(map(_complaint, error.errors()))) from None


def misspelled_settings() -> str:
    """The names in `.env` that have no effect but look like settings, with what they may mean; empty without any."""
    return ", ".join(misspelled(ENV_FILE, [name.upper() for name in Settings.model_fields]))


def _complaint(error: ErrorDetails) -> str:
    """Say what is wrong with a value. It is never a secret: any text is a valid secret."""
    return f"{str(error['loc'][0]).upper()} is {str(error['input'])[:80]!r}: {instead(error)}."
