"""Packages that are carried by hand, as the pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from exchange.choices import DeliveryState, InboundState
from exchange.models import Channel, Delivery, IncomingPackage, OutgoingPackage
from exchange.packages import PackageRefused, Reason

SHOWN = 50
# What a person is told of a package that was not taken; the details stand beside it.
WORDS: Mapping[Reason, str | Promise] = {
    Reason.NO_PACKAGE: _("This file is no package, or was not copied whole. Copy it to the stick again."),
    Reason.TOO_LARGE: _("A file in this package is larger than a package’s files may be. It was not made by this program."),
    Reason.OTHER_ENTRIES: _("The package does not hold exactly the files that its statement names. Write it again and carry that one."),
    Reason.STATEMENT_INVALID: _("The statement of this package cannot be read. Choose the package as it was downloaded."),
    Reason.SIGNATURE_REFUSED: _(
        "The signature on the package does not hold, or is not that of the agency. Have it signed again by the agency’s operator or seal."
    ),
    Reason.CONTENT_DIFFERS: _("A file in the package is not what was signed. Copy the package to the stick again."),
    Reason.WRONG_AGENCY: _("This package is not meant for here."),
    Reason.CARRIED_TWICE: _("This package was taken before; nothing was taken twice. Carry its receipts back."),
    Reason.NUMBER_TAKEN: _("Another package of this number was taken. Two installations seem to write packages for one agency."),
    Reason.ONE_MISSING: _("A package before this one is missing. Carry that one first."),
    Reason.CHAIN_BROKEN: _("This package does not follow the one that was taken last."),
    Reason.NOT_PROCESSED: _("Not all of this package has been processed. Come again in a moment."),
    Reason.OLDER_LISTS: _("The lists in this package are older than those that were read here; nothing was changed."),
    Reason.NOTHING_TO_CARRY: _("Nothing waits that could be packed. What was packed before waits for its receipts."),
}


def refusal_words(refused: PackageRefused) -> str:
    return f"{WORDS[refused.reason]} ({refused.detail})"


def packages_made(channel: Channel) -> Sequence[OutgoingPackage]:
    """The latest packages of a channel with `batches` and `records`."""
    rows: QuerySet[OutgoingPackage] = OutgoingPackage.objects.filter(channel=channel).defer("statement", "signature")
    return list(rows.annotate(batches=Count("places"), records=Sum("places__batch__size"))[:SHOWN])


def waiting(channel: Channel) -> int:
    """How many records wait to be packed."""
    return Delivery.objects.filter(channel=channel, state=DeliveryState.WAITING).count()


def packages_taken() -> Sequence[IncomingPackage]:
    """The latest packages of all agencies with `batches`, `left` (to be processed), `records`, and whether their receipts are `made`."""
    packages = IncomingPackage.objects.select_related("agency").defer("statement", "signature", "receipts", "receipts_signature")
    rows: QuerySet[IncomingPackage] = packages.annotate(made=Q(receipts__isnull=False))
    left = Count("places", filter=Q(places__batch__state=InboundState.RECEIVED))
    return list(rows.annotate(batches=Count("places"), left=left, records=Sum("places__batch__size"))[:SHOWN])
