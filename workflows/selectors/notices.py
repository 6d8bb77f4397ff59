"""Somebody's notices in words. One text a kind: it goes out by e-mail as it stands, so it names requests by number and units, never people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from orgtree import clock, scope
from orgtree.choices import Action, Role
from orgtree.models import User
from workflows.choices import AccountMatter, CaseMatter, GrantState, MailState, MailWish
from workflows.choices import NoticeKind as K
from workflows.models import Notice, NoticeMail, NoticeWish

PAGE = 100
ALIKE = 3  # so many notices of one kind on one day, and more, stand under one heading
_KEPT_SECONDS = 600

# Kinds that ask somebody to do something; they may go out at once, and stand first.
URGENT = frozenset(
    {K.WAITING, K.OVERDUE, K.OVERDUE_BELOW, K.NOBODY, K.GRANT_WAITING, K.GRANT_UNCLEAR, K.SUPERUSER_WAITING, K.BREAK_GLASS, K.TRANSFER, K.CLAIM}
    | {K.SUPERUSER_ENDS, K.CERTIFICATE_WAITING, K.NUMBER_WAITING}
)
# Kinds that go out at once to everybody, whatever they wish: somebody else may be acting in their name.
ALARMING = frozenset({K.ACCOUNT, K.BREAK_GLASS})

TEXTS: Mapping[str, str | Promise] = {
    K.WAITING: _("Request no. %(number)s, %(unit)s, waits for your decision%(until)s (records: %(count)s)."),
    K.HALF_TIME: _("Request no. %(number)s, %(unit)s: half of the time to decide has passed%(until)s."),
    K.OVERDUE: _("Request no. %(number)s, %(unit)s: the decision is overdue since %(due)s."),
    K.OVERDUE_BELOW: _("Request no. %(number)s, %(unit)s: overdue since %(due)s; the office below has not decided."),
    K.NOBODY: _("Request no. %(number)s, %(unit)s: nobody can decide on it. Somebody needs the right there, or a deputy."),
    K.RETURNED: _("Your request no. %(number)s, %(unit)s, was returned. Read the reason and correct it."),
    K.ROWS_RETURNED: _("Your request no. %(number)s, %(unit)s: part of it was returned (records: %(count)s), the rest goes on."),
    K.APPLIED: _("Your request no. %(number)s, %(unit)s, has been applied."),
    K.NOT_APPLIED: _("Your request no. %(number)s, %(unit)s, could not be applied in full. Its page says why."),
    K.EXPIRED: _("Your request no. %(number)s, %(unit)s, expired: nobody decided in time. Its records are free again."),
    K.RECALLED: _("Your request no. %(number)s, %(unit)s, was recalled before it was applied."),
    K.REVOKED: _("Request no. %(number)s, %(unit)s: its signatures were revoked by request no. %(by)s."),
    K.STANDS_IN: _("You decide in somebody’s place in %(unit)s, from %(from)s until before %(to)s, under decision %(decision)s."),
    K.IS_STOOD_IN: _("Somebody decides in your place in %(unit)s, from %(from)s until before %(to)s, under decision %(decision)s."),
    K.GRANT_WAITING: _("A change of rights in %(unit)s waits for your confirmation."),
    K.GRANT_DECIDED: _("A change of rights in %(unit)s that you proposed: %(state)s."),
    K.GRANT_GIVEN: _("You were given a role in %(unit)s: %(role)s, until before %(to)s."),
    K.GRANT_ENDED: _("Your role in %(unit)s has ended: %(role)s, on %(to)s."),
    K.GRANT_ENDS: _("A role in %(unit)s ends on %(to)s: %(role)s. It can be renewed."),
    K.GRANT_MOVED: _("Your role (%(role)s) moved to %(unit)s, which continues a unit that ended, until before %(to)s."),
    K.GRANT_UNCLEAR: _("%(unit)s ended and was divided: somebody must decide where the roles held there go on (roles: %(count)s)."),
    K.ACCOUNT: _("%(matter)s If it was not you, tell your administrator at once."),
    K.BREAK_GLASS: _("%(who)s has a superuser’s rights that nobody confirmed, until %(at)s. Look at once whether that is right."),
    K.SUPERUSER_WAITING: _("A superuser’s rights wait for your confirmation."),
    K.SUPERUSER_ENDS: _("The superuser’s rights of %(who)s end on %(to)s. To keep them, one proposes more time and another confirms it before."),
    K.CERTIFICATE_WAITING: _("A signing certificate was proved to be somebody’s, and waits for your confirmation."),
    K.NUMBER_WAITING: _("The personal number of an account (%(who)s) waits for your confirmation."),
    K.TRANSFER: "%(matter)s",
    K.CLAIM: "%(matter)s",
    K.CATALOGUE: _("The national platform has a new version of the list “%(list)s”. Compare it, and have it take effect here."),
}
ICONS: Mapping[str, str] = {
    **dict.fromkeys((K.WAITING, K.HALF_TIME, K.NOBODY), "fact_check"),
    **dict.fromkeys((K.OVERDUE, K.OVERDUE_BELOW), "schedule"),
    **dict.fromkeys((K.RETURNED, K.ROWS_RETURNED, K.NOT_APPLIED, K.EXPIRED, K.RECALLED, K.REVOKED), "undo"),
    K.APPLIED: "check_circle",
    **dict.fromkeys((K.STANDS_IN, K.IS_STOOD_IN), "group"),
    **dict.fromkeys((K.GRANT_WAITING, K.GRANT_DECIDED, K.GRANT_GIVEN, K.GRANT_ENDED, K.GRANT_ENDS, K.GRANT_MOVED, K.GRANT_UNCLEAR), "key"),
    **dict.fromkeys((K.ACCOUNT, K.BREAK_GLASS, K.SUPERUSER_WAITING, K.SUPERUSER_ENDS, K.CERTIFICATE_WAITING, K.NUMBER_WAITING), "shield_person"),
    K.TRANSFER: "move_item",
    K.CLAIM: "group",
    K.CATALOGUE: "list_alt",
}


@dataclass(frozen=True)
class Line:
    """One notice as the list shows it. `title` is the request's own, for those who may read it; it is not in e-mails."""

    notice: Notice
    text: str
    title: str
    address: str
    icon: str

    @property
    def is_new(self) -> bool:
        return self.notice.read_at is None


