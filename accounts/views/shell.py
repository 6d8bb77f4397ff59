"""allauth's views inside our shell."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.utils.functional import Promise


class InShell:
    """Mixed into a class-based view: gives what the frame around every page wants to know, and `title`."""

    title: str | Promise = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)  # type: ignore[misc]
        self.request.current_app = admin.site.name  # type: ignore[attr-defined]
        asked = context.get("js_data", {})
        options = asked.get("creation_options") or asked.get("request_options")
        shell = admin.site.each_context(self.request)  # type: ignore[attr-defined]
        return {**shell, "title": self.title, "passkey_options": json.dumps(options) if options else "", **context}
