"""What a record of kind `callout` needs beyond what every provider has."""

from typing import Annotated

import msgspec


class CalloutSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A service of the owner's. timeout_s: for one answer of it."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    timeout_s: Annotated[int, msgspec.Meta(ge=1, le=10)] = 10
