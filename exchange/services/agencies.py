"""On the hub: admitting an agency and its credentials."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from oauth2_provider.models import get_application_model

from exchange.choices import KeyState
from exchange.models import Agency, AgencyKey
from exchange.services.keys import OVERLAP, SECRET_LENGTH
from exchange.services.lateness import REASON_LENGTH
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import User
from orgtree.text import AgencyCodeInvalid, parse_agency_code
from workflows.errors import NotAllowed
from workflows.services.audit import audit


def agency_set(*, actor: User | None, code: str, name: str, client_id: str, secret: str) -> Agency:
    """Admit an agency, or give it new credentials (actor None: from a shell on the server). Raises ValidationError.

    `code` is its agency identifier in either form; the secret is stored as a hash only.
    """
    if len(secret) < SECRET_LENGTH:
        raise ValidationError({"secret": f"must have at least {SECRET_LENGTH} characters"})
    try:
        code = parse_agency_code(code)
    except AgencyCodeInvalid as error:
        raise ValidationError({"code": f"{code} is not an agency identifier"}) from error
    application_model = get_application_model()
    with transaction.atomic():
        agency = Agency.objects.select_related("application").filter(code=code).first() or Agency(code=code)
        application = agency.application if agency.application_id else application_model()
        application.name, application.client_id, application.client_secret = f"{code} {name}"[:255], client_id, secret
        application.client_type = application_model.CLIENT_CONFIDENTIAL
        application.authorization_grant_type = application_model.GRANT_CLIENT_CREDENTIALS
        application.full_clean(exclude=["user"])
        application.save()
        agency.name, agency.application, agency.active = name, application, True
        agency.full_clean()
        agency.save()
        AgencyKey.objects.filter(agency=agency, state=KeyState.ACTIVE).exclude(application=application).update(
            state=KeyState.ROTATED, usable_until=clock.now() + OVERLAP
        )
        AgencyKey.objects.update_or_create(
            application=application, defaults={"agency": agency, "state": KeyState.ACTIVE, "activated_at": clock.now(), "usable_until": None}
        )
        audit(actor=actor, action="agency.set", agency=code, client=client_id)
    return agency


def agency_seal_demand(*, actor: User | None, code: str, since: date | None, reason: str = "") -> Agency:
    """Ask the agency `code` for its own seal over what its server receives from the day `since` on; None: no longer.

    `actor` None: from a shell on the server, for any day and without a reason. Raises Agency.DoesNotExist, NotAllowed for all but
    superusers, ValidationError naming the field.
    """
    if actor is not None:
        _seal_demand_check(actor, since, reason)
    with transaction.atomic():
        agency = Agency.objects.select_for_update(of=("self",)).get(code=code)
        agency.seal_from = since
        agency.save(update_fields=["seal_from"])
        audit(actor=actor, action="agency.seal_demanded", agency=code, since=since.isoformat() if since else None, reason=reason.strip()[:300])
    return agency


def _seal_demand_check(actor: User, since: date | None, reason: str) -> None:
    if not scope.can(actor, Action.OPERATE, None):
        raise NotAllowed
    problems = {}
    if since is not None and since < clock.today():
        problems["since"] = _("Name a day from today on: what was sent before is not judged anew.")
    if len(reason.strip()) < REASON_LENGTH:
        problems["reason"] = _("Say in a sentence why; it is kept.")
    if problems:
        raise ValidationError(problems)
