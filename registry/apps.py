from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RegistryConfig(AppConfig):
    name = "registry"
    verbose_name = _("Staff profiles")

    def ready(self) -> None:
        from registry.services.sweeping import TASK
        from registry.targets import StaffProfileTarget
        from registry.targets.codes import CodeEntryTarget
        from registry.targets.former_numbers import FormerNumberTarget
        from registry.targets.scales import RankEntryTarget, StepEntryTarget
        from workflows.dispatch import after_apply
        from workflows.targets import register

        register(CodeEntryTarget())
        register(RankEntryTarget())
        register(StepEntryTarget())
        register(StaffProfileTarget())
        register(FormerNumberTarget())
        after_apply(TASK)
