"""Giving files to a program: by agreement, purpose and consent; only the agreed fields; each person into the read log before anything leaves.

A file marked "does not leave" is not there; a marked field is null and named in `withheld`. What a program may not see does not exist for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from exchange.mapping import OUT, CodeTable, Gap
from exchange.models import Consent, SharingAgreement, SharingClient
from exchange.selectors.mapping import code_table, side_of_program
from exchange.services.gaps import gaps_settle
from exchange.services.quotas import DAY, MINUTE, TooMany
from exchange.shared_contract import SharedProfile, SharedProfiles
from orgtree import clock
from orgtree.models import OrgUnit
from registry.models import StaffProfile
from registry.selectors.leaving import passed_on
from workflows.choices import MARKS_HOLD, ReadAction
from workflows.documents import parse
from workflows.models import Mark, RecordVersion, StoredDocument
from workflows.services.marks import WHOLE, withheld
from workflows.services.reads import read_record

KIND = "staff_profile"


class NoAgreement(Exception):
    """The client has no agreement in force for this purpose."""


def call_admit(*, client: SharingClient) -> None:
    """Count a call in this minute. Raises TooMany."""
    now = clock.now()
    window = int(now.timestamp()) // MINUTE
    name = f"exchange.shared.{client.pk}.{window}"
    cache.add(name, 0, timeout=2 * MINUTE)
    if cache.incr(name) > client.calls_a_minute:
        raise TooMany(f"At most {client.calls_a_minute} calls a minute.", MINUTE - int(now.timestamp()) % MINUTE)
    SharingClient.objects.filter(Q(last_call=None) | Q(last_call__lt=now), pk=client.pk).update(last_call=now)


def agreement_of(*, client: SharingClient, purpose: str) -> SharingAgreement:
    """The agreement in force today. Raises NoAgreement."""
    today = clock.today()
    found = SharingAgreement.objects.select_related("unit", "client__account").filter(
        client=client, purpose=purpose, valid_from__lte=today, valid_to__gt=today
    )
    agreement = found.first()
    if agreement is None:
        raise NoAgreement(_("This program has no agreement in force for the purpose “%s”.") % purpose)
    return agreement


def people_of(agreement: SharingAgreement) -> QuerySet[StaffProfile]:
    """Whose files are there under the agreement: of its units, with consent where it is needed, without a mark on the whole file.

    Whoever has passed to another agency is that one's to share.
    """
    unit = agreement.unit
    below = OrgUnit.objects.filter(tree_id=unit.tree_id, lft__gte=unit.lft, rght__lte=unit.rght).order_by()
    people = StaffProfile.objects.filter(using_unit__in=below.values("pk")).exclude(passed_on())
    if agreement.needs_consent:
        people = people.filter(Exists(Consent.objects.filter(agreement=agreement, person=OuterRef("pk"), withdrawn_at=None)))
    return people.filter(~Exists(Mark.objects.filter(kind=KIND, key=OuterRef("pk"), field=WHOLE, state__in=MARKS_HOLD)))


def profiles_page(
    *, agreement: SharingAgreement, after: UUID | None, changed_since: datetime | None, limit: int, address: str | None
) -> SharedProfiles:
    """At most `limit` people with a key above `after`, changed since a moment where one is given. Raises TooMany."""
    people = people_of(agreement).order_by("pk")
    if after is not None:
        people = people.filter(pk__gt=after)
    if changed_since is not None:
        people = people.filter(Exists(RecordVersion.objects.filter(kind=KIND, key=OuterRef("pk"), recorded_at__gte=changed_since)))
    rows = list(people[: limit + 1])
    given = _given(agreement, rows[:limit], address)
    return SharedProfiles(purpose=agreement.purpose, profiles=given, next=rows[limit - 1].pk if len(rows) > limit else None)


def profile_one(*, agreement: SharingAgreement, key: UUID, unless: Sequence[str], address: str | None) -> tuple[SharedProfile | None, str]:
    """One file and its entity tag; no file where the program holds this very one (`unless` names tags). Raises StaffProfile.DoesNotExist, TooMany."""
    profile = people_of(agreement).get(pk=key)
    tag = entity_tag(agreement, profile, _codes(agreement))
    if tag in unless:
        return None, tag
    (given,) = _given(agreement, [profile], address)
    return given, tag


def profiles_found(*, agreement: SharingAgreement, numbers: Sequence[str], address: str | None) -> list[SharedProfile]:
    """The files of these personal numbers, as far as they are there. Raises TooMany."""
    return _given(agreement, list(people_of(agreement).filter(citizen_id__in=numbers).order_by("pk")), address)


def entity_tag(agreement: SharingAgreement, profile: StaffProfile, codes: CodeTable) -> str:
    """Changes with the file, with what the agreement lets through, with what is marked, and with the program's table of codes."""
    marked = sorted(withheld(kind=KIND, keys=[profile.pk]).get(profile.pk, frozenset()))
    said = "|".join([bytes(profile.digest).hex(), *agreement.fields, "-", *marked, *(["-", codes.tag] if codes.tag else [])])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def _given(agreement: SharingAgreement, people: Sequence[StaffProfile], address: str | None) -> list[SharedProfile]:
    """The files as they leave; counted and written into the read log first."""
    if not people:
        return []
    client = agreement.client
    with transaction.atomic():
        records_count(client=client, records=len(people))
        read_record(
            actor=client.account,
            action=ReadAction.EXPORT,
            kind=KIND,
            records=[(one.pk, one.using_unit_id) for one in people],
            what=f"{agreement.title}: {', '.join(agreement.fields)}",
            note=agreement.basis,
            address=address,
        )
    stored = StoredDocument.objects.filter(digest__in=[one.digest for one in people]).values_list("digest", "body")
    bodies = {bytes(digest): bytes(body) for digest, body in stored}
    marks, codes = withheld(kind=KIND, keys=[one.pk for one in people]), _codes(agreement)
    told = [_shared(agreement, one, parse(bodies[bytes(one.digest)]), marks.get(one.pk, frozenset()), codes) for one in people]
    gaps_settle(side=side_of_program(client), way=OUT, found={one.key: gaps for one, gaps in told})
    return [one for one, _gaps in told]


