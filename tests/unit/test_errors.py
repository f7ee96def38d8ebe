import copy
import pickle

import pytest

from accredit.errors import CODES, AccreditError, ConflictError, FailureError, MalformedError, NotFoundError, Refused

FAMILIES = (MalformedError, Refused, NotFoundError, ConflictError, FailureError)


def test_an_error_tells_code_member_status_and_title() -> None:
    error = MalformedError("field_missing", "owner_id")
    assert (error.code, error.member, error.status) == ("field_missing", "owner_id", 400)
    assert error.title == "A required field is missing."
    assert str(error) == "field_missing: owner_id"


def test_an_error_without_member_is_told_by_its_code() -> None:
    assert str(Refused("token_expired")) == "token_expired"
    assert Refused("token_expired").member is None


def test_an_undeclared_code_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        Refused("no_such_code")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_raises_its_own_codes_only(family: type[AccreditError]) -> None:
    for code, declared in CODES.items():
        if declared.family is family:
            assert family(code).family == family.family
        else:
            with pytest.raises(TypeError, match="belongs to"):
                family(code)


def test_the_root_raises_nothing() -> None:
    with pytest.raises(TypeError):
        AccreditError("token_expired")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_caught_as_the_root(family: type[AccreditError]) -> None:
    assert issubclass(family, AccreditError)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_survives_the_way_to_another_process(copied: object) -> None:
    assert callable(copied)
    again = copied(Refused("passport_key_missing", "card_number"))
    assert type(again) is Refused
    assert (again.code, again.member, str(again)) == (
        "passport_key_missing",
        "card_number",
        "passport_key_missing: card_number",
    )
