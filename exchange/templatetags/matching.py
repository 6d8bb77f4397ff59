"""How a person stands beside the population database, for the page of a person, which stands below this app and cannot import it."""

from __future__ import annotations

from typing import Any

from django import template

from exchange.choices import MatchOutcome
from exchange.models import PopulationMatch
from exchange.selectors.matching import match_sentence
from registry.models import StaffProfile

register = template.Library()

CALM = (MatchOutcome.MATCHED, MatchOutcome.NOT_CHECKED, MatchOutcome.ERROR)  # nobody has to do anything


@register.simple_tag
def population_standing(profile: StaffProfile) -> dict[str, Any]:
    """{sentence, is_calm} of a person, empty where no population database is connected. One query."""
    match = PopulationMatch.objects.select_related("correction").filter(staff=profile).first()
    if match is None:
        return {}
    return {"sentence": match_sentence(match), "is_calm": match.outcome in CALM}
