"""The situations of the rental's page: three in which a person does something, and what is tried while the page is made."""

from collections.abc import Mapping

from accredit.server.demo.rest.backend import Flow, RentalDesk
from accredit.server.demo.scenarios import callers
from accredit.server.demo.tried import Tried

FLOWS: Mapping[str, Flow] = {"rest_redirect": "redirect", "rest_embedded": "embedded", "rest_headless": "headless"}

TRIED: Mapping[str, Tried[RentalDesk]] = {
    "rest_original": Tried(
        callers.open_as_original,
        (
            ("Asked with a key alone", "The media type tells a client of the original that the answer is sealed."),
            ("Opened with the private key", "Inside is exactly what a plain answer would be."),
        ),
    ),
    "rest_forged": Tried(
        callers.forge,
        (
            ("Opened as the original does", "The key fits. Who sealed it, a public key cannot tell."),
            ("Opened with a signer", "Inside there has to be Accredit’s own signature, and there is none."),
        ),
    ),
    "rest_swapped": Tried(
        callers.swap,
        (
            ("Handed in for another session", "The signature names its session."),
            ("Handed in for its own", "Nothing is wrong with the answer itself."),
        ),
    ),
    "rest_kept": Tried(callers.keep, (("Handed in for today’s request", "The nonce inside is that of another request."),)),
    "rest_other_browser": Tried(
        callers.bring_another,
        (
            ("With a nonce made up", "Whoever comes back has to bring what only the browser that finished was told."),
            ("Without one", "This integration requires it."),
            ("With the right one", "This browser finished."),
        ),
    ),
    "rest_stranger": Tried(
        callers.read_as_stranger,
        (
            ("By its id", "Unknown, foreign and deleted are one answer."),
            ("Under the rental’s account", "Whether that account exists is told to nobody else."),
        ),
    ),
    "rest_exposed": Tried(
        callers.expose_secret,
        (
            ("From the backend", "A new secret of the rental works."),
            ("From a page", "Browsers say that they are browsers. The secret ends here."),
            ("From the backend again", "It stays ended."),
        ),
    ),
    "rest_private": Tried(
        callers.hand_in_private,
        (
            ("The whole pair", "Refused before anything else is looked at."),
            ("Its public half", "A key whose private half was sent about is burnt, for this account and for good."),
            ("Searched for in the database", "Not even the refusal keeps it."),
        ),
    ),
    "rest_plain": Tried(
        callers.leave_out_key,
        (
            ("The network by name", "It may answer encrypted only, so it is refused before anybody is asked."),
            ("Whoever there is", "Where the person may choose, it is not among the choices."),
        ),
    ),
    "rest_scanned": Tried(
        callers.look_first,
        (
            ("The scanner comes back", "Whoever opens the link last has the session."),
            ("The person goes through", "Nothing was used up."),
        ),
    ),
    "rest_retried": Tried(
        callers.retry,
        (
            ("The same request twice", "The second is answered with the session of the first."),
            ("Another one under the same name", "A mistake, which is told rather than answered with the wrong session."),
        ),
    ),
    "rest_twice": Tried(
        callers.read_twice,
        (
            ("Read twice", "The answer was made once, sealed once, and is kept as it is."),
            ("Cancelled afterwards", "An end never changes."),
        ),
    ),
    "rest_stolen": Tried(
        callers.steal_database,
        (
            ("Searched for the person", "Nothing of the answer stands there in clear."),
            ("The row of the session", "It holds what only the rental’s key opens. No key on this server does."),
        ),
    ),
}
