from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PlanningConfig(AppConfig):
    name = "planning"
    verbose_name = _("Planning")

    def ready(self) -> None:
        from planning.targets import OrgUnitTarget
        from workflows.targets import register

        register(OrgUnitTarget())
