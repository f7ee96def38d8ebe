"""The screens of the steps: what each gets and what its form posts. The pages of the flow door have a template for each.

Every value is JSON. A `fault` is None or one of the words listed, for which the page has a text.

| screen | values | fields of the form |
|---|---|---|
| `accept_tos` | `version` | `accept=1`, or `decline=1` (the step stays) |
| `email_address` | `fault`: `address`, `refused`; `addresses_left` | `email` |
| `email_code` | `masked`, `fixed`, `fault`, `entries_left`, `deliveries_left`, `resend_after_s`, `addresses_left` | `code`; `again=1`; `change=1` |
| `phone_number` | `fault`: `number`, `refused`; `addresses_left` | `phone` |
| `phone_code` | as `email_code` | as `email_code` |
| `fields` | `fields`: names of form fields in order; `faults`: `{field: "missing" or "invalid"}` | the listed ones |
| `waiting` | what the page shows for a Wait; `continue_url` or None | |

`fault` of the code screens: `form` (not six digits: no guess), `wrong`, `expired`, `too_soon` (again before its time), `spent` (no entry left
for this address: another one, or `again`, may be), `failed` (it could not be sent).
"""
