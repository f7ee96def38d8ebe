"""From a rule of a template to a step that can be asked.

kind = node.steps.find(scope, rule)
"""

from accredit.server.checklist.observations import Observations
from accredit.server.integrations.flow import StepRule
from accredit.server.keyring.scope import Scope
from accredit.server.keyring.sealing import Sealer
from accredit.server.mail import Mailer
from accredit.server.outbound import Outbound
from accredit.server.steps.addresses import EMAIL, PHONE, AddressKind, Carrier
from accredit.server.steps.callouts.step import CalloutStep
from accredit.server.steps.carriers import MailCarrier, SimulatedCarrier, SmsCarrier, WatchedCarrier
from accredit.server.steps.gateways import Gateways
from accredit.server.steps.services import Services
from accredit.server.steps.simulated import SimulatedService, SimulatedStep
from accredit.server.steps.step import StepKind
from accredit.server.steps.terms import AcceptTerms
from accredit.server.steps.verifying import CodeStep
from accredit.server.store import Store


class Steps:
    """The steps of one process. services, gateways: what owners say of theirs."""

    def __init__(
        self, store: Store, sealer: Sealer, outbound: Outbound, mailer: Mailer, public_url: str, observations: Observations
    ) -> None:
        self.services = Services(store)
        self.gateways = Gateways(store, sealer)
        self._store = store
        self._sealer = sealer
        self._public_url = public_url
        self._carriers: dict[str, tuple[AddressKind, Carrier]] = {
            "verify_email": (EMAIL, WatchedCarrier(MailCarrier(mailer), observations)),
            "verify_sms": (PHONE, WatchedCarrier(SmsCarrier(self.gateways, outbound), observations)),
        }

    def find(self, scope: Scope, rule: StepRule) -> StepKind:
        """The step of a rule: in sandbox a simulator, unless the rule says otherwise. Raises nothing."""
        simulated = scope.environment == "sandbox" and rule.simulate
        if rule.step == "accept_tos":
            terms = AcceptTerms(rule.terms_url)
            return SimulatedStep(terms) if simulated else terms
        if rule.step in self._carriers:
            kind, carrier = self._carriers[rule.step]
            if simulated:
                return SimulatedStep(CodeStep(kind, SimulatedCarrier(), self._store, self._sealer))
            return CodeStep(kind, carrier, self._store, self._sealer)
        if simulated:
            return SimulatedService(rule.fields)
        return CalloutStep(self._store, self._sealer, self._public_url, rule.service, rule.fields)
