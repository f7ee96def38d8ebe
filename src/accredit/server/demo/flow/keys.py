"""What the exchange keeps secret, and the names of what it set up."""

from dataclasses import dataclass, field

# The template that counts, one that asks for less, and the one in live, where pages may open a hundred sessions unsigned.
KYC, NEWSLETTER, KYC_LIVE = "kyc", "newsletter", "kyc_live"
LIVE_ORIGIN = "https://juniper.example"


@dataclass(frozen=True, slots=True)
class FlowCredentials:
    """Of one environment. owner: an API key of the back office. publishable: what pages name, no secret.

    key_id, secret: of the API credential, which signs references and requests, and the webhooks of kind `flow`.
    """

    publishable: str
    key_id: str
    owner: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExchangeKeys:
    """All that the exchange keeps. hook: `whsec_` secret of its endpoint of kind `accredit`. endpoint_id: of that endpoint."""

    sandbox: FlowCredentials
    live: FlowCredentials
    endpoint_id: str
    hook: str = field(repr=False)
