"""What makes a staff profile right: rules as queryset expressions, by subject. A rule speaks before a constraint of the table would."""

from registry.rules import dates, identity, life, lists, pay, places, postings, salary, service
from workflows.rules import Rule

RULES: tuple[Rule, ...] = (
    *identity.RULES,
    *dates.RULES,
    *salary.RULES,
    *places.RULES,
    *postings.RULES,
    *lists.RULES,
    *service.RULES,
    *pay.RULES,
    *life.RULES,
)
