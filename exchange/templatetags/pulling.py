"""Whether somebody may ask what the national platform holds: for the pages of units, which do not know the exchange."""

from typing import Any

from django import template
from django.conf import settings

from exchange.selectors.pulling import asks_somewhere

register = template.Library()


@register.simple_tag(takes_context=True)
def pulls_open(context: dict[str, Any]) -> bool:
    """At an agency: operates or edits in some unit."""
    return settings.ROLE != "hub" and asks_somewhere(context["request"].user)
