"""`/tools/jwk`: the page on which a browser makes a key pair for sealed answers (protocol-rest.md section 16)."""

from functools import cache
from importlib.resources import files

from accredit.server import headers
from accredit.server.api.operations import Call, operation
from accredit.server.api.replies import Reply

_FILES = files("accredit.server.hosted.generator")


@operation("GET", "/tools/jwk", public=True, listed=False, page=True)
async def read_generator(call: Call) -> Reply:
    """The page; what it does, its script does in the browser."""
    return Reply(200, headers.key_generator(call.request_id), _load("page.html"))


@operation("GET", "/tools/jwk.js", public=True, listed=False)
async def read_generator_script(call: Call) -> Reply:
    """The page's script."""
    return _file(call, "jwk.js", b"text/javascript; charset=utf-8")


@operation("GET", "/tools/jwk.css", public=True, listed=False)
async def read_generator_style(call: Call) -> Reply:
    """The page's stylesheet."""
    return _file(call, "jwk.css", b"text/css; charset=utf-8")


def _file(call: Call, name: str, media_type: bytes) -> Reply:
    # Never an old script beside a new page, nor the other way round.
    return Reply(200, [(b"content-type", media_type), *headers.api(call.request_id)], _load(name))


@cache
def _load(name: str) -> bytes:
    return (_FILES / name).read_bytes()


OPERATIONS = (read_generator, read_generator_script, read_generator_style)
