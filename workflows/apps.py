from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "workflows"

    def ready(self) -> None:
        from workflows.dispatch import after_apply
        from workflows.services.grant_moves import FOLLOW_TASK

        after_apply(FOLLOW_TASK)
