"""The page of a debug report: every check in order, what should have been signed, and the way on (protocol-boot.md section 5)."""

import secrets

import msgspec

from accredit.errors import CODES
from accredit.server import headers
from accredit.server.boot_reports import BootReport
from accredit.server.hosted.pages import TEMPLATES, Page

_CHECKS = {
    "origin": "The page or app may boot",
    "signature_form": "The signature has the right form",
    "mac": "The MAC is right",
    "freshness": "The time is near enough",
    "replay": "The nonce is new",
}


def debug_page(report: BootReport, url: str, ancestors: str, channel: str | None, origin: str | None) -> Page:
    """The report, told to the page around it too, and a link to the application or the session's page."""
    nonce = secrets.token_urlsafe(16)
    body = TEMPLATES.get_template("debug.html").render(
        nonce=nonce,
        report=report,
        url=url,
        checks=_CHECKS,
        titles={check.code: CODES[check.code].title for check in report.checks if check.code},
        target=origin if channel else None,
        message={
            "accredit": 1,
            "door": "boot",
            "type": "debug",
            "channel": channel,
            "report": msgspec.to_builtins(report),
        },
    )
    return Page(200, headers.framed_page(report.request_id, ancestors, nonce), body.encode())
