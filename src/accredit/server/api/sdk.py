"""The browser SDK over HTTP: the script of the present build, and the same under its version for good (protocol-embed.md section 11).

Pages of any site load it with `crossorigin` and `integrity`, so every site may read it.
"""

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from accredit.errors import FailureError, NotFoundError
from accredit.server import sdk
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply
from accredit.server.headers import NO_SNIFF, Headers
from accredit.server.sdk import load_sdk

_SCRIPT = Path(sdk.__file__).parent / "accredit.js"
# Pages load the unversioned address without integrity: a new release is to reach them within minutes.
_SOON, _FOR_GOOD = b"public, max-age=300", b"public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _Script:
    version: str
    etag: bytes
    plain: bytes
    compressed: bytes


@operation("GET", "/sdk/accredit.js", public=True, listed=False)
async def read_script(call: Call) -> Reply:
    """The script of the present build."""
    return _reply(call, _load(), _SOON)


@operation("GET", "/sdk/{version}/accredit.js", public=True, listed=False)
async def read_versioned_script(call: Call) -> Reply:
    """The script of one version, which never changes."""
    script = _load()
    if call.part("version") != script.version:
        raise NotFoundError("page_not_found")
    return _reply(call, script, _FOR_GOOD)


def _reply(call: Call, script: _Script, caching: bytes) -> Reply:
    lines: Headers = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
        (b"cache-control", caching),
        (b"etag", script.etag),
        (b"vary", b"Accept-Encoding"),
        (b"x-request-id", call.request_id.encode("ascii")),
        NO_SNIFF,
    ]
    if script.etag in call.sent.get(b"if-none-match", b""):
        return Reply(304, lines, b"")
    if b"gzip" in call.sent.get(b"accept-encoding", b""):
        return Reply(200, [*lines, (b"content-encoding", b"gzip")], script.compressed)
    return Reply(200, lines, script.plain)


@cache
def _load() -> _Script:
    """The build, read once. Raises FailureError `sdk_missing`; then it is looked for again at the next call."""
    build = load_sdk()
    try:
        plain = _SCRIPT.read_bytes()
    except OSError as error:
        raise FailureError("sdk_missing") from error
    # Weak, as the compressed answer has other octets.
    return _Script(build.version, f'W/"{build.integrity}"'.encode("ascii"), plain, gzip.compress(plain, 9, mtime=0))


OPERATIONS = (read_script, read_versioned_script)
