"""The command line, `accredit`: one module for each subcommand, imported when it is asked for.

Signing, checking and making keys need no server, and no database. What does is imported only by the commands that use it, so that
`accredit --help` costs no more than click.
"""

import sys

_HINT = "accredit: the command line comes with the server extra; install it with `pip install 'accredit[server]'`."


def main() -> None:
    """Run the command of this process and exit: 0 done, 1 refused, 2 wrong usage, 3 failure."""
    try:
        from accredit.cli.root import command
    except ModuleNotFoundError as error:
        if error.name != "click":
            raise
        print(_HINT, file=sys.stderr)
        sys.exit(3)
    command(prog_name="accredit")
