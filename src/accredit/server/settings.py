"""Settings, from the environment: one struct, checked once at the start, each documented in docs/reference/settings.md."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from accredit.errors import MalformedError
from accredit.server.mail import is_sender, parse_smtp_url


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set. Each member is the environment variable `ACCREDIT_` + its name in capitals."""

    public_url: str = "http://127.0.0.1:8400"
    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8400
    data_dir: Path = Path("accredit-data")
    database_url: str = ""
    root_key: str = ""
    root_key_file: str = ""
    previous_root_keys: tuple[str, ...] = ()
    path_prefix: str = ""
    trusted_proxies: tuple[str, ...] = ()
    outbound_allow: tuple[str, ...] = ()
    outbound_proxy: str = ""
    smtp_url: str = ""
    mail_from: str = ""
    secret_scanning_keys: str = ""
    refusals_per_minute: int = 60
    token_alg: Literal["ES256", "RS256"] = "ES256"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    access_log: bool = False
    metrics_token: str = ""
    tracing: bool = False

    @property
    def public_origin(self) -> str:
        """The origin of the public URL."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def public_path(self) -> str:
        """What the public URL puts before every address; empty, or with a slash in front only."""
        return urlsplit(self.public_url).path

    @property
    def signed_prefix(self) -> str:
        """What backends sign in front of every path, and a proxy has taken away."""
        return self.path_prefix or self.public_path

    @property
    def database(self) -> str:
        """The database's address; by default a SQLite file in the data directory."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'accredit.sqlite').absolute()}"


_PREFIX = "ACCREDIT_"
_METRICS_TOKEN = re.compile(r"[\x21-\x7e]{16,256}")
_PATH_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")
_PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[A-Za-z0-9._~/-]*[A-Za-z0-9._~-])?")


def read_settings(environ: Mapping[str, str], **overrides: object) -> Settings:
    """The settings of an environment; an override that is not None wins. Lists are separated by commas.

    Without a public URL it is what a browser on this machine calls the server: its host and port.

    Raises MalformedError `settings_invalid` with the name of the variable.
    """
    values: dict[str, object] = {}
    for field in msgspec.structs.fields(Settings):
        text = environ.get(_PREFIX + field.name.upper())
        if text:
            values[field.name] = [part.strip() for part in text.split(",")] if "tuple" in str(field.type) else text
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        # A path is a type that msgspec does not know by itself.
        settings = msgspec.convert(values, Settings, strict=False, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        named = re.search(r"`\$\.([a-z_]+)", str(error))
        raise MalformedError("settings_invalid", _PREFIX + named[1].upper() if named else None) from error
    _check_mail(settings)
    if settings.metrics_token and not _METRICS_TOKEN.fullmatch(settings.metrics_token):
        raise MalformedError("settings_invalid", "ACCREDIT_METRICS_TOKEN")
    if not _PATH_PREFIX.fullmatch(settings.path_prefix):
        raise MalformedError("settings_invalid", "ACCREDIT_PATH_PREFIX")
    if "public_url" not in values:
        return msgspec.structs.replace(settings, public_url=local_url(settings.host, settings.port))
    if not _PUBLIC_URL.fullmatch(settings.public_url):
        raise MalformedError("settings_invalid", "ACCREDIT_PUBLIC_URL")
    return settings


def _check_mail(settings: Settings) -> None:
    if settings.mail_from and not is_sender(settings.mail_from):
        raise MalformedError("settings_invalid", "ACCREDIT_MAIL_FROM")
    try:
        if settings.smtp_url:
            parse_smtp_url(settings.smtp_url)
    except ValueError as error:
        raise MalformedError("settings_invalid", "ACCREDIT_SMTP_URL") from error


_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - what an operator may have named


def local_url(host: str, port: int) -> str:
    """What a browser on this machine calls a server that listens there."""
    return f"http://{_ANY_ADDRESS.get(host, f'[{host}]' if ':' in host else host)}:{port}"