@dataclass(frozen=True)
class Group:
    """The notices of one kind on one day, newest first."""

    label: str
    day: date
    lines: Sequence[Line]

    @property
    def folded(self) -> bool:
        return len(self.lines) > ALIKE

    @property
    def new(self) -> int:
        return sum(line.is_new for line in self.lines)


def notices_of(user: User) -> QuerySet[Notice]:
    """Newest first, with what their texts need."""
    return Notice.objects.filter(user=user).select_related("request__unit", "unit").order_by("-id")


def notice_groups(*, user: User, before: int | None = None) -> tuple[list[Group], int | None]:
    """One page of notices in groups, and the number to ask the next page with, or None."""
    notices = notices_of(user)
    found = list((notices.filter(pk__lt=before) if before else notices)[: PAGE + 1])
    grouped: dict[tuple[date, str], list[Line]] = {}
    for one in found[:PAGE]:
        grouped.setdefault((_day(one.created_at), one.kind), []).append(line_of(one))
    groups = [Group(str(K(kind).label), day, lines) for (day, kind), lines in grouped.items()]
    return groups, found[PAGE - 1].pk if len(found) > PAGE else None


def line_of(notice: Notice) -> Line:
    title = notice.request.title if notice.request else ""
    return Line(notice, text_of(notice), title, address_of(notice), ICONS[notice.kind])


def text_of(notice: Notice) -> str:
    """The notice in the present language, without any person's name."""
    detail = notice.detail
    unit = notice.request.unit if notice.request else notice.unit
    due = _said_day(detail.get("due"))
    return str(TEXTS[notice.kind]) % {
        "number": notice.request.number if notice.request else "",
        "unit": (unit.short_name or unit.name) if unit else "",
        "count": detail.get("count", ""),
        "due": due,
        "until": str(_(", until %(due)s")) % {"due": due} if due else "",
        "from": _said_day(detail.get("from")),
        "to": _said_day(detail.get("to")),
        "decision": detail.get("decision", ""),
        "by": detail.get("by", ""),
        "list": detail.get("title", ""),
        "role": Role(detail["role"]).label if detail.get("role") else "",
        "state": _state(detail.get("state", "")),
        "who": detail.get("who", ""),
        "at": _said_moment(detail.get("at")),
        "matter": _case(notice, due) if notice.kind in (K.TRANSFER, K.CLAIM) else _matter(detail) if notice.kind == K.ACCOUNT else "",
    }


