"""Thin tasks: they drive channels on an agency and process batches on the hub. Every one may run twice, or not at all.

The database knows what is due. A message on the broker only makes it happen now; the sweep finds whatever a lost message,
a killed worker or an unreachable other side left behind.
"""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.core.cache import cache

from exchange.choices import ReconciliationState
from exchange.connectors import CallFailed
from exchange.models import Reconciliation
from exchange.selectors.due import batches_to_process
from exchange.selectors.pulling import pulls_due
from exchange.services.archive_months import archive_keep
from exchange.services.arrivals import arrivals_drive
from exchange.services.carrying import PACKAGES_TASK, packages_process
from exchange.services.case_notices import late_tell
from exchange.services.catalogue_notices import SILENCE_TASK, catalogues_silence
from exchange.services.catalogues_pulling import CATALOGUES_TASK, catalogues_pull
from exchange.services.channels import channel_work
from exchange.services.claim_notices import claims_hear
from exchange.services.claims import claims_find
from exchange.services.forming import channels_called, deliveries_fan_out
from exchange.services.intake import PROCESS_TASK, batch_fail, batch_process
from exchange.services.pull_staging import PULL_TASK
from exchange.services.pulling import pull_drive, pulls_forget
from exchange.services.receipts import receipts_collect
from exchange.services.reconciling import RECONCILE_TASK, reconciliation_run, reconciliations_nightly
from exchange.services.registers import MATCH_TASK, REVIEW_TASK, applied_review, registers_drive, registers_review
from exchange.services.releases import TRANSFERS_TASK, releases_drive
from exchange.services.retrying import DELIVER_TASK
from exchange.services.stamping import AuthorityFailed, signatures_stamp
from exchange.services.transfers import transfers_expire
from exchange.services.webhooks import WEBHOOKS_TASK, hooks_drive

logger = logging.getLogger(__name__)

COLLECT_TASK = "exchange.collect"
POLL = 1  # seconds between two rounds of questions while receipts are outstanding
TIME_LIMIT = 900


@shared_task(name=DELIVER_TASK, time_limit=TIME_LIMIT)
def deliver(*_request_id: str) -> None:
    """Bring what the outbox holds to every channel."""
    deliveries_fan_out()
    for channel in channels_called():
        if channel_work(channel_id=channel.pk):
            _collect_soon()


@shared_task(name=COLLECT_TASK, time_limit=TIME_LIMIT)
def collect() -> None:
    """Fetch receipts, send what they made room for, and come back while some are outstanding."""
    outstanding = False
    for channel in channels_called():
        receipts_collect(channel_id=channel.pk)
        outstanding |= channel_work(channel_id=channel.pk)
    if outstanding:
        _collect_soon()


@shared_task(name=PROCESS_TASK, time_limit=TIME_LIMIT)
def process(batch_id: str) -> None:
    """Take one received batch through the hub's gate. What breaks off is noted on the batch, and the sweep tries it again."""
    try:
        batch_process(batch_id=UUID(batch_id))
    except Exception as error:
        batch_fail(batch_id=UUID(batch_id), error=error)
        raise


@shared_task(name=PACKAGES_TASK, time_limit=TIME_LIMIT)
def packages() -> None:
    """Process the packages that were carried to the hub by hand, each in its order."""
    packages_process()


@shared_task(name=RECONCILE_TASK, time_limit=TIME_LIMIT)
def reconcile(run_id: str) -> None:
    """Compare with the other side, once."""
    run = Reconciliation.objects.select_related("channel", "actor").filter(pk=UUID(run_id), state=ReconciliationState.RUNNING).first()
    if run is not None:
        reconciliation_run(run=run)


@shared_task(name=PULL_TASK, time_limit=TIME_LIMIT)
def pull(pull_id: str) -> None:
    """Ask what the other side holds, or put what was chosen of it into requests: one run, as far as it goes now."""
    pull_drive(pull_id=UUID(pull_id))


@shared_task(name="exchange.reconcile_nightly", time_limit=TIME_LIMIT)
def reconcile_nightly() -> None:
    """Compare every line with the other side; a line that could not be compared is tried again by the next run of the night."""
    reconciliations_nightly()


@shared_task(name=CATALOGUES_TASK, time_limit=TIME_LIMIT)
def catalogues() -> None:
    """At an agency: read what the hub published of the code lists. A hub that does not answer is asked again by the next run."""
    if settings.ROLE != "hub":
        catalogues_pull()


@shared_task(name=SILENCE_TASK, time_limit=TIME_LIMIT)
def catalogues_in_force(*_request_id: str) -> None:
    """At an agency, after a request was applied: of code lists that are in force now nobody need be told any more."""
    if settings.ROLE != "hub":
        catalogues_silence()


@shared_task(name="exchange.sweep", time_limit=TIME_LIMIT)
def sweep() -> None:
    """Whatever is due and was not started by a message."""
    if settings.ROLE == "hub":
        for batch_id in batches_to_process():
            process.delay(str(batch_id))
        packages_process()
        return
    deliver()
    collect()
    for pull_id in pulls_due():
        pull.delay(str(pull_id))


@shared_task(name=MATCH_TASK, time_limit=TIME_LIMIT)
def registers(request_id: str = "") -> None:
    """Put to the population and Party databases what is due; after a request was applied, its people first."""
    if request_id:
        applied_review(request_id=UUID(request_id))
    registers_drive()


@shared_task(name=REVIEW_TASK, time_limit=TIME_LIMIT)
def review() -> None:
    """Find whom a lost message left out, and begin with them."""
    if registers_review():
        registers.delay()


@shared_task(name=WEBHOOKS_TASK, time_limit=TIME_LIMIT)
def webhooks(*_request_id: str) -> None:
    """Tell programs of other agencies which files have changed."""
    hooks_drive()


@shared_task(name=TRANSFERS_TASK, time_limit=TIME_LIMIT)
def transfers(*_request_id: str) -> None:
    """Transfers between agencies: the hub ends offers that nobody took up; an agency hears what is new, and tells what it decided."""
    if settings.ROLE == "hub":
        transfers_expire()
        return
    arrivals_drive()
    releases_drive()


@shared_task(name="exchange.archive_months", time_limit=TIME_LIMIT)
def archive_months() -> None:
    """Make the months of the exchange archive that come, and drop those that policy no longer keeps; documents that nobody took over go, too."""
    archive_keep()
    pulls_forget()


@shared_task(name="exchange.claims", time_limit=TIME_LIMIT)
def claims() -> None:
    """People of two agencies: the hub looks for them, an agency hears of its own, and of transfers that are late.

    A hub that does not answer is asked again by the next run.
    """
    if settings.ROLE == "hub":
        claims_find()
        return
    late_tell()
    try:
        claims_hear()
    except CallFailed as failed:
        logger.info("claims: %s", failed)


@shared_task(name="exchange.stamp", time_limit=TIME_LIMIT)
def stamp() -> None:
    """Time-stamps that are still wanting. An authority that does not answer is asked again by the next run."""
    try:
        signatures_stamp()
    except AuthorityFailed as failed:
        logger.warning("The time-stamping authority failed: %s", failed)


def _collect_soon() -> None:
    """One message a second at most, however many workers want one."""
    if cache.add("exchange.collect.soon", 1, timeout=POLL):
        collect.apply_async(countdown=POLL)
