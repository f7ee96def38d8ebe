"""A backend at the rest door, in the sandbox or in live, and people who come to its pages: tests/rest_backend.py, person.py."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from ...rest_backend import CALLBACKS, Backend
from ...rest_backend import make_backend as make
from .person import Person

__all__ = ["CALLBACKS", "Backend"]


@pytest.fixture
def make_backend(server: Any) -> Callable[..., Backend]:
    """Makes a backend of a new account, or of an owner's: make_backend("live", **policy), make_backend(owner=owner)."""
    return lambda environment="sandbox", owner=None, **policy: make(owner or server.owner(environment=environment), **policy)


@pytest.fixture
def backend(make_backend: Callable[..., Backend]) -> Backend:
    """A backend in the sandbox, with the default policy."""
    return make_backend()


@pytest.fixture
def new_person(request: pytest.FixtureRequest) -> Iterator[Callable[..., Person]]:
    """Makes a person with a browser: new_person(cookies=False), new_person(**{"Accept-Language": "fi"}), new_person(server)."""
    with ExitStack() as ending:

        def make_person(server: Any = None, *, cookies: bool = True, **headers: str) -> Person:
            base_url = (server or request.getfixturevalue("server")).url
            return Person(ending.enter_context(httpx.Client(base_url=base_url, headers=headers)), cookies=cookies)

        yield make_person
