"""The hub on a database of its own, with two agencies that may send to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:  # models cannot be imported before pytest has configured Django
    from tests.exchange.sender import Change, Sender, Signed


@dataclass
class Hub:
    """The hub's intake as tests drive it: receive and process at once, the broker left out."""

    senders: dict[str, Sender]
    agencies: dict[str, Any]
    authority: Any

    def take(self, signed: Signed, *, sender: str = "H15", indexes: Any = None, key: str | None = None, **changes: Any) -> dict[int, Any]:
        """Send an envelope and process it; gives the results by index."""
        from exchange.services.intake import batch_process, batch_receive

        kind = signed.changes[0].kind
        body = signed.body(indexes, **changes)
        batch = batch_receive(agency=self.agencies[sender], kind=kind, idempotency_key=key or uuid4().hex, body=body)
        batch = batch_process(batch_id=batch.pk)
        return {one.index: one for one in batch.results.order_by("index")}

    def accept(self, *changes: Change, sender: str = "H15") -> None:
        """Take changes that must be accepted, as a test's starting point."""
        results = self.take(self.senders[sender].sign(*changes), sender=sender)
        refused = [(one.code, one.message, one.findings) for one in results.values() if one.outcome != "accepted"]
        assert refused == []


@pytest.fixture(scope="module")
def hub(committed_db: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    from django.conf import settings

    from config.demo.pki import DemoAuthority, Person
    from exchange.services.agencies import agency_set
    from tests.exchange.sender import Sender
    from tests.workflows.certificates import PIN

    folder: Path = tmp_path_factory.mktemp("hub")
    authority = DemoAuthority(folder / "pki")
    authority.publish(folder / "trust")
    senders, agencies = {}, {}
    for code in ("H15", "H16"):
        signer = Person(login=f"an-{code}", name="Nguyễn Văn An", personal_number="066075001234", organization=code, organization_identifier=code)
        senders[code] = Sender(code, authority.issue(signer, pin=PIN))
        agencies[code] = agency_set(actor=None, code=code, name=f"Tỉnh {code}", client_id=f"client-{code}", secret=f"{code}-" + "s" * 40)
    before, settings.TRUST_DIRECTORY = settings.TRUST_DIRECTORY, folder / "trust"
    hub = Hub(senders, agencies, authority)
    for code in senders:
        hub.accept(*senders[code].units(), sender=code)
    yield hub
    settings.TRUST_DIRECTORY = before


@pytest.fixture(scope="module")
def office(committed_db: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The agency with its tree applied and two people who may change it."""
    from django.conf import settings

    from config.demo.pki import DemoAuthority, Person
    from tests.exchange.office import Office
    from tests.factories import superuser_make
    from tests.workflows.certificates import PIN

    folder: Path = tmp_path_factory.mktemp("office")
    authority = DemoAuthority(folder / "pki")
    authority.publish(folder / "trust")
    p12 = authority.issue(Person("approver", "Nguyễn Văn An", "066075001234", "Đắk Lắk", "H15"), pin=PIN)
    before, settings.TRUST_DIRECTORY = settings.TRUST_DIRECTORY, folder / "trust"
    yield Office(superuser_make("author"), superuser_make("approver", personal_number="066075001234"), p12)
    settings.TRUST_DIRECTORY = before


@pytest.fixture(scope="module")
def sender(office: Any) -> Sender:
    """Makes documents of the agency's tree, which stands."""
    from tests.exchange.sender import Sender

    sender = Sender("H15", b"")
    office.apply(*sender.units())
    return sender


@pytest.fixture
def channel(office: Any, sender: Any) -> Iterator[Any]:
    """A channel of the test's own that owes nothing yet: what other tests applied is settled for it."""
    from exchange.models import Channel, Delivery
    from workflows.models import OutboxMessage

    Channel.objects.update(active=False)
    name = f"channel-{uuid4().hex[:8]}"
    channel = Channel.objects.create(code=name, name=name, base_url="http://hub.invalid", client_id="x", timeout_seconds=1)
    channel.fanned_below = OutboxMessage.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    channel.save()
    assert not Delivery.objects.filter(channel=channel).exists()
    yield channel
    Channel.objects.filter(pk=channel.pk).update(active=False)


@pytest.fixture(scope="module")
def bridge(office: Any, worker_id: str) -> Iterator[Any]:
    """A hub on a database of its own that knows the office's agency; what the office delivers over it arrives for real."""
    from exchange.services.agencies import agency_set
    from tests import databases
    from tests.exchange.bridge import Bridge

    with databases.clone(f"{worker_id}_hub_{uuid4().hex[:6]}") as name:
        with databases.default_connection_on(name):
            agency_set(actor=None, code="H15", name="Tỉnh H15", client_id="client-H15", secret="s" * 40)
        yield Bridge(name)


@pytest.fixture(scope="module")
def trio(django_db_setup: None, django_db_blocker: Any, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two agencies and a hub (tests.exchange.trio)."""
    from tests.exchange.trio import trio_open

    with django_db_blocker.unblock(), trio_open(f"{worker_id}_{uuid4().hex[:6]}", tmp_path_factory.mktemp("trio")) as trio:
        yield trio
