"""On the hub: people whom two agencies claim. Found among what came in, put to both agencies, decided by the hub, closed by the facts.

open -> asked -> decided -> closed. A case is closed when the two files no longer say the same person, or stand with one agency: that is looked
up, not declared. Only "two different people" and a claim that its agency gives up are closed by what somebody says. Nothing here changes a file
or its owner, so whatever is decided nobody has two owners and nobody none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from exchange.choices import ClaimAnswer, ClaimMatch, ClaimOutcome, ClaimState
from exchange.contract import PROFILE_KIND
from exchange.models import Agency, DoubleClaim, DoubleClaimMark, DoubleClaimStep, SetAside
from exchange.selectors.claims import claims_of, last_answers
from exchange.selectors.sight import operates_line
from exchange.services.buckets import SETTLED
from orgtree import clock
from orgtree.models import User
from workflows.documents import parse
from workflows.errors import GateError, NotAllowed
from workflows.services.audit import audit
from workflows.services.deadlines import working_days_after

PAGE = 2_000
DAYS = 10  # working days to answer, and to carry out what was decided; as long as a transfer may take
BEGINNING = datetime(2000, 1, 1, tzinfo=clock.ZONE)


class ClaimRefused(GateError):
    """The step is not possible now; `str()` says why."""

    code = "CLAIM"


def claims_find() -> int:
    """Look through what came in since the last time for people of two agencies, and close what is settled; returns how many cases are new."""
    with transaction.atomic():
        mark = DoubleClaimMark.objects.select_for_update(skip_locked=True).first()
        if mark is None and DoubleClaimMark.objects.exists():
            return 0  # another worker is at it
        now, since = clock.now(), mark.looked_at if mark else BEGINNING
        found = _by_number(since) + _by_name(since)
        for claim in DoubleClaim.objects.filter(pk__in=found):
            _note(claim, ClaimState.OPEN)
            audit(actor=None, action="claim.found", kind=PROFILE_KIND, key=claim.key_one, claim=str(claim.pk), match=claim.match)
        claims_settle()
        DoubleClaimMark.objects.update_or_create(pk=1, defaults={"looked_at": now - SETTLED})
    return len(found)


# A new case, or a settled one that broke out again by a later version.
INSERT = """
insert into exchange_doubleclaim(id, match, key_one, agency_one_id, key_two, agency_two_id, refused_id, state, outcome, reason)
select gen_random_uuid(), %(match)s, one, agency_one, two, agency_two, refused, 'open', '', '' from ({pairs}) pairs
on conflict (least(key_one, key_two), greatest(key_one, key_two)) do update
set state = 'open', outcome = '', keeps_id = null, reason = '', due_on = null, closed_at = null, refused_id = excluded.refused_id,
    key_one = excluded.key_one, agency_one_id = excluded.agency_one_id, key_two = excluded.key_two, agency_two_id = excluded.agency_two_id
where exchange_doubleclaim.state = 'closed' and exchange_doubleclaim.outcome <> 'different' and excluded.refused_id is not null
and exchange_doubleclaim.closed_at < (select s.recorded_at from exchange_setaside s where s.id = excluded.refused_id)
returning id
"""

# The newest version of each claim that the hub refused and that nothing later has replaced, beside another agency's file with its number.
SAME_NUMBER = """
select l.id as one, public.hoso_agency_of(l.using_unit_id) as agency_one, c.key as two, c.agency as agency_two, c.refused
from unnest(%(refused)s::bigint[], %(agencies)s::bigint[], %(keys)s::uuid[], %(versions)s::int[], %(numbers)s::text[])
  c(refused, agency, key, version, number)
join registry_staffprofile l on l.citizen_id = c.number and l.id <> c.key
where public.hoso_agency_of(l.using_unit_id) <> c.agency and not exists (
  select from exchange_inboundevidence e join exchange_agencymanifest m on m.id = e.manifest_id
  where e.kind = %(kind)s and e.key = c.key and m.agency_id = c.agency and coalesce(e.agency_version, e.version) > c.version)
"""

# Written alike without accents and case, born on one day, of one gender, from one commune: a name and a birthday alone are shared by too many.
SAME_NAME = """
select distinct on (least(a.id, b.id), greatest(a.id, b.id)) a.id as one, public.hoso_agency_of(a.using_unit_id) as agency_one,
  b.id as two, public.hoso_agency_of(b.using_unit_id) as agency_two, null::bigint as refused
from (select distinct key from workflows_recordversion where kind = %(kind)s and recorded_at >= %(since)s) fresh
join registry_staffprofile a on a.id = fresh.key
join registry_staffprofile b on b.birth_date = a.birth_date and b.name_search = a.name_search and b.gender = a.gender
  and b.home_town_area = a.home_town_area and b.id <> a.id
