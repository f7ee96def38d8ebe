"""What the audience may see and no visitor ever would: the owner's view of what the page has just tried.

The demo asks `/v1` with the owner's API key and shows codes and ids. Passports stay where they are.
"""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from accredit.errors import CODES, AccreditError
from accredit.server.demo.backend_api import BackendApi
from accredit.server.demo.demo import Demo

_REQUEST_ID, _SESSION_ID = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f-]{36}")
_SHOWN = ("session_id", "status", "trust", "origin", "proof", "server_only", "renews", "created_at", "expires_at")
_NO_STORE = {"cache-control": "no-store"}


def backstage_routes(demo: Demo) -> list[Route]:
    """The questions that the panel beside a site asks."""

    async def refusal(request: Request) -> Response:
        request_id = request.path_params["request_id"]
        if not _REQUEST_ID.fullmatch(request_id):
            return JSONResponse({}, 404)
        return JSONResponse(await find_refusal(demo.owner, request_id), headers=_NO_STORE)

    async def session(request: Request) -> Response:
        session_id = request.path_params["session_id"]
        if not _SESSION_ID.fullmatch(session_id):
            return JSONResponse({}, 404)
        try:
            told = (await demo.owner.call("GET", f"/v1/sessions/{session_id}")).body
        except AccreditError as error:
            return JSONResponse({"code": error.code}, error.status)
        return JSONResponse({name: told[name] for name in _SHOWN}, headers=_NO_STORE)

    async def report(request: Request) -> Response:
        request_id = request.path_params["request_id"]
        if not _REQUEST_ID.fullmatch(request_id):
            return JSONResponse({}, 404)
        try:
            return JSONResponse(await find_report(demo, request_id), headers=_NO_STORE)
        except AccreditError as error:
            return JSONResponse({"code": error.code}, error.status)

    return [
        Route("/backstage/refusals/{request_id}", refusal),
        Route("/backstage/sessions/{session_id}", session),
        Route("/backstage/reports/{request_id}", report),
    ]


async def find_report(demo: Demo, request_id: str) -> dict[str, Any]:
    """What the owner's report of a boot says, while the level debugs. Raises NotFoundError `boot_report_not_found`."""
    told = (await demo.owner.call("GET", f"/v1/boot_reports/{request_id}")).body
    code = told["code"]
    return {
        "code": code,
        "title": None if code is None else CODES[code].title,
        "mistakes": [name for name, found in told["mistakes"].items() if found],
    }


async def find_refusal(owner: BackendApi, request_id: str) -> dict[str, Any]:
    """What the owner's audit trail says of a request; code None where it could not be tied to this owner."""
    found = (await owner.call("GET", f"/v1/audit?request_id={request_id}")).body["entries"]
    if not found:
        return {"code": None, "title": None, "kind": None, "seq": None, "at": None}
    entry = found[0]
    return {
        "code": entry["code"],
        "title": CODES[entry["code"]].title,
        "kind": entry["kind"],
        "seq": entry["seq"],
        "at": entry["at"],
    }
