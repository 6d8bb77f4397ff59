"""Two agencies and a hub, each on a database of its own, joined by the program's own connector: every call is a whole HTTP exchange with the hub's
API, tokens included, that crosses over to the hub's database for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from django.test import override_settings

from exchange.connectors import HubConnector
from exchange.models import Channel, InboundBatch
from exchange.services.agencies import agency_set
from exchange.services.arrivals import arrivals_drive
from exchange.services.channels import channel_drive
from exchange.services.forming import deliveries_fan_out
from exchange.services.intake import batch_process
from exchange.services.receipts import receipts_collect
from exchange.services.releases import releases_drive
from orgtree import clock
from tests import databases
from tests.exchange.office import Office
from tests.exchange.sender import Change, Sender
from tests.factories import superuser_make
from tests.workflows.certificates import PIN

SECRET = "s" * 40


@dataclass
class Side:
    """One agency: where its database is, who works there, and what its documents look like."""

    code: str
    database: str
    office: Office
    sender: Sender
    channel: Channel


@dataclass
class Crossing(httpx.BaseTransport):
    """The network: calls go to the hub's program on the hub's database. `lose` names how the next calls fail: before or after they arrive."""

    database: str
    lose: list[str | None] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        from django.core.wsgi import get_wsgi_application

        fate = self.lose.pop(0) if self.lose and request.url.path != "/o/token/" else None
        if fate == "before":
            raise httpx.ConnectError("the line is cut")
        self.calls.append(f"{request.method} {request.url.path}")
        with databases.default_connection_on(self.database), override_settings(ROOT_URLCONF="tests.exchange.hub_urls", ROLE="hub", AUTHORITY="G01"):
            answer = httpx.WSGITransport(app=get_wsgi_application()).handle_request(request)
            body = answer.read()
        if fate == "after":
            raise httpx.ReadTimeout("the answer is lost")
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


@dataclass
class Trio:
    hub: str
    sides: dict[str, Side]
    line: Crossing
    authority: Any  # that issues everybody's certificates

    @contextmanager
    def at(self, code: str) -> Iterator[Side]:
        """Be an agency."""
        with databases.default_connection_on(self.sides[code].database), override_settings(AUTHORITY=code):
            yield self.sides[code]

    @contextmanager
    def at_hub(self) -> Iterator[None]:
        with databases.default_connection_on(self.hub), override_settings(ROLE="hub", AUTHORITY="G01"):
            yield

    def connect(self, channel: Channel) -> HubConnector:
        connector = HubConnector(channel, transport=self.line)
        connector.lines = 1  # crossing over moves the whole process, so no second call may be under way
        return connector

    def deliver(self, code: str) -> None:
        """Everything that the agency owes goes to the hub and is processed there, until nothing is left to send."""
        with self.at(code) as side:
            deliveries_fan_out()
            while channel_drive(channel_id=side.channel.pk, connector=self.connect):
                self.process()
                receipts_collect(channel_id=side.channel.pk, connector=self.connect)

    def process(self) -> None:
        with self.at_hub():
            for batch in InboundBatch.objects.filter(state="received").order_by("received_at"):
                batch_process(batch_id=batch.pk)

    def drive(self, code: str) -> None:
        """One round of what the agency's worker does about transfers, its waiting skipped."""
        from exchange.models import IncomingTransfer, OutgoingTransfer

        with self.at(code):
            for model in (OutgoingTransfer, IncomingTransfer):
                model.objects.update(not_before=clock.now())
            arrivals_drive(connector=self.connect)
            releases_drive(connector=self.connect)

    def hired(self, code: str, **changes: Any) -> Change:
        """Somebody on file at the agency and at the hub."""
        with self.at(code) as side:
            change = side.sender.person(**changes)
            side.office.apply(change)
        self.deliver(code)
        return change


@contextmanager
def trio_open(worker: str, folder: Path, *, codes: Sequence[str] = ("H15", "H16"), deliver: bool = True) -> Iterator[Trio]:
    """Set the hub and its agencies up: certificates of one authority, agencies admitted, trees applied, and delivered unless `deliver` is false."""

    from config.demo.pki import DemoAuthority, Person

    authority = DemoAuthority(folder / "pki")
    authority.publish(folder / "trust")
    with ExitStack() as stack:
        secrets = {"national-hub": SECRET}
        stack.enter_context(override_settings(TRUST_DIRECTORY=folder / "trust", CHANNEL_SECRETS=secrets))
        hub = stack.enter_context(databases.clone(f"{worker}_trio_hub"))
        line = Crossing(hub)
        trio = Trio(hub, {}, line, authority)
        for number, code in enumerate(codes):
            database = stack.enter_context(databases.clone(f"{worker}_trio_{code.lower()}"))
            with databases.default_connection_on(hub):
                agency_set(actor=None, code=code, name=f"Tỉnh {code}", client_id=f"client-{code}", secret=SECRET)
            signer = Person(f"approver-{code}", "Nguyễn Văn An", f"06607500123{number}", code, code)
            p12 = authority.issue(signer, pin=PIN)
            with databases.default_connection_on(database):
                people = superuser_make("author"), superuser_make("approver", personal_number=signer.personal_number)
                channel = Channel.objects.create(
                    code="national-hub", name="Nền tảng quốc gia", base_url="http://testserver", client_id=f"client-{code}", timeout_seconds=5
                )
            trio.sides[code] = Side(code, database, Office(*people, p12), Sender(code, p12), channel)
            with trio.at(code) as side:
                side.office.apply(*side.sender.units())
            if deliver:
                trio.deliver(code)
        yield trio
