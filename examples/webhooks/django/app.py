"""Hears what happens at Accredit, in Django. The three steps of a receiver are marked.

pip install accredit django httpx
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.db import connection, models
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accredit import AccreditError, WebhookSecret, open_event, parse_decryption_key, verify_webhook

# During a rotation both, separated by spaces.
SECRETS = [WebhookSecret.from_text(text) for text in os.environ["WEBHOOK_SECRETS"].split()]
# The private half of the endpoint's encryption key; without one leave out `open_event`.
KEY = parse_decryption_key(json.loads(os.environ["WEBHOOK_KEY"]))
WEEK = timedelta(days=7)

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["HEARD"]}},
    ROOT_URLCONF=__name__,
)
application = get_wsgi_application()
accredit = httpx.Client(
    base_url=os.environ["ACCREDIT_URL"], headers={"Authorization": f"Bearer {os.environ['ACCREDIT_API_KEY']}"}
)
# Your task queue, if you have one.
later = ThreadPoolExecutor(4)


class Heard(models.Model):
    """An event that came within a week."""

    id = models.CharField(primary_key=True, max_length=64)
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        app_label = "hooks"


# What a migration does in a project.
if Heard._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Heard)


# No browser sends these, so there is no CSRF token; the signature says who does.
@csrf_exempt
@require_POST
def hear(request: HttpRequest) -> HttpResponse:
    # (1) Verify the octets as they came, before anything reads them; then open them.
    try:
        event = open_event(verify_webhook(request.body, request.headers, secrets=SECRETS, now=int(time.time())), KEY)
    except AccreditError as error:
        return HttpResponse(error.code, status=401)
    # (2) Drop what came before, and (3) answer first: what takes time comes afterwards.
    if is_new(event.id) and event.payload["data"]["object"] == "session":
        later.submit(ask, event.payload["data"]["id"])
    return HttpResponse(status=204)


def is_new(event_id: str) -> bool:
    """Note an event for a week. Work that must outlive a crash is noted in the same transaction."""
    Heard.objects.filter(at__lt=timezone.now() - WEEK).delete()
    return Heard.objects.get_or_create(id=event_id)[1]


def ask(session_id: str) -> None:
    """How the session stands now, whatever came in whichever order; at the rest and flow doors `accredit.client` asks."""
    answer = accredit.get(f"/v1/sessions/{session_id}")
    if answer.status_code == 200:
        print("session", session_id, answer.json()["status"], flush=True)


urlpatterns = [path("hooks", hear)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
