"""Telling programs which files changed: messages are made from the outbox, signed, and tried until they are taken.

A message names key and version and nothing of the file, so that a wrong address learns nothing; the program then asks, and is judged anew.
Claims push `not_before` forward before anything is called; two workers never send the same message at once, and a killed one loses none.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import secrets
from datetime import datetime, timedelta

import httpx
from django.core.exceptions import ValidationError
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.crypto import decrypt, encrypt
from exchange.choices import HookState
from exchange.contract import encode
from exchange.hook_line import AddressRefused, HookFailed, address_checked, post
from exchange.models import HookMessage, SharingAgreement, Webhook
from exchange.selectors.sight import operates_line
from exchange.services.shared_reading import people_of
from exchange.shared_contract import HookBody
from orgtree import clock
from orgtree.models import User
from workflows.dispatch import send_on_commit
from workflows.errors import NotAllowed, WrongState
from workflows.models import OutboxMessage
from workflows.services.audit import audit

WEBHOOKS_TASK = "exchange.webhooks"
EVENT = "profile.changed"
OVERLAP = timedelta(days=7)  # how long messages carry a signature by the former secret too
MAX_TRIES = 12  # with full jitter over at most an hour each: about half a day
CALL = timedelta(seconds=60)  # longer than a call may take
A_RUN = 500
SETTLED = "3 hours"  # longer than any transaction: below it no outbox message can still appear

MAKE = """
insert into exchange_hookmessage(id, webhook_id, message_id)
select gen_random_uuid(), %(webhook)s, m.id from workflows_outboxmessage m
where m.id > %(after)s and m.kind = 'staff_profile' and m.key in ({people})
and not exists (select from exchange_hookmessage h where h.webhook_id = %(webhook)s and h.message_id = m.id)
order by m.id limit 5000 on conflict do nothing
"""
FORWARD = """
update exchange_webhook w set after = settled.id from
(select max(m.id) as id from workflows_outboxmessage m where m.id > %s and m.created_at < now() - %s::interval) settled
where w.id = %s and settled.id > w.after
"""


def webhook_set(*, actor: User | None, agreement: SharingAgreement, url: str, active: bool = True) -> tuple[Webhook, str]:
    """Make a webhook or change its address; gives it and, for a new one, its secret, which is told this once. Raises NotAllowed, ValidationError.

    What changed before a webhook was made is not told: the program reads it page by page.
    """
    if actor is not None and not operates_line(actor):
        raise NotAllowed
    try:
        address_checked(url)
    except AddressRefused as refused:
        raise ValidationError({"url": _("This address is not called: %s.") % refused}) from refused
    with transaction.atomic():
        hook = Webhook.objects.select_for_update(of=("self",)).filter(agreement=agreement).first()
        secret = ""
        if hook is None:
            secret = secrets.token_urlsafe(32)
            newest = OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            hook = Webhook(agreement=agreement, secret=encrypt(secret), after=newest)
        hook.url, hook.active = url, active
        hook.full_clean()
        hook.save()
        audit(actor=actor, action="webhook.set", client=agreement.client.code, purpose=agreement.purpose, url=url, active=active)
    return hook, secret


def webhook_rotate(*, actor: User | None, hook: Webhook) -> str:
    """A new secret, told this once; for a week messages carry signatures by both. Raises NotAllowed."""
    if actor is not None and not operates_line(actor):
        raise NotAllowed
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        hook = Webhook.objects.select_for_update(of=("self",)).select_related("agreement__client").get(pk=hook.pk)
        hook.former_secret, hook.former_until, hook.secret = hook.secret, clock.now() + OVERLAP, encrypt(secret)
        hook.save(update_fields=["former_secret", "former_until", "secret"])
        audit(actor=actor, action="webhook.rotated", client=hook.agreement.client.code, purpose=hook.agreement.purpose)
    return secret


def message_retry(*, actor: User, message: HookMessage) -> None:
    """Try a parked message again. Raises NotAllowed, WrongState."""
    if not operates_line(actor):
        raise NotAllowed
    with transaction.atomic():
        parked = HookMessage.objects.filter(pk=message.pk, state=HookState.PARKED)
        if not parked.update(state=HookState.WAITING, tries=0, not_before=clock.now(), ended_at=None):
            raise WrongState
        audit(actor=actor, action="webhook.retried", message=str(message.pk))
        send_on_commit(WEBHOOKS_TASK)


def hooks_drive(*, transport: httpx.BaseTransport | None = None) -> int:
    """Make the messages that are owed and send what is due; returns how many were taken. May run twice at once."""
    messages_make()
    taken = 0
    for _turn in range(A_RUN):
        message = _claim()
        if message is None:
            break
        taken += _send(message, transport)
    return taken


def messages_make() -> int:
    """The message of every new version of every file under an agreement that has a webhook; returns how many were made."""
    made, today = 0, clock.today()
    hooks = Webhook.objects.filter(active=True, agreement__client__active=True, agreement__valid_from__lte=today, agreement__valid_to__gt=today)
    for hook in hooks.select_related("agreement__unit").order_by("pk"):
        people, values = people_of(hook.agreement).order_by().values("pk").query.sql_with_params()
        with transaction.atomic(), connection.cursor() as cursor:
            # The people's query comes from Django with positional values; ours are put around it in their order.
            statement = MAKE.replace("%(webhook)s", "%s").replace("%(after)s", "%s").format(people=people)
            cursor.execute(statement, [hook.pk, hook.after, *values, hook.pk])
            made += cursor.rowcount
            if cursor.rowcount == 0:
                cursor.execute(FORWARD, [hook.after, SETTLED, hook.pk])
    return made


def _claim() -> HookMessage | None:
    with transaction.atomic():
        due = HookMessage.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            state=HookState.WAITING, not_before__lte=clock.now(), webhook__active=True
        )
        message = due.select_related("webhook__agreement__client", "message").order_by("not_before", "pk").first()
        if message is not None:
            HookMessage.objects.filter(pk=message.pk).update(not_before=clock.now() + CALL, tries=F("tries") + 1)
        return message


def _send(message: HookMessage, transport: httpx.BaseTransport | None) -> int:
    hook, body = message.webhook, body_of(message)
    try:
        post(url=hook.url, body=body, headers={"x-hoso-signature": signature_header(hook, body), "x-hoso-event": EVENT}, transport=transport)
    except (AddressRefused, HookFailed) as failure:
        _missed(message, str(failure))
        return 0
    now = clock.now()
    HookMessage.objects.filter(pk=message.pk).update(state=HookState.TAKEN, ended_at=now, error="")
    Webhook.objects.filter(pk=hook.pk).update(failures=0, last_success=now, last_error="")
    return 1


def _missed(message: HookMessage, why: str) -> None:
    tries, now = message.tries + 1, clock.now()
    parked = tries >= MAX_TRIES
    wait = timedelta(seconds=random.uniform(5, min(3_600, 10 * 2**tries)))  # noqa: S311 (spreads the load, guards nothing)
    HookMessage.objects.filter(pk=message.pk).update(
        error=why[:500], not_before=now + wait, **({"state": HookState.PARKED, "ended_at": now} if parked else {})
    )
    Webhook.objects.filter(pk=message.webhook_id).update(failures=F("failures") + 1, last_error=why[:500])


def body_of(message: HookMessage) -> bytes:
    """The same bytes for every repetition."""
    outbox = message.message
    return encode(
        HookBody(
            id=message.pk,
            event=EVENT,
            purpose=message.webhook.agreement.purpose,
            key=outbox.key,
            version=outbox.version,
            recorded_at=outbox.created_at.isoformat(),
        )
    )


def signature_header(hook: Webhook, body: bytes, at: datetime | None = None) -> str:
    """`t=<unix time>,v1=<hex>`: HMAC-SHA256 over time, point and body, by the secret, and by the former one while it still counts."""
    now = at or clock.now()
    stamp = str(int(now.timestamp()))
    sealed = [hook.secret, *([hook.former_secret] if hook.former_secret and hook.former_until and hook.former_until > now else [])]
    return ",".join([f"t={stamp}", *(f"v1={signature(decrypt(one), stamp, body)}" for one in sealed)])


def signature(secret: str, stamp: str, body: bytes) -> str:
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
