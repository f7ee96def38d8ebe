"""Who is this visitor? A Django site asks Accredit. The three steps of the integration are marked.

pip install 'accredit[client]' django
"""

import json
import os
import sys
from collections.abc import Callable

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from accredit import AccreditError
from accredit.client import CallbackUrls, Client, SessionRequest, read_callback

accredit = Client(
    os.environ["ACCREDIT_URL"],
    client_id=os.environ["ACCREDIT_CLIENT_ID"],
    client_secret=os.environ["ACCREDIT_CLIENT_SECRET"],
    keys=[json.loads(os.environ["ANSWERS_KEY"])],
)

settings.configure(
    SECRET_KEY=os.environ["SITE_SECRET"],
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        f"{__name__}.Refusals",
    ],
)


class Refusals:
    """What Accredit says no to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, AccreditError):
            return HttpResponse(f"That did not work ({error.code}).", status=error.status)
        return None


@require_GET
def show(request: HttpRequest) -> HttpResponse:
    name = request.session.get("name")
    if name:
        return HttpResponse(format_html("Hello, {}.", name))
    form = (
        '<form method="post" action="/start"><input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        "<button>Identify yourself</button></form>"
    )
    return HttpResponse(format_html(form, get_token(request)))


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    # (1) Start: ask for the name, and send the browser where Accredit says.
    back = CallbackUrls.to(request.build_absolute_uri(reverse("come_back")))
    session = accredit.create(SessionRequest(requested_attributes=("name",), callback_urls=back))
    request.session["asked"] = session.id
    return redirect(session.authentication_url)


@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    if "asked" not in request.session:
        return redirect("/")
    # (2) Callback: read what this visitor's own session started, never what an address names.
    session = accredit.get(request.session["asked"])
    if session.status == "SUCCESS" and session.subject is not None:
        # (3) Read: who finished is this browser, and nobody who was sent a link.
        session.check_nonce(read_callback(request.get_full_path()).session_nonce)
        request.session["name"] = session.subject.text("name")
    return redirect("/")


urlpatterns = [path("", show), path("start", start), path("back", come_back, name="come_back")]
application = get_wsgi_application()

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
