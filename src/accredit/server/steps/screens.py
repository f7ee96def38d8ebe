"""The screens of the steps: what each gets and what its form posts. The pages of the flow door have a template for each.

    accept_tos      values  version, url: of the terms, or None
                    posts   accept=1, or decline=1: the step stays
    email_address   values  fault, addresses_left
                    posts   email
    phone_number    values  fault, addresses_left
                    posts   phone
    email_code      values  masked, fixed, fault, entries_left, deliveries_left, resend_after_s, addresses_left
    phone_code      posts   code; or again=1; or, unless fixed, change=1
    fields          values  fields: names of form fields, in order; required: those that must be filled; given: {field: text};
                            faults: {field: "missing" or "invalid"}
                    posts   the listed fields
    waiting         values  continue_url, or None

A `fault` is None or one of the words below, for which the page has a text.
"""

from typing import Literal, TypeAlias

# address: no e-mail address, no telephone number. refused: nothing can be delivered there. spent: no delivery or no entry is left for
# the one before.
AddressFault: TypeAlias = Literal["address", "refused", "spent"]
# form: not six digits, which is no guess. too_soon: another delivery before its time. failed: it could not be sent just now.
CodeFault: TypeAlias = Literal["form", "wrong", "expired", "too_soon", "failed"]

SCREENS = ("accept_tos", "email_address", "email_code", "phone_number", "phone_code", "fields", "waiting")

# The form fields of each member of `user`, by their paths.
FORM_FIELDS: dict[str, tuple[str, ...]] = {
    "email": ("email",),
    "phone": ("phone",),
    "name": ("name.first", "name.last"),
    "date_of_birth": ("date_of_birth",),
    "address": (
        *("address.street", "address.street2", "address.city", "address.subdivision", "address.postal_code"),
        "address.country_code",
    ),
    "id_number": ("id_number.type", "id_number.value"),
}
OPTIONAL_FIELDS = frozenset({"address.street2", "address.subdivision", "address.postal_code"})
