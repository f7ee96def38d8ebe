"""The built browser SDK: `accredit.js`, and what pages are told of it. Both files are made by `make sdk` and not tracked.

build = load_sdk()
f"/sdk/{build.version}/accredit.js"          # immutable, checked by the browser against build.integrity
"""

from pathlib import Path

import msgspec

from accredit.errors import FailureError

_FOLDER = Path(__file__).parent


class Sdk(msgspec.Struct, frozen=True):
    """A build. version: that of its immutable address. integrity: the value of the script tag's attribute (W3C SRI)."""

    version: str
    integrity: str


def load_sdk(folder: Path = _FOLDER) -> Sdk:
    """What the last build told of itself. Raises FailureError `sdk_missing`."""
    try:
        return msgspec.json.decode((folder / "integrity.json").read_bytes(), type=Sdk)
    except (OSError, msgspec.DecodeError) as error:
        raise FailureError("sdk_missing") from error
