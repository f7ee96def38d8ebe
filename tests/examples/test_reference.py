"""References that the samples sign: as the original prints it, taken by the library, and never made of what is unfit."""

import pytest

import accredit

SECRET, REFERENCE = "live_secret_" + "abcd1234" * 8, "3a409367-a417-4d46-9a92-3d7bc5dc4605"
PRINTED = "yw0hqBPOIWcHPFZBsaMPnxktOrWwWkZcWP+TneV5D48="
HELD = accredit.ReferenceSecret.from_text(SECRET, key_id="live_key_1")
REFERENCES = ("a", 'zoë "Z" \\ <b> / 🙂', "x" * 255)


def test_the_original_s_example_comes_out_as_it_is_printed(printed):
    assert printed("reference/sign", REFERENCE, REFERENCE_SECRET=SECRET) == PRINTED


def test_the_library_takes_it(printed):
    for reference in REFERENCES:
        signature = printed("reference/sign", reference, REFERENCE_SECRET=SECRET)
        verified = accredit.verify_reference(reference, signature, [HELD])
        assert (verified.customer_reference, verified.version) == (reference, 1)


@pytest.mark.parametrize("reference", ["", "a\nb", "a\x7f", "\x85", "\u2028", "é" * 128], ids=ascii)
def test_what_is_no_reference_is_not_signed(sample, reference):
    done = sample("reference/sign", reference, REFERENCE_SECRET=SECRET)
    assert (done.code != 0, done.out) == (True, "")


@pytest.mark.parametrize("secret", [None, "", "secret_key"], ids=["none", "empty", "short"])
def test_without_the_secret_nothing_is_signed(sample, secret):
    done = sample("reference/sign", REFERENCE, **({} if secret is None else {"REFERENCE_SECRET": secret}))
    assert done.code != 0
    assert "=" not in done.out


def test_without_a_reference_the_usage_is_told(sample):
    done = sample("reference/sign", REFERENCE_SECRET=SECRET)
    assert (done.code != 0, done.out) == (True, "")
    assert "usage: " in done.err
    assert "CUSTOMER_REFERENCE" in done.err
