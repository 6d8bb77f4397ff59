"""Who may ask for files, and for which: programs, agreements and consents, each set by a person with the right and written into the trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from oauth2_provider.models import AccessToken, get_application_model

from exchange.models import Consent, SharingAgreement, SharingClient
from exchange.selectors.sight import operates_line
from exchange.services.keys import SECRET_LENGTH
from exchange.services.machine_accounts import machine_account
from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import OrgUnit, User
from registry.models import StaffProfile
from registry.schema import STAFF_PROFILE
from registry.selectors.mine import is_own_file
from workflows.errors import NotAllowed
from workflows.services.audit import audit

SHARED = "shared"  # the OAuth scope
SHAREABLE = frozenset({*(one.name for one in STAFF_PROFILE.fields), *(one.name for one in STAFF_PROFILE.rows)})


def client_set(
    *, actor: User | None, code: str, name: str, secret: str = "", calls_a_minute: int = 120, records_a_day: int = 10_000, active: bool = True
) -> SharingClient:
    """Admit a program, or change it; with `secret` its credentials are new and every token of the old ones ends (actor None: from a shell).

    Raises NotAllowed unless `actor` operates the whole installation, ValidationError. The client id is `shared-<code>`.
    """
    _operators_only(actor)
    with transaction.atomic():
        client = SharingClient.objects.select_for_update(of=("self",)).select_related("application").filter(code=code).first()
        if client is None:
            client = SharingClient(code=code, account=machine_account(name=f"client.{code}", label=name))
        client.name, client.calls_a_minute, client.records_a_day, client.active = name, calls_a_minute, records_a_day, active
        if secret or client.application_id is None:
            client.application = _application(client, secret)
        client.full_clean()
        client.save()
        if secret or not active:
            AccessToken.objects.filter(application=client.application).delete()
        audit(actor=actor, action="sharing.client_set", client=code, active=active, new_secret=bool(secret))
    return client


def agreement_set(
    *,
    actor: User | None,
    client: SharingClient,
    purpose: str,
    title: str,
    basis: str,
    unit: OrgUnit,
    fields: Sequence[str],
    needs_consent: bool,
    valid_from: date,
    valid_to: date,
) -> SharingAgreement:
    """Make or change what a client may read for a purpose. Raises NotAllowed, ValidationError (unknown fields are named)."""
    _operators_only(actor)
    names = list(dict.fromkeys(fields))
    if unknown := sorted(set(names) - SHAREABLE):
        raise ValidationError({"fields": _("staff_profile/1 has no field called %s.") % ", ".join(unknown)})
    with transaction.atomic():
        agreement = SharingAgreement.objects.select_for_update(of=("self",)).filter(client=client, purpose=purpose).first()
        agreement = agreement or SharingAgreement(client=client, purpose=purpose)
        agreement.title, agreement.basis, agreement.unit, agreement.fields = title, basis, unit, names
        agreement.needs_consent, agreement.valid_from, agreement.valid_to = needs_consent, valid_from, valid_to
        agreement.full_clean()
        agreement.save()
        audit(
            actor=actor,
            action="sharing.agreement_set",
            unit=unit,
            client=client.code,
            purpose=purpose,
            fields=names,
            consent=needs_consent,
            until=valid_to.isoformat(),
        )
    return agreement


def consent_record(*, actor: User, agreement: SharingAgreement, profile: StaffProfile, paper: str, given_on: date) -> Consent:
    """Write down that the person agreed, and on which paper. Raises NotAllowed without the right to edit the file, ValidationError."""
    if not scope.can(actor, Action.EDIT, profile.using_unit):
        raise NotAllowed
    if not paper.strip():
        raise ValidationError({"paper": _("Name the paper on which the person agreed.")})
    if given_on > clock.today():
        raise ValidationError({"given_on": _("The day lies in the future.")})
    try:
        with transaction.atomic():
            consent = Consent.objects.create(agreement=agreement, person=profile.pk, paper=paper.strip()[:300], given_on=given_on, recorded_by=actor)
            audit(
                actor=actor,
                action="sharing.consent_recorded",
                unit=profile.using_unit,
                kind="staff_profile",
                key=profile.pk,
                purpose=agreement.purpose,
            )
    except IntegrityError as error:
        raise ValidationError(_("The consent is written down already.")) from error
    return consent


def consent_withdraw(*, actor: User, consent: Consent, profile: StaffProfile) -> None:
    """The person takes the consent back: from now on the file is not there for the program. Raises NotAllowed. Twice changes nothing."""
    if consent.person != profile.pk or not (is_own_file(user=actor, profile=profile) or scope.can(actor, Action.EDIT, profile.using_unit)):
        raise NotAllowed
    with transaction.atomic():
        if Consent.objects.filter(pk=consent.pk, withdrawn_at=None).update(withdrawn_at=clock.now(), withdrawn_by=actor):
            audit(actor=actor, action="sharing.consent_withdrawn", unit=profile.using_unit, kind="staff_profile", key=profile.pk)


def _application(client: SharingClient, secret: str) -> object:
    if len(secret) < SECRET_LENGTH:
        raise ValidationError({"secret": _("A secret has at least %s characters.") % SECRET_LENGTH})
    model = get_application_model()
    application = client.application if client.application_id else model()
    application.name, application.client_id, application.client_secret = client.name[:255], f"shared-{client.code}", secret
    application.client_type, application.authorization_grant_type = model.CLIENT_CONFIDENTIAL, model.GRANT_CLIENT_CREDENTIALS
    application.full_clean(exclude=["user"])
    application.save()
    return application


def _operators_only(actor: User | None) -> None:
    if actor is not None and not operates_line(actor):
        raise NotAllowed
