"""Who may do what where, and why: what the pages of roles and grants show, each to whom it concerns.

A reader sees the rights in the units they may view, and those that reach down into these units from above; and always their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, TextField, Value
from django.db.models.functions import Concat

from orgtree import clock, scope
from orgtree.choices import Action
from orgtree.models import Grant, OrgUnit, User
from orgtree.text import plain
from workflows.choices import GrantState
from workflows.models import ChangeRequest, Contribution, Delegation, GrantChange
from workflows.selectors.deciding import chains_to

SOON = timedelta(days=30)
FOUND = 20  # a search for a person shows no more: whoever finds more types another word
BELOW = 100


@dataclass(frozen=True)
class Right:
    """One grant as a page shows it. `change` is what two people made it by, None for grants older than that rule."""

    grant: Grant
    change: GrantChange | None
    ends_soon: bool
    is_open: bool  # a renewal or an end of it waits for confirmation

    @property
    def state(self) -> str:
        """now, later or over."""
        today = clock.today()
        if self.grant.valid_to <= max(today, self.grant.valid_from):
            return "over"
        return "now" if self.grant.valid_from <= today else "later"


@dataclass(frozen=True)
class UnitRights:
    """The rights in force or to come on one unit: given on it, coming down from above, and given further below."""

    here: Sequence[Right]
    above: Sequence[Right]
    below: Sequence[Right]
    more_below: bool
    delegations: Sequence[Delegation]


@dataclass(frozen=True)
class Reason:
    """Why somebody may see something: by a grant of their own, or, with `chain`, by the grant of somebody they stand in for."""

    grant: Grant
    chain: Sequence[Delegation] = ()


def grants_seen(reader: User) -> QuerySet[Grant]:
    """The grants that `reader` may know of, with all that a line shows."""
    grants = Grant.objects.select_related("user", "unit", "giver", "ender", "given_by_change__proposer", "given_by_change__decider")
    if reader.is_active and reader.is_superuser:
        return grants
    seen = Q(user=reader) | Q(pk__in=scope.scoped(Grant.objects.all(), reader, Action.VIEW).values("pk"))
    for one in scope.intervals(reader, Action.VIEW):
        seen |= Q(unit__tree_id=one.tree_id, unit__lft__lt=one.lft, unit__rght__gt=one.rght)
    return grants.filter(seen)


def rights_of_unit(*, reader: User, unit: OrgUnit) -> UnitRights:
    """The caller has asked whether `reader` may view the unit."""
    grants = _current(grants_seen(reader)).order_by("-unit__lft", "role", "user__first_name", "user__last_name", "valid_from")
    upwards = rights_list(grants.filter(unit__tree_id=unit.tree_id, unit__lft__lte=unit.lft, unit__rght__gte=unit.rght))
    under = grants.filter(unit__tree_id=unit.tree_id, unit__lft__gt=unit.lft, unit__rght__lt=unit.rght).order_by("unit__lft", "role")
    below = rights_list(under[: BELOW + 1])
    here, above = ([one for one in upwards if (one.grant.unit_id == unit.pk) is wanted] for wanted in (True, False))
    standing_in = Delegation.objects.filter(
        revoked_at=None, valid_to__gt=clock.today(), unit__tree_id=unit.tree_id, unit__lft__lte=unit.lft, unit__rght__gte=unit.rght
    )
    return UnitRights(
        here, above, below[:BELOW], len(below) > BELOW, list(standing_in.select_related("giver", "receiver", "unit").order_by("valid_from"))
    )


def rights_of_person(*, reader: User, person: User) -> list[Right]:
    """What `reader` may know of the rights of `person`: those in force first, then those to come, then those that are over."""
    found = rights_list(grants_seen(reader).filter(user=person).order_by("-valid_to", "-pk"))
    return sorted(found, key=lambda one: ("now", "later", "over").index(one.state))


def person_get(*, reader: User, user_id: int) -> User:
    """Raises User.DoesNotExist for somebody of whose rights `reader` may know nothing; whoever gives grants may look anybody up."""
    people = User.objects.all()
    if user_id == reader.pk or gives_grants(reader):
        return people.get(pk=user_id)
    return people.filter(Exists(grants_seen(reader).filter(user=OuterRef("pk")).select_related(None))).get(pk=user_id)


def people_found(*, reader: User, text: str) -> list[User]:
    """People by login or part of the name, accents and case aside, of whose rights `reader` may know."""
    words = plain(text).split()
    if not words:
        return []
    people = User.objects.annotate(called=_plain(Concat("last_name", Value(" "), "first_name", Value(" "), "username", output_field=TextField())))
    for word in words:
        people = people.filter(called__contains=word)
    if not gives_grants(reader):
        people = people.filter(Exists(grants_seen(reader).filter(user=OuterRef("pk")).select_related(None)))
    return list(people.order_by("first_name", "last_name", "pk")[:FOUND])


def gives_grants(user: User) -> bool:
    """Whether `user` may give grants anywhere."""
    return user.is_active and (user.is_superuser or bool(scope.intervals(user, Action.GRANT)))


def ending_soon(*, reader: User) -> list[Right]:
    """Grants that end within 30 days and that nothing follows, in the units where `reader` may give them."""
    return _ending(scope.scoped(grants_seen(reader), reader, Action.GRANT).filter(user__is_active=True))


def own_ending(*, user: User) -> list[Right]:
    """Rights of one's own that end within 30 days and that nothing follows."""
    return _ending(Grant.objects.filter(user=user).select_related("unit"))


