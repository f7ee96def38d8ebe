"""Secrets that are printed for everybody to try: in the original's documentation, in our vectors, and in those of webhooks."""

from accredit.keys import secret_hash

# SHA-256, so that no scanner takes this file for a leak.
_PUBLISHED = frozenset(
    {
        "cbedc200d2abc788c89f814f62f75f113011828a624577b79827998cc39e7381",
        "48c1a51cfb486a4f9255bb0e1158114cc8e8028f8c5253f5ff315bb2b16bc320",
        "5bfe990017bd839b6470b5342c76b8cc4f13dc7d882dbdec72d53e790643b298",
        "af144284ed2756000d472ac44ada1fd5bdb54aa8251d875e92bbbe35146e59f9",
        "cf623b12c8b1ed9b58c8ce67040b2bb4b1e178c61028fce38748fe16845ed55c",
        "309e83097af29498c736e6507a06e3a51540e2b71ddb1ca9779baa2f442ee67e",
        "96ad2ccd81462a766178ae09a71df55f548a3f66da11606f9cdf40b391e22dd0",
        "c26b9220e32e1dfba0f5848517f4c5e5fdd2716b4ca0d4274e9e5b1cc9901bac",
    }
)


def is_published_secret(text: str) -> bool:
    """Whether a secret is printed for everybody to try, and guards nothing."""
    return secret_hash(text).hex() in _PUBLISHED
