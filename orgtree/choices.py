"""Roles, actions, and the kinds of units and areas."""

from collections.abc import Mapping

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Action(TextChoices):
    """What a grant lets somebody do with the records of a unit and of every unit below it."""

    VIEW = "view", _("View")
    EDIT = "edit", _("Propose changes")
    APPROVE = "approve", _("Approve")
    OPERATE = "operate", _("Operate the exchange")
    AUDIT = "audit", _("Audit")
    GRANT = "grant", _("Give grants")


class Role(TextChoices):
    CLERK = "clerk", _("HR clerk")
    SUPERVISOR = "supervisor", _("Supervisor")
    OFFICER = "officer", _("HR officer")
    OPERATOR = "operator", _("Exchange operator")
    AUDITOR = "auditor", _("Auditor")
    ADMINISTRATOR = "administrator", _("Administrator")


# No role holds both edit and approve: who prepares a change and who decides it are two people (design.md section 5).
ROLE_ACTIONS: Mapping[Role, frozenset[Action]] = {
    Role.CLERK: frozenset({Action.VIEW, Action.EDIT}),
    Role.SUPERVISOR: frozenset({Action.VIEW, Action.APPROVE}),
    Role.OFFICER: frozenset({Action.VIEW, Action.EDIT}),
    Role.OPERATOR: frozenset({Action.VIEW, Action.OPERATE}),
    Role.AUDITOR: frozenset({Action.VIEW, Action.AUDIT}),
    Role.ADMINISTRATOR: frozenset({Action.VIEW, Action.GRANT}),
}


class UnitKind(TextChoices):
    MINISTRY = "ministry", _("Ministry or central body")
    PROVINCE = "province", _("Province or city")
    DEPARTMENT = "department", _("Department")
    COMMUNE = "commune", _("Commune, ward or special zone")
    DIVISION = "division", _("Division or office")
    SCHOOL = "school", _("School")
    HOSPITAL = "hospital", _("Hospital or health centre")
    SERVICE_UNIT = "service_unit", _("Public service unit")
    OTHER = "other", _("Other")


class AreaLevel(TextChoices):
    PROVINCE = "province", _("Province")
    DISTRICT = "district", _("District")  # abolished on 1 July 2025
    COMMUNE = "commune", _("Commune")


class AreaKind(TextChoices):
    """What an area calls itself. A city is a level-one city of the state, or a former city within a province."""

    PROVINCE = "province", _("Province")
    CITY = "city", _("City")
    URBAN_DISTRICT = "urban_district", _("Urban district")
    TOWN = "town", _("Town")
    RURAL_DISTRICT = "rural_district", _("Rural district")
    WARD = "ward", _("Ward")
    TOWNSHIP = "township", _("Township")
    COMMUNE = "commune", _("Commune")
    SPECIAL_ZONE = "special_zone", _("Special zone")


class SuccessionKind(TextChoices):
    WHOLE = "whole", _("As a whole")
    SPLIT = "split", _("Split")
