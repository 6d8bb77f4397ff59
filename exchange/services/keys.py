"""On the hub: the life of an agency's keys: requested, active, rotated, retired; one active for each agency.

Rotation overlaps: the new key works at once, the old one for a few days more, so that nothing stands still while an operator
carries a secret from one machine to the other. A retired key never works again.
"""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from oauth2_provider.models import AccessToken, get_application_model

from exchange.choices import KeyState
from exchange.models import Agency, AgencyKey
from exchange.selectors.sight import operates_line
from orgtree import clock
from orgtree.models import User
from workflows.errors import NotAllowed, WrongState
from workflows.services.audit import audit

SECRET_LENGTH = 32
OVERLAP = timedelta(days=7)


def key_request(*, actor: User | None, agency: Agency, client_id: str, secret: str) -> AgencyKey:
    """Lay down a new key that does not work yet (actor None: from a shell on the server). Raises NotAllowed, ValidationError."""
    _allowed(actor)
    if len(secret) < SECRET_LENGTH:
        raise ValidationError({"secret": f"must have at least {SECRET_LENGTH} characters"})
    model = get_application_model()
    with transaction.atomic():
        application = model(
            name=f"{agency.code} {agency.name}"[:255],
            client_id=client_id,
            client_secret=secret,
            client_type=model.CLIENT_CONFIDENTIAL,
            authorization_grant_type=model.GRANT_CLIENT_CREDENTIALS,
        )
        application.full_clean(exclude=["user"])
        application.save()
        key = AgencyKey.objects.create(agency=agency, application=application)
        audit(actor=actor, action="key.requested", agency=agency.code, client=client_id)
    return key


def key_activate(*, actor: User | None, key: AgencyKey) -> AgencyKey:
    """Make a requested key the agency's one active key; the one before is rotated out. Raises NotAllowed, WrongState."""
    _allowed(actor)
    with transaction.atomic():
        agency = Agency.objects.select_for_update(of=("self",)).get(pk=key.agency_id)
        key = AgencyKey.objects.select_for_update(of=("self",)).select_related("application").get(pk=key.pk)
        if key.state != KeyState.REQUESTED:
            raise WrongState(state=key.state)
        now = clock.now()
        AgencyKey.objects.filter(agency=agency, state=KeyState.ACTIVE).update(state=KeyState.ROTATED, usable_until=now + OVERLAP)
        key.state, key.activated_at = KeyState.ACTIVE, now
        key.save(update_fields=["state", "activated_at"])
        agency.application = key.application
        agency.save(update_fields=["application"])
        audit(actor=actor, action="key.activated", agency=agency.code, client=key.application.client_id)
    return key


def key_retire(*, actor: User | None, key: AgencyKey) -> AgencyKey:
    """End a key at once: its tokens go, and it never works again. Raises NotAllowed, WrongState when it is retired already."""
    _allowed(actor)
    with transaction.atomic():
        key = AgencyKey.objects.select_for_update(of=("self",)).select_related("application", "agency").get(pk=key.pk)
        if key.state == KeyState.RETIRED:
            raise WrongState(state=key.state)
        key.state, key.retired_at = KeyState.RETIRED, clock.now()
        key.save(update_fields=["state", "retired_at"])
        AccessToken.objects.filter(application=key.application).delete()
        audit(actor=actor, action="key.retired", agency=key.agency.code, client=key.application.client_id)
    return key


def _allowed(actor: User | None) -> None:
    if actor is not None and not operates_line(actor):
        raise NotAllowed
