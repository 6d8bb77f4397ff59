"""What `manage.py check --deploy` says about accounts."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def second_factor_required(app_configs: Any, **_more: Any) -> list[checks.CheckMessage]:
    if settings.SECOND_FACTOR_REQUIRED:
        return []
    hint = "Unset SECOND_FACTOR and INSECURE_HTTP: the one is for demonstrations and tests, the other for this machine alone."
    return [checks.Warning("Supervisors and administrators may sign in without a second factor.", hint=hint, id="accounts.W001")]
