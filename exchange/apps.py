from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "exchange"

    def ready(self) -> None:
        from exchange.services.registers import MATCH_TASK
        from exchange.services.retrying import DELIVER_TASK
        from workflows.dispatch import after_apply

        after_apply(DELIVER_TASK)
        after_apply(MATCH_TASK)
