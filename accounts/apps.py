from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who somebody is: logging in, second factors, sessions. allauth holds the tables; what somebody may do is `orgtree.scope`'s."""

    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts import checks, receivers

        assert checks
        receivers.connect()
