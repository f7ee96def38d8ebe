"""The rest door's decision: may this request open a session, and what may the person choose from (protocol-rest.md section 5)?

offers = find_offers(integration, providers)
request = parse_request(body, Surroundings(integration.rules, environment, [each.provider_id for each in offers]))
admission = admit_request(request, integration, offers, client_id, encrypted=False)
"""

from accredit.server.gate.faults import Fault, FaultyRequestError, fault
from accredit.server.gate.rest.deciding import Offer, RestAdmission, admit_request, find_offers
from accredit.server.gate.rest.faults import key_fault
from accredit.server.gate.rest.parsing import parse_request
from accredit.server.gate.rest.request import RestRequest, Surroundings

__all__ = [
    "Fault",
    "FaultyRequestError",
    "Offer",
    "RestAdmission",
    "RestRequest",
    "Surroundings",
    "admit_request",
    "fault",
    "find_offers",
    "key_fault",
    "parse_request",
]
