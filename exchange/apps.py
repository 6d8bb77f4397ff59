from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExchangeConfig(AppConfig):
    name = "exchange"
    verbose_name = _("Exchange")

    def ready(self) -> None:
        from exchange.selectors.matching import papers_named
        from exchange.services.catalogue_notices import SILENCE_TASK
        from exchange.services.program_pairs import ProgramPairs
        from exchange.services.registers import MATCH_TASK
        from exchange.services.releases import TRANSFERS_TASK
        from exchange.services.responders import responder_ask
        from exchange.services.retrying import DELIVER_TASK
        from exchange.services.webhooks import WEBHOOKS_TASK
        from exchange.services.witnessing import hub_witnesses
        from exchange.targets import TransferReleaseTarget
        from registry.program_codes import pairs_kept_by
        from workflows.dispatch import after_apply
        from workflows.evidence_files import keep_named_by
        from workflows.services.revocation import ask_through
        from workflows.services.witnessing import witnesses_also
        from workflows.targets import register

        register(TransferReleaseTarget())
        after_apply(DELIVER_TASK)
        after_apply(MATCH_TASK)
        after_apply(SILENCE_TASK)
        keep_named_by(papers_named)
        pairs_kept_by(ProgramPairs())
        ask_through(responder_ask)
        witnesses_also(hub_witnesses)
        after_apply(TRANSFERS_TASK)
        after_apply(WEBHOOKS_TASK)