def _codes(agreement: SharingAgreement) -> CodeTable:
    return code_table(side_of_program(agreement.client))


def _shared(
    agreement: SharingAgreement, profile: StaffProfile, document: dict[str, Any], marked: frozenset[str], codes: CodeTable
) -> tuple[SharedProfile, Sequence[Gap]]:
    """What the program is told of one person, and the codes for which its own are not known."""
    held_back = [name for name in agreement.fields if name in marked]
    values, gaps = codes.project({name: None if name in marked else document[name] for name in agreement.fields}, way=OUT)
    unmapped = sorted({one.place.partition(".")[0] for one in gaps})
    values |= dict.fromkeys(unmapped)
    tag = entity_tag(agreement, profile, codes)
    return SharedProfile(key=profile.pk, version=profile.version, tag=tag, values=values, withheld=held_back, unmapped=unmapped), gaps


def records_count(*, client: SharingClient, records: int) -> None:
    """Count so many more people today, in one statement. Raises TooMany beyond the client's limit, and then nothing is counted."""
    today, now = clock.today(), clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into exchange_sharingday as d (client_id, day, records) values (%s, %s, %s) "
            "on conflict (client_id, day) do update set records = d.records + excluded.records returning records",
            [client.pk, today, records],
        )
        (total,) = cursor.fetchone()
    if total > client.records_a_day:
        here = now.astimezone(clock.ZONE)
        raise TooMany(f"At most {client.records_a_day} people a day.", max(1, DAY - here.hour * 3_600 - here.minute * MINUTE - here.second))
