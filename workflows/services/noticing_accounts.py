"""Notices about accounts, from what `accounts` writes into the audit trail: to their owners, and to all superusers when somebody breaks the glass.

The owner is told of each change of what protects the account, also of what was done in their own name: it may have been somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orgtree.models import User
from workflows.choices import AccountMatter, NoticeKind
from workflows.models import AuditEvent
from workflows.services.telling import Telling

# What binds a signature to a person: who changes it says whose signatures count. (The fingerprint is that of older events.)
CERTIFICATE_FIELDS = frozenset({"certificate_fingerprint", "personal_number"})


def _owner_hears(matter: AccountMatter) -> Callable[[AuditEvent], Iterator[Telling]]:
    def told(event: AuditEvent) -> Iterator[Telling]:
        yield _about(event, matter)

    return told


def _about(event: AuditEvent, matter: AccountMatter) -> Telling:
    kept = {name: event.detail[name] for name in ("browser", "system", "address") if event.detail.get(name)}
    detail = {"matter": matter.value, "at": event.at.isoformat(), **kept}
    return Telling(NoticeKind.ACCOUNT, f"account:{event.pk}", [event.detail["user"]], detail=detail)


def _new_device(event: AuditEvent) -> Iterator[Telling]:
    if not event.detail["first"]:  # the very first one is how the account began
        yield _about(event, AccountMatter.DEVICE)


def _changed(event: AuditEvent) -> Iterator[Telling]:
    if CERTIFICATE_FIELDS & set(event.detail["fields"]):
        yield _about(event, AccountMatter.CERTIFICATE)
    if "email" in event.detail["fields"]:
        yield _about(event, AccountMatter.EMAIL)


def _logged_out(event: AuditEvent) -> Iterator[Telling]:
    if event.actor_id != event.detail["user"] and event.detail.get("why") is None:
        yield _about(event, AccountMatter.LOGGED_OUT)


def _broken(event: AuditEvent) -> Iterator[Telling]:
    """Every superuser, and whose rights they are: loud, so that nobody can say it was not seen."""
    everybody = User.objects.filter(is_superuser=True, is_active=True).values_list("pk", flat=True)
    detail = {"who": event.detail["username"], "at": event.detail["ends_at"]}
    yield Telling(NoticeKind.BREAK_GLASS, f"break_glass:{event.pk}", [*everybody, event.detail["user"]], detail=detail)


def _superuser_proposed(event: AuditEvent) -> Iterator[Telling]:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk__in=[event.actor_id, event.detail["user"]])
    yield Telling(NoticeKind.SUPERUSER_WAITING, f"superuser:{event.detail['change']}", others.values_list("pk", flat=True))


def _superuser_decided(event: AuditEvent) -> Iterator[Telling]:
    matter = AccountMatter.SUPERUSER_ENDED if event.action == "superuser.ended" else AccountMatter.SUPERUSER_GIVEN
    yield _about(event, matter)


def _certificate_proved(event: AuditEvent) -> Iterator[Telling]:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk__in=[event.actor_id, event.detail["user"]])
    yield Telling(NoticeKind.CERTIFICATE_WAITING, f"certificate:{event.detail['registration']}", others.values_list("pk", flat=True))


def _number_proposed(event: AuditEvent) -> Iterator[Telling]:
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk__in=[event.actor_id, event.detail["user"]])
    detail = {"who": event.detail["username"], "account": event.detail["user"]}
    yield Telling(NoticeKind.NUMBER_WAITING, f"number:{event.detail['change']}", others.values_list("pk", flat=True), detail=detail)


ACCOUNT_HANDLERS: Mapping[str, Callable[[AuditEvent], Iterator[Telling]]] = {
    "account.new_device": _new_device,
    "account.password_changed": _owner_hears(AccountMatter.PASSWORD),
    "account.password_set": _owner_hears(AccountMatter.PASSWORD),
    "account.factor_added": _owner_hears(AccountMatter.FACTOR_ADDED),
    "account.factor_removed": _owner_hears(AccountMatter.FACTOR_REMOVED),
    "account.factors_taken_back": _owner_hears(AccountMatter.FACTOR_REMOVED),
    "account.codes_renewed": _owner_hears(AccountMatter.CODES),
    "account.changed": _changed,
    "account.logged_out": _logged_out,
    "certificate.registered": _owner_hears(AccountMatter.REGISTERED),
    "certificate.ended": _owner_hears(AccountMatter.UNREGISTERED),
    "certificate.proved": _certificate_proved,
    "account.number_proposed": _number_proposed,
    "account.number_changed": _owner_hears(AccountMatter.CERTIFICATE),
    "superuser.break_glass": _broken,
    "superuser.proposed": _superuser_proposed,
    "superuser.given": _superuser_decided,
    "superuser.ended": _superuser_decided,
}
