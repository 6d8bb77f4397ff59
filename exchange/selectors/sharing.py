"""What programs are told of their agreements, and what a person is told of who may read their file."""

from __future__ import annotations

from dataclasses import dataclass

from exchange.models import Consent, SharingAgreement, SharingClient, SharingDay
from exchange.shared_contract import Agreement, Agreements
from orgtree import clock
from registry.fields import label_of
from registry.models import StaffProfile


def agreements_told(client: SharingClient) -> Agreements:
    """Every agreement in force today."""
    today = clock.today()
    found = SharingAgreement.objects.filter(client=client, valid_from__lte=today, valid_to__gt=today).select_related("unit").order_by("purpose")
    used = SharingDay.objects.filter(client=client, day=today).values_list("records", flat=True).first() or 0
    return Agreements(
        agreements=[
            Agreement(
                purpose=one.purpose,
                title=one.title,
                basis=one.basis,
                unit=one.unit_id,
                unit_name=one.unit.name,
                fields=list(one.fields),
                needs_consent=one.needs_consent,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
            )
            for one in found
        ],
        records_a_day=client.records_a_day,
        records_today=used,
    )


@dataclass(frozen=True)
class SharedWith:
    """One agreement that reaches a file: its consent, where one is given, and the fields in words."""

    agreement: SharingAgreement
    consent: Consent | None
    fields: str


def shared_with(profile: StaffProfile) -> list[SharedWith]:
    """The agreements in force that reach the unit of this file; two queries."""
    today, unit = clock.today(), profile.using_unit
    reach = {"unit__tree_id": unit.tree_id, "unit__lft__lte": unit.lft, "unit__rght__gte": unit.rght}
    found = SharingAgreement.objects.filter(client__active=True, valid_from__lte=today, valid_to__gt=today, **reach).select_related("client", "unit")
    given = {one.agreement_id: one for one in Consent.objects.filter(person=profile.pk, withdrawn_at=None)}
    return [SharedWith(one, given.get(one.pk), ", ".join(label_of(name) for name in one.fields)) for one in found.order_by("client__name", "purpose")]
