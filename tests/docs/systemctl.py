"""The little of systemd that the guide uses: `systemctl enable --now|start|stop|restart UNIT` for one unit file, without a manager.

It runs the unit's ExecStart with the settings of its EnvironmentFile, and comes back when the service says that it is ready.
The unit's directory is named by UNITS, where the process id of a running service is kept too.
"""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

UNITS = Path(os.environ["UNITS"])


def main(verb: str, *names: str) -> None:
    """Carry out one call."""
    unit = names[-1].removesuffix(".service")
    if verb in ("stop", "restart"):
        stop(unit)
    if verb in ("enable", "start", "restart"):
        start(unit)


def start(unit: str) -> None:
    told = dict(line.split("=", 1) for line in (UNITS / f"{unit}.service").read_text().splitlines() if "=" in line)
    settings = dict(line.split("=", 1) for line in Path(told["EnvironmentFile"]).read_text().splitlines())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ACCREDIT_")}
    log = UNITS / f"{unit}.log"
    with log.open("w") as printed:
        process = subprocess.Popen(
            shlex.split(told["ExecStart"]), env=inherited | settings, stdout=printed, stderr=printed, start_new_session=True
        )
    (UNITS / f"{unit}.pid").write_text(str(process.pid))
    while "listens on" not in log.read_text():
        if process.poll() is not None:
            sys.exit(log.read_text())
        time.sleep(0.02)


def stop(unit: str) -> None:
    kept = UNITS / f"{unit}.pid"
    if not kept.exists():
        return
    process = int(kept.read_text())
    kept.unlink()
    os.kill(process, signal.SIGTERM)
    while "Stopped." not in (UNITS / f"{unit}.log").read_text():
        time.sleep(0.02)


if __name__ == "__main__":
    main(*sys.argv[1:])
