"""The command line, imported once for all the commands that the documents show: each runs in a fork of a process that has it ready.

`accredit` takes most of a second to import what a command on the database needs, and runs within a few hundredths of one.
tests/cli shows that the installed command works; here it is the same `main`, with the environment, directory and files of its caller.

    with warm_command() as path: ...        # a directory for PATH, with an `accredit` in it
"""

import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

# Programs that stay run for real.
_CALLER = """#!{python} -IS
import json, os, socket, sys
if sys.argv[1:2] in (["serve"], ["demo"]):
    os.execv({real!r}, [{real!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as there:
    there.connect({address!r})
    told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(there, [b"-"], [0, 1, 2])
    there.sendall(told)
    there.shutdown(socket.SHUT_WR)
    sys.exit(int(there.recv(4) or b"70"))
"""


@contextmanager
def warm_command() -> Iterator[Path]:
    """A directory with an `accredit` that needs no time to start."""
    with TemporaryDirectory(prefix="accredit-warm-") as kept:
        address, caller = Path(kept) / "socket", Path(kept) / "accredit"
        real = Path(sys.executable).with_name("accredit")
        caller.write_text(_CALLER.format(python=sys.executable, real=str(real), address=str(address)))
        caller.chmod(0o755)
        with subprocess.Popen([sys.executable, __file__, address], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", "the command line could not be imported"
            yield Path(kept)
            process.terminate()


def serve(address: str) -> None:
    """Answer callers until the process is stopped."""
    import accredit.cli

    for module in pkgutil.walk_packages(accredit.cli.__path__, "accredit.cli."):
        import_module(module.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while True:
            caller, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _run(caller)
            caller.close()


def _run(caller: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, files, _, _ = socket.recv_fds(caller, 1, 3)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    with caller.makefile("rb") as told:
        arguments, directory, environ = json.load(told)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["accredit", *arguments]
    code: object = 1
    try:
        sys.modules["accredit.cli"].main()
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        with suppress(BrokenPipeError):
            sys.stdout.flush()
        caller.sendall(str(code).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