def ending_together(*, reader: User) -> tuple[list[Right], list[Right]]:
    """What own_ending and ending_soon find, for a page that shows both; one query."""
    seen = grants_seen(reader)
    given = scope.scoped(Grant.objects.filter(user__is_active=True), reader, Action.GRANT).order_by().values("pk")
    found = _ending(seen.filter(Q(user=reader) | Q(pk__in=given)).annotate(in_care=Q(pk__in=given)))
    return [one for one in found if one.grant.user_id == reader.pk], [one for one in found if one.grant.in_care]  # type: ignore[attr-defined]


def _ending(grants: QuerySet[Grant]) -> list[Right]:
    today = clock.today()
    ending = grants.filter(valid_from__lte=today, valid_to__gt=today, valid_to__lte=today + SOON).order_by("valid_to")
    return [one for one in rights_list(ending) if one.ends_soon]


def changes_seen(reader: User) -> QuerySet[GrantChange]:
    """Proposals and what became of them, newest first: where `reader` gives or audits grants, those they made, and those about themself."""
    changes = GrantChange.objects.select_related("user", "unit", "proposer", "decider", "about").order_by("-proposed_at", "-pk")
    if reader.is_active and reader.is_superuser:
        return changes
    seen = Q(proposer=reader) | Q(user=reader)
    for action in (Action.GRANT, Action.AUDIT):
        seen |= Q(pk__in=scope.scoped(GrantChange.objects.all(), reader, action).values("pk"))
    return changes.filter(seen)


def changes_waiting(reader: User) -> QuerySet[GrantChange]:
    """The proposals that `reader` may confirm or refuse, the oldest first."""
    changes = GrantChange.objects.filter(state=GrantState.PROPOSED).exclude(proposer=reader).exclude(user=reader)
    return scope.scoped(changes, reader, Action.GRANT).select_related("user", "unit", "proposer", "about").order_by("proposed_at", "pk")


def reasons_to_see(*, reader: User, unit: OrgUnit, request: ChangeRequest | None = None) -> list[Reason]:
    """The grants by which `reader` may view `unit` (and decide on `request` in somebody's place); none for who sees all by privilege."""
    found = [Reason(one) for one in _covering(reader, unit)]
    for chain in chains_to(reader):
        reaches = all(_covers(link.unit, unit) and (request is None or request.risk in link.risks) for link in chain)
        if request is not None and reaches:
            found += [Reason(one, chain) for one in _covering(chain[-1].giver, unit)]
    return found


def has_part_in(*, reader: User, request: ChangeRequest) -> bool:
    """Whether `reader` wrote any part of the request."""
    return request.author_id == reader.pk or Contribution.objects.filter(request=request, user=reader).exists()


def rights_list(grants: QuerySet[Grant]) -> list[Right]:
    """The grants with whether something follows them or waits; one query."""
    follows = Grant.objects.filter(
        user=OuterRef("user"), role=OuterRef("role"), unit=OuterRef("unit"), valid_from__gte=OuterRef("valid_to"), valid_to__gt=F("valid_from")
    )
    waits = GrantChange.objects.filter(about=OuterRef("pk"), state=GrantState.PROPOSED)
    today = clock.today()
    return [
        Right(one, getattr(one, "given_by_change", None), _soon(one, today) and not one.is_followed, one.is_waiting)
        for one in grants.annotate(is_followed=Exists(follows), is_waiting=Exists(waits))
    ]


def _soon(grant: Grant, today: date) -> bool:
    return grant.valid_from <= today < grant.valid_to <= today + SOON


def _current(grants: QuerySet[Grant]) -> QuerySet[Grant]:
    return grants.filter(valid_to__gt=clock.today(), user__is_active=True).filter(valid_to__gt=F("valid_from"))


def _covering(user: User, unit: OrgUnit) -> list[Grant]:
    grants = Grant.objects.on(clock.today()).filter(user=user, unit__tree_id=unit.tree_id, unit__lft__lte=unit.lft, unit__rght__gte=unit.rght)
    return list(grants.select_related("unit", "giver", "user", "given_by_change__proposer", "given_by_change__decider").order_by("-valid_to"))


def _covers(above: OrgUnit, unit: OrgUnit) -> bool:
    return above.tree_id == unit.tree_id and above.lft <= unit.lft <= above.rght


def _plain(text: Concat) -> Func:
    return Func(text, function="hoso_plain", output_field=TextField())