join orgtree_orgunit u on u.id = a.using_unit_id join orgtree_orgunit w on w.id = b.using_unit_id
where u.tree_id <> w.tree_id and public.hoso_agency_of(a.using_unit_id) is not null and public.hoso_agency_of(b.using_unit_id) is not null
order by least(a.id, b.id), greatest(a.id, b.id)
"""


def _by_number(since: datetime) -> list[UUID]:
    aside = SetAside.objects.filter(kind=PROFILE_KIND, code="RULE", recorded_at__gte=since)
    newest = aside.order_by("agency", "key", "-version").distinct("agency", "key")
    found: list[UUID] = []
    page: list[SetAside] = []
    for one in newest.iterator(chunk_size=PAGE):
        page.append(one)
        if len(page) == PAGE:
            found += _clashes(page)
            page = []
    return found + _clashes(page)


def _clashes(page: Sequence[SetAside]) -> list[UUID]:
    if not page:
        return []
    values = {
        "refused": [one.pk for one in page],
        "agencies": [one.agency_id for one in page],
        "keys": [one.key for one in page],
        "versions": [one.version for one in page],
        "numbers": [parse(bytes(one.document))["citizen_id"] for one in page],
        "kind": PROFILE_KIND,
    }
    return _insert(SAME_NUMBER, ClaimMatch.NUMBER, values)


def _by_name(since: datetime) -> list[UUID]:
    return _insert(SAME_NAME, ClaimMatch.NAME_BIRTH, {"kind": PROFILE_KIND, "since": since})


def _insert(pairs: str, match: ClaimMatch, values: dict[str, Any]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(INSERT.format(pairs=pairs), {**values, "match": match.value})
        return [key for (key,) in cursor.fetchall()]


# What each open case comes to by now: whether both files still say one person, and whose they are.
STANDING = """
select c.id, case
  when public.hoso_agency_of(a.using_unit_id) = c.agency_two_id then c.agency_two_id
  when public.hoso_agency_of(b.using_unit_id) = c.agency_one_id then c.agency_one_id end as passed_to,
  case c.match when 'number' then
    a.citizen_id = convert_from(s.document, 'UTF8')::jsonb ->> 'citizen_id' and not exists (
      select from exchange_inboundevidence e join exchange_agencymanifest m on m.id = e.manifest_id
      where e.kind = %(kind)s and e.key = c.key_two and m.agency_id = c.agency_two_id and coalesce(e.agency_version, e.version) > s.version)
  else a.birth_date = b.birth_date and a.name_search = b.name_search and a.gender = b.gender and a.home_town_area = b.home_town_area end as alike
from exchange_doubleclaim c left join registry_staffprofile a on a.id = c.key_one left join registry_staffprofile b on b.id = c.key_two
left join exchange_setaside s on s.id = c.refused_id
where c.state <> 'closed' order by c.id for update of c
"""


def claims_settle() -> int:
    """Close the cases that the facts have settled: the person has passed, or the files no longer say the same. Returns how many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(STANDING, {"kind": PROFILE_KIND})
        settled = [(number, passed) for number, passed, alike in cursor.fetchall() if passed is not None or not alike]
        claims = DoubleClaim.objects.select_related("agency_one", "agency_two").in_bulk([number for number, _passed in settled])
        for number, passed in settled:
            keeps = next((one for one in (claims[number].agency_one, claims[number].agency_two) if one.pk == passed), None)
            _close(claims[number], ClaimOutcome.TRANSFER if keeps else ClaimOutcome.CORRECTED, keeps=keeps)
    return len(settled)


def claim_ask(*, actor: User, claim: DoubleClaim) -> DoubleClaim:
    """Put the case to both agencies, with a term. Raises NotAllowed for all but operators of the hub, ClaimRefused."""
    with transaction.atomic():
        claim = _mine(actor, claim, ClaimState.OPEN)
        claim.state, claim.due_on = ClaimState.ASKED, working_days_after(clock.today(), DAYS)
        claim.save(update_fields=["state", "due_on"])
        _note(claim, ClaimState.ASKED, actor=actor)
        audit(actor=actor, action="claim.asked", kind=PROFILE_KIND, key=claim.key_one, claim=str(claim.pk), due=claim.due_on.isoformat())
    return claim


