"""Whether the reader may see the code lists of the national platform, for pages of apps that stand below this one."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.template import Context

from exchange.selectors.catalogues import may_pull
from exchange.selectors.sight import operates_line

register = template.Library()


@register.simple_tag(takes_context=True)
def catalogues_open(context: Context) -> bool:
    """On the hub, for whoever operates it; at an agency, also for whoever may propose codes. Asked once a page."""
    user = context["request"].user
    return operates_line(user) if settings.ROLE == "hub" else may_pull(user)
