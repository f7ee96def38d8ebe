"""Anonymous visits in a frame: its channel finds the session again, and makes nobody a user."""

CHANNEL = "AAAAAAAAAAAAAAAAAAAAAA"


def test_the_channel_of_an_anonymous_frame_is_no_user_to_store_data_for(server):
    owner = server.owner()
    session = owner.visit(owner.integration(), channel=CHANNEL)
    address = f"/v1/sessions/{session['session_id']}/user_data"
    assert session["anonymous_id"].startswith("anon_")
    assert owner.call("PUT", address, 409, {"visits": 1})["code"] == "session_has_no_user"
    assert owner.call("GET", address, 409)["code"] == "session_has_no_user"