def address_of(notice: Notice) -> str:
    """The page where something can be done about it."""
    if notice.request_id:
        return reverse("workflows:request_detail", args=[notice.request_id])
    if notice.kind in (K.STANDS_IN, K.IS_STOOD_IN):
        return reverse("workflows:absence")
    if notice.kind == K.ACCOUNT:
        return reverse("accounts:own")
    if notice.kind in (K.TRANSFER, K.CLAIM, K.CATALOGUE):
        return _exchange_address(notice)
    if notice.kind == K.CERTIFICATE_WAITING:
        return reverse("accounts:certificates")
    if notice.kind == K.NUMBER_WAITING:
        return reverse("accounts:person", args=[notice.detail["account"]]) + "#number"
    if notice.kind in (K.BREAK_GLASS, K.SUPERUSER_WAITING, K.SUPERUSER_ENDS):
        return reverse("accounts:superusers")
    if notice.kind == K.GRANT_UNCLEAR:
        return reverse("workflows:grant_moves")
    if notice.kind in (K.GRANT_WAITING, K.GRANT_DECIDED):
        return reverse("workflows:grant_changes")
    if notice.kind == K.GRANT_ENDS and notice.detail.get("user"):
        return reverse("workflows:rights_person", args=[notice.detail["user"]])
    return reverse("workflows:rights_person", args=[notice.user_id])


def _exchange_address(notice: Notice) -> str:
    """A page about another agency, or about the hub."""
    if notice.kind == K.TRANSFER:
        return reverse(f"exchange:transfer_{notice.detail['side']}", args=[notice.detail["number"]])
    if notice.kind == K.CLAIM:
        return reverse("exchange:claim_notice", args=[notice.detail["number"]])
    return f"{reverse('exchange:catalogue_list')}?{urlencode({'list': notice.detail['list']})}"


def unread_count(user: User) -> int:
    """How many notices `user` has not read; remembered for some minutes. Without Redis every page still works, and asks."""
    key = _key(user.pk)
    try:
        known = cache.get(key)
        if known is None:
            known = Notice.objects.filter(user=user, read_at=None).count()
            cache.set(key, known, _KEPT_SECONDS)
    except RedisError:
        known = Notice.objects.filter(user=user, read_at=None).count()
    return int(known)


def unread_forget(user_ids: Iterable[int]) -> None:
    """Called after the number of unread notices of these people changed."""
    try:
        cache.delete_many([_key(pk) for pk in user_ids])
    except RedisError:
        return  # what is kept grows old by itself


def mail_wish(user: User) -> MailWish:
    wish = NoticeWish.objects.filter(user=user).first()
    return MailWish(wish.mail) if wish else MailWish.DIGEST


def mails_failing(*, reader: User) -> QuerySet[NoticeMail]:
    """E-mails that could not be sent, or not yet at the first try: for those who operate the installation."""
    if not (reader.is_superuser or scope.intervals(reader, Action.OPERATE)):
        return NoticeMail.objects.none()
    troubled = NoticeMail.objects.exclude(state=MailState.SENT).filter(attempts__gt=0)
    return troubled.select_related("user").order_by("-created_at")


def _key(user_id: int) -> str:
    return f"notices:{user_id}"


def _day(moment: datetime) -> date:
    return moment.astimezone(clock.ZONE).date()


def _said_day(text: Any) -> str:
    return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT") if text else ""


def _said_moment(text: Any) -> str:
    return date_format(datetime.fromisoformat(text).astimezone(clock.ZONE), "SHORT_DATETIME_FORMAT") if text else ""


def _case(notice: Notice, due: str) -> str:
    """What happened to a transfer or a claim, by the other agency's name."""
    matter = notice.detail.get("matter")
    return str(CaseMatter(matter).label) % {"agency": notice.detail["agency"], "due": due} if matter else str(K(notice.kind).label)


def _matter(detail: Mapping[str, Any]) -> str:
    """What happened to the account, and on which device as far as the browser tells."""
    device = ", ".join(str(detail[name]) for name in ("browser", "system", "address") if detail.get(name))
    told = {"at": _said_moment(detail.get("at")), "where": f" ({device})" if device else ""}
    return str(AccountMatter(detail["matter"]).label) % told if detail.get("matter") else ""


def _state(value: str) -> str:
    return str(GrantState(value).label) if value else ""
