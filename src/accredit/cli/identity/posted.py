"""What a page posts, for commands: a body as it travels, and single values in options beside it."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

import click

from accredit.cli.files import INPUT, read_text
from accredit.encoding import Json, JsonError, parse_json
from accredit.errors import MalformedError
from accredit.identity import BootBody, read_boot_body
from accredit.server.forms import parse_form

_MAX_DEPTH = 6


def posted_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options of what is posted; the command gets it as `boot`, a BootBody."""

    @click.option("--body", type=INPUT, help="What the page posts, JSON or a form; `-` reads standard input.")
    @click.option("--cp-id", metavar="ID", help="cp_id, the deployer.")
    @click.option("--cp-deployment-id", metavar="ID", help="cp_deployment_id, the integration.")
    @click.option("--email", metavar="TEXT", help="The user, exactly as the page passes it; without it nobody is vouched for.")
    @click.option("--field", "fields", metavar="NAME=TEXT", multiple=True, help="Another customer field, such as first_name.")
    @click.option("--page", metavar="ID", help="page, the view.")
    @click.option("--locale", metavar="TEXT", help="locale, such as en_GB.")
    @wraps(command)
    def with_boot(
        *args: object,
        body: Path | None,
        cp_id: str | None,
        cp_deployment_id: str | None,
        email: str | None,
        fields: Sequence[str],
        page: str | None,
        locale: str | None,
        **kwargs: object,
    ) -> None:
        ids = (("cp_id", cp_id), ("cp_deployment_id", cp_deployment_id), ("email", email))
        options = [(name, text) for name, text in (*ids, ("page", page), ("locale", locale)) if text is not None]
        boot = read_boot_body(_gather({} if body is None else _read_body(body), [*options, *map(_split, fields)]))
        command(*args, boot=boot, **kwargs)

    return with_boot


def _read_body(path: Path) -> dict[str, Json]:
    """The members of a JSON object, or the fields of a form. Raises MalformedError `request_malformed`."""
    text = read_text(path)
    if not text.startswith("{"):
        return {**parse_form(text.encode())}
    try:
        parsed = parse_json(text.encode(), max_depth=_MAX_DEPTH)
    except JsonError as error:
        raise MalformedError("request_malformed", str(path)) from error
    assert isinstance(parsed, dict)
    return parsed


def _gather(body: dict[str, Json], options: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """Both together. Raises MalformedError `request_malformed` for a name that is in both, or comes twice."""
    for name, text in options:
        if name in body:
            raise MalformedError("request_malformed", name)
        body[name] = text
    return body


def _split(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not name or not separator:
        raise click.BadParameter("--field takes NAME=TEXT, such as first_name=Ada.")
    return name, value


def tell_warnings(boot: BootBody) -> None:
    """Say on standard error what of a body means nothing."""
    for warning in boot.customer.warnings:
        click.echo(f"warning: {warning}", err=True)
