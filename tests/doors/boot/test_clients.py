"""Clients of the original, as they are: the code that it prints, and the bodies of its page and apps (protocol-boot.md section 9)."""

import json
import subprocess
from pathlib import Path
from urllib.parse import urlencode

from ...interop.conftest import find_command
from ..conftest import ORIGIN
from .conftest import EMAIL

NODE = Path(__file__).parents[2] / "interop/node"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
# What their platforms send with a body; the WebView of an app loads what comes back.
REACT = {"Content-Type": FORM, "Origin": ORIGIN, "Sec-Fetch-Dest": "iframe", "Accept": "text/html"}
ANDROID = {"Content-Type": FORM, "Origin": "null", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
IOS = {"Content-Type": JSON, "Accept": "application/json"}
OBJECTIVE_C = {"Content-Type": JSON}


def sign_as_the_original(secret: str, ids: list[str], now: int) -> str:
    """What the code yields that the original prints, with the lines that its page lost, in Node."""
    script = "import { signAsTheOriginal } from './identity.mjs';console.log(signAsTheOriginal(JSON.parse(process.argv[1])));"
    given = json.dumps({"secret": secret, "ids": ids, "now": now})
    command = [find_command("node", "the original's code is run in it"), "--input-type=module", "--eval", script, given]
    return subprocess.run(command, cwd=NODE, capture_output=True, text=True, check=True).stdout.strip()


def test_the_original_s_code_signs_what_is_admitted(server, shop, clock):
    ids = [shop.app["deployer_id"], shop.app["integration_id"]]
    for email in (EMAIL, ""):
        signature = sign_as_the_original(shop.secret, [*ids, email] if email else ids, clock.now)
        body = shop.fields(signature=signature, first_name="Stephen", **({"email": email} if email else {}))
        session = shop.visit(body)
        assert (session["uid"] or "", session["trust"]) == (email, "signed")
        assert shop.refusal(body) == "nonce_replayed"


def post(shop, content, headers):
    return shop.redeem(shop.server.http.post("/boot", content=content, headers=headers))


def test_the_form_of_the_react_component(shop):
    fields = {**shop.signed(EMAIL), "broadbandProvider": "Virgin Media", "dob": "1978-12-06T12:27:41.201Z", "page": "broadband"}
    session = post(shop, urlencode(fields), REACT)
    assert (session["uid"], session["origin"], session["view_id"]) == (EMAIL, ORIGIN, "broadband")
    assert session["customer_info"]["broadband"] == {"provider": "Virgin Media"}


def test_the_form_of_the_android_client(shop):
    shop.set(level="CSP", native_apps=[{"type": "android", "value": "com.example.bank"}])
    content = (
        f"&cp_id={shop.app['deployer_id']}&cp_deployment_id={shop.app['integration_id']}&environment=production&locale=en_GB"
        "&signature=null&identifier_type=android&identifier_value=com.example.bank"
        "&%5Bemail%5D=jane%40example.com&%5Bnumber_of_children%5D=2&%5Bmeta%5D=%7Bcustom%3D10%7D"
    )
    session = post(shop, content, ANDROID)
    assert (session["uid"], session["trust"], session["origin"]) == (EMAIL, "unverified", None)
    assert session["app"] == {"type": "android", "value": "com.example.bank"}
    assert session["customer_info"] == {"email": EMAIL, "number_of_children": 2, "meta": "{custom=10}"}


def test_the_json_of_the_ios_client_ends_on_the_application(shop):
    shop.set(native="listed", native_apps=[{"type": "ios", "value": "com.example.bank"}])
    app = {"identifier_type": "ios", "identifier_value": "com.example.bank"}
    absent = dict.fromkeys(("first_name", "dob", "smoker", "number_of_children", "broadband", "meta", "page"))
    session = post(shop, json.dumps(shop.signed(EMAIL, locale="en_GB", **app) | absent), IOS)
    assert (session["uid"], session["trust"], session["customer_info"]) == (EMAIL, "signed", {"email": EMAIL})
    shop.set(level="BASIC")
    assert post(shop, json.dumps(shop.fields(signature=None, **app)), IOS)["app"] == {
        "type": "ios",
        "value": "com.example.bank",
    }


def test_the_json_of_the_objective_c_client(shop):
    shop.set(level="BASIC")
    content = json.dumps({"email": EMAIL, "country": "UK", "ages_of_children": 7, **shop.fields()}, indent=2)
    session = post(shop, content, OBJECTIVE_C)
    assert (session["uid"], session["app"], session["locale"]) == (EMAIL, None, None)
    assert session["customer_info"] == {"email": EMAIL, "country": "UK", "ages_of_children": 7}
