"""How a person stands beside the population database, for the page of a person, which stands below this app and cannot import it."""

from __future__ import annotations

from typing import Any

from django import template

from exchange.choices import MatchOutcome
from exchange.models import PopulationMatch
from exchange.selectors.matching import LOOKS, match_sentence
from registry.models import StaffProfile

register = template.Library()


@register.simple_tag
def population_standing(profile: StaffProfile) -> dict[str, Any]:
    """{sentence, look, label, is_open} of a person, empty where no population database is connected. One query."""
    match = PopulationMatch.objects.select_related("correction").filter(staff=profile).first()
    if match is None:
        return {}
    outcome = MatchOutcome(match.outcome)
    return {"sentence": match_sentence(match), "look": LOOKS.get(outcome, "hs-chip-bad"), "label": outcome.label}
