"""Groups of commands that are imported when they are run, and the edge of the process where errors become one sentence.

A group names its commands with a sentence each; the command `rotate-root` of package `accredit.cli.keys` is `command` in the module
`accredit.cli.keys.rotate_root`, and `import`, a word of Python's, in `accredit.cli.keys.import_`.
"""

import json
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import Any

import click

from accredit.errors import AccreditError, FailureError, MalformedError

REFUSED, USAGE, FAILURE = 1, 2, 3
# Click keeps this by context, which all commands of one run share.
_AS_JSON = "accredit.as_json"
_EXTRAS = {"psycopg": "postgres"}


class LazyGroup(click.Group):
    """A group whose commands live in the modules of a package. sentences: name and short help of each, in order of showing."""

    def __init__(self, *args: Any, package: str = "", sentences: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.package = package
        self.sentences = dict(sentences or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in their order."""
        return list(self.sentences)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in self.sentences:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name.replace("-", "_")
        found = import_module(f"{self.package}.{module}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help text; nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.sentences.items()))


class RootGroup(LazyGroup):
    """The outermost group: whatever a command raises ends here, as a sentence on standard error and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except AccreditError as error:
            tell_error(ctx, error)
            ctx.exit(exit_code(error))
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            extra = _EXTRAS.get(missing, "server")
            click.echo(f"accredit: this command needs {missing}; install it with `pip install 'accredit[{extra}]'`.", err=True)
            ctx.exit(FAILURE)
        # The edge of the process: what nobody foresaw is told by kind and place, because its text may hold what was typed.
        except Exception as error:  # noqa: BLE001
            tell_error(ctx, FailureError("internal_error"), place=f"{type(error).__name__} at {_place()}")
            ctx.exit(FAILURE)


def exit_code(error: AccreditError) -> int:
    """1: refused, unknown, in conflict, or a chain that does not hold. 2: what was given has a wrong form. 3: a failure."""
    if isinstance(error, MalformedError):
        return USAGE
    return FAILURE if isinstance(error, FailureError) and error.code != "audit_broken" else REFUSED


def tell_error(ctx: click.Context, error: AccreditError, *, place: str | None = None) -> None:
    """One sentence with the code on standard error; with `--json` one object."""
    told = {"code": error.code, "title": error.title, "member": error.member, "place": place}
    if ctx.meta.get(_AS_JSON):
        click.echo(json.dumps({name: text for name, text in told.items() if text is not None}), err=True)
        return
    detail = "".join(f" ({text})" for text in (error.member, place) if text)
    click.echo(f"accredit: {error.code}: {error.title}{detail}", err=True)


def _place() -> str:
    trace = sys.exc_info()[2]
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def json_option(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--json`, which the command gets as `as_json`."""

    def remember(ctx: click.Context, _option: click.Parameter, wanted: bool) -> bool:
        ctx.meta[_AS_JSON] = wanted
        return wanted

    option = click.option("--json", "as_json", is_flag=True, callback=remember, help="Print JSON, for programs.")
    return option(command)


def examples(*lines: str) -> str:
    """The examples at the end of a help text, each a command with what it needs."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