def claim_answer(*, agency: Agency, number: UUID, answer: ClaimAnswer, reason: str) -> DoubleClaim:
    """What one of the two agencies says; it may say something else later, until the case is closed. Said again it changes nothing.

    Raises DoubleClaim.DoesNotExist for a case that is not the agency's or of which it was not told, ClaimRefused.
    """
    with transaction.atomic():
        claim = claims_of(agency).select_for_update(of=("self",)).get(pk=number)
        said = last_answers(claim).get(agency.pk)
        if said is not None and (said.answer, said.reason) == (answer, reason.strip()[:500]):
            return claim
        if claim.state == ClaimState.CLOSED:
            raise ClaimRefused(_("This case is closed."))
        if not reason.strip():
            raise ClaimRefused(_("Say in a sentence why; it is kept."))
        _note(claim, ClaimState(claim.state), agency=agency, answer=answer, reason=reason)
        audit(actor=None, action="claim.answered", kind=PROFILE_KIND, key=claim.key_one, claim=str(number), agency=agency.code, answer=answer.value)
        _given_up(claim)
    return claim


def claim_decide(*, actor: User, claim: DoubleClaim, outcome: ClaimOutcome, keeps: Agency | None, reason: str) -> DoubleClaim:
    """The hub's decision. Two different people close the case at once; what an agency has to do is closed once it is done.

    `keeps` names whose the person is, where the outcome is a transfer or a claim given up. Raises NotAllowed, ClaimRefused.
    """
    with transaction.atomic():
        claim = _mine(actor, claim, ClaimState.ASKED, ClaimState.DECIDED, *([ClaimState.OPEN] if outcome == ClaimOutcome.DIFFERENT else []))
        if not reason.strip():
            raise ClaimRefused(_("Say in a sentence why; it is kept."))
        if outcome == ClaimOutcome.DIFFERENT and claim.match == ClaimMatch.NUMBER:
            raise ClaimRefused(_("Two people cannot have one number: one of the two files has to be corrected."))
        named = outcome in (ClaimOutcome.TRANSFER, ClaimOutcome.WITHDRAWN)
        if named and (keeps is None or keeps.pk not in (claim.agency_one_id, claim.agency_two_id)):
            raise ClaimRefused(_("Say which of the two agencies keeps the person."))
        claim.reason, claim.outcome, claim.keeps = reason.strip()[:500], outcome, keeps if named else None
        audit(
            actor=actor, action="claim.decided", kind=PROFILE_KIND, key=claim.key_one, claim=str(claim.pk), outcome=outcome.value,
            keeps=claim.keeps.code if claim.keeps else "", reason=claim.reason,
        )  # fmt: skip
        if outcome == ClaimOutcome.DIFFERENT:
            return _close(claim, outcome, keeps=None, actor=actor)
        claim.state, claim.due_on = ClaimState.DECIDED, working_days_after(clock.today(), DAYS)
        claim.save(update_fields=["state", "due_on", "reason", "outcome", "keeps"])
        _note(claim, ClaimState.DECIDED, actor=actor, reason=reason)
        _given_up(claim)
    return claim


def _given_up(claim: DoubleClaim) -> None:
    """A claim that was to be given up and whose agency says so: the case ends."""
    if claim.state != ClaimState.DECIDED or claim.outcome != ClaimOutcome.WITHDRAWN or claim.keeps_id is None:
        return
    loser = claim.agency_two_id if claim.keeps_id == claim.agency_one_id else claim.agency_one_id
    said = last_answers(claim).get(loser)
    if said is not None and said.answer == ClaimAnswer.THEIRS:
        _close(claim, ClaimOutcome.WITHDRAWN, keeps=claim.keeps)


def _mine(actor: User, claim: DoubleClaim, *states: ClaimState) -> DoubleClaim:
    """The case under lock, for an operator of the hub, in one of the states."""
    if not operates_line(actor):
        raise NotAllowed
    locked = DoubleClaim.objects.select_for_update(of=("self",)).select_related("agency_one", "agency_two", "keeps").get(pk=claim.pk)
    if locked.state not in states:
        raise ClaimRefused(_("The case stands at “%s”, so this is no longer possible.") % locked.get_state_display())
    return locked


def _close(claim: DoubleClaim, outcome: ClaimOutcome, *, keeps: Agency | None, actor: User | None = None) -> DoubleClaim:
    claim.state, claim.outcome, claim.keeps, claim.closed_at = ClaimState.CLOSED, outcome, keeps, clock.now()
    claim.save(update_fields=["state", "outcome", "keeps", "closed_at", "reason"])
    _note(claim, ClaimState.CLOSED, actor=actor, reason=claim.reason)
    audit(actor=actor, action="claim.closed", kind=PROFILE_KIND, key=claim.key_one, claim=str(claim.pk), outcome=outcome.value)
    return claim


def _note(
    claim: DoubleClaim, state: ClaimState, *, agency: Agency | None = None, actor: User | None = None, answer: str = "", reason: str = ""
) -> None:
    DoubleClaimStep.objects.create(claim=claim, agency=agency, actor=actor, state=state, answer=answer, reason=reason.strip()[:500])
