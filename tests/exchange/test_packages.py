"""Carried by hand: from an agency without a line to a hub on another database and back. Nothing is lost, doubled, or taken in part."""

from __future__ import annotations

import io
import zipfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from config.demo.pki import DemoAuthority, Person
from exchange.choices import BatchState, DeliveryState, Transport
from exchange.models import Batch, CarriedBatch, Channel, Delivery, InboundBatch, IncomingPackage, OutgoingPackage
from exchange.packages import MAX_FILE, SIGNATURE, STATEMENT, Opened, PackageRefused, Reason, Statement, package_write, statement_bytes
from exchange.services import carrying, verification
from exchange.services.agencies import agency_set
from exchange.services.carrying import package_take, packages_process, receipts_file, receipts_make, receipts_sign
from exchange.services.packing import package_file, package_make, package_sign, receipts_take
from exchange.services.retrying import deliveries_retry
from orgtree import clock
from registry.models import StaffProfile
from tests import databases
from tests.factories import superuser_make
from tests.workflows.certificates import PIN, sign_freely
from workflows.cms import SignatureRefused
from workflows.errors import NotAllowed, WrongState
from workflows.models import AuditEvent, ReadEvent

HUB = "G09"


def signed(p12: bytes, statement: bytes) -> bytes:
    return sign_freely(p12, statement, signed_at=clock.now())


class Stick:
    """An agency, a hub on a database of its own, and what is carried between them."""

    def __init__(self, office, sender, channel, hub: str, authority: DemoAuthority, settings) -> None:
        self.office, self.sender, self.channel, self.hub, self.settings = office, sender, channel, hub, settings
        self.seal = authority.issue(Person("hub-seal", "Bộ Nội vụ", "", "Bộ Nội vụ", HUB), pin=PIN)

    @contextmanager
    def at_hub(self):
        with databases.default_connection_on(self.hub):
            before, self.settings.AUTHORITY = self.settings.AUTHORITY, HUB
            try:
                yield
            finally:
                self.settings.AUTHORITY = before

    def packed(self, *changes) -> tuple[OutgoingPackage, bytes]:
        for change in changes:
            self.office.apply(change)
        package = package_make(actor=self.office.approver, channel=self.channel)
        signature = signed(self.office.p12, bytes(package.statement))
        package = package_sign(actor=self.office.approver, package=package, signature=signature)
        return package, self.written(package)

    def written(self, package) -> bytes:
        file = io.BytesIO()
        package_file(actor=self.office.approver, package=package, file=file)
        return file.getvalue()

    def carried(self, content: bytes) -> int:
        """Take a package at the hub; gives its number."""
        with self.at_hub():
            package = package_take(actor=None, file=io.BytesIO(content), size=len(content))
            packages_process()
            return package.pk

    def answered(self, number: int) -> bytes:
        with self.at_hub():
            package = receipts_make(actor=None, package=IncomingPackage.objects.get(pk=number))
            if not package.receipts_signature:
                boss = superuser_make(f"boss-{uuid4().hex[:6]}")
                signature = signed(self.seal, bytes(package.receipts))
                package = receipts_sign(actor=boss, package=package, signature=signature)
            file = io.BytesIO()
            receipts_file(actor=None, package=package, file=file)
            return file.getvalue()

    def back(self, content: bytes) -> OutgoingPackage:
        return receipts_take(actor=self.office.approver, file=io.BytesIO(content), size=len(content))

    def states(self) -> set[str]:
        return set(Delivery.objects.filter(channel=self.channel).values_list("state", flat=True))

    def held(self) -> dict:
        """Version and digest of every person that the hub holds."""
        with self.at_hub():
            return {key: (version, bytes(digest)) for key, version, digest in StaffProfile.objects.values_list("pk", "version", "digest")}


@pytest.fixture
def stick(office, sender, channel, settings, worker_id, tmp_path):
    Channel.objects.filter(pk=channel.pk).update(transport=Transport.CARRIED, transport_options={"hub": HUB}, fanned_below=0)
    channel.refresh_from_db()
    authority = DemoAuthority(Path(settings.TRUST_DIRECTORY).parent / "pki")
    with databases.clone(f"{worker_id}_carried_{uuid4().hex[:6]}") as name:
        with databases.default_connection_on(name):
            agency_set(actor=None, code="H15", name="Tỉnh H15", client_id="client-H15", secret="s" * 40)
        yield Stick(office, sender, channel, name, authority, settings)


def refused(stick: Stick, content: bytes) -> PackageRefused:
    """At the hub, where nothing of it is kept."""
    with stick.at_hub():
        before = (IncomingPackage.objects.count(), CarriedBatch.objects.count(), InboundBatch.objects.count())
    with pytest.raises(PackageRefused) as failed:
        stick.carried(content)
    with stick.at_hub():
        assert (IncomingPackage.objects.count(), CarriedBatch.objects.count(), InboundBatch.objects.count()) == before
    return failed.value


@pytest.mark.long
def test_one_journey_brings_units_people_and_their_versions_and_the_receipts_back(stick):
    # given a person, changed before anything was carried
    person = stick.sender.person()
    package, content = stick.packed(person, person.again(phone="0905123456"))
    assert stick.states() == {DeliveryState.SENT}
    assert ReadEvent.objects.filter(key=person.key, action="export", what="package 1", actor=stick.office.approver).count() == 1
    # when
    number = stick.carried(content)
    answered = stick.back(stick.answered(number))
    # then
    assert answered.answered_at is not None
    assert stick.states() == {DeliveryState.RECEIVED}
    assert stick.held()[person.key][0] == 2
    assert set(Batch.objects.filter(channel=stick.channel).values_list("state", flat=True)) == {BatchState.DONE}
    # and a second package follows the first
    second, content = stick.packed(stick.sender.person())
    assert (second.sequence, Opened.stated(bytes(second.statement), Statement).previous) == (2, bytes(package.digest).hex())
    stick.back(stick.answered(stick.carried(content)))
    assert stick.states() == {DeliveryState.RECEIVED}


def test_a_stick_carried_twice_out_of_order_or_lost_loses_and_doubles_nothing(stick):
    first, one = stick.packed(stick.sender.person())
    _second, two = stick.packed(stick.sender.person())
    # out of order: the one that is missing is named
    failure = refused(stick, two)
    assert (failure.reason, "package 1 comes first" in failure.detail) == (Reason.ONE_MISSING, True)
    # lost: written again, it has the same bytes
    assert stick.written(first) == one
    number = stick.carried(one)
    # twice
    assert refused(stick, one).reason == Reason.CARRIED_TWICE
    number_two = stick.carried(two)
    held = stick.held()
    # receipts out of order, twice, and after they were lost
    receipts = stick.answered(number_two)
    stick.back(receipts)
    stick.back(receipts)
    assert stick.answered(number_two) == receipts
    stick.back(stick.answered(number))
    assert stick.states() == {DeliveryState.RECEIVED}
    assert stick.held() == held
    deliveries = Delivery.objects.filter(channel=stick.channel)
    assert deliveries.filter(receipts__isnull=False).distinct().count() == deliveries.count()


@pytest.mark.long
def test_what_the_hub_refuses_is_sent_again_in_the_next_package(stick, monkeypatch):
    # given a hub for which every signature comes too late
    _package, content = stick.packed(stick.sender.person())
    monkeypatch.setattr(verification, "RECEIVED_AT_FUTURE", timedelta(days=-1))
    stick.back(stick.answered(stick.carried(content)))
    monkeypatch.undo()
    assert stick.states() == {DeliveryState.REJECTED}
    with pytest.raises(PackageRefused) as failed:
        package_make(actor=stick.office.approver, channel=stick.channel)
    assert failed.value.reason == Reason.NOTHING_TO_CARRY
    # when
    assert deliveries_retry(actor=stick.office.approver, channel=stick.channel) > 0
    _second, content = stick.packed()
    stick.back(stick.answered(stick.carried(content)))
    # then
    assert stick.states() == {DeliveryState.RECEIVED}


def rewritten(content: bytes, change) -> bytes:
    """The package with its files as `change` makes them of a dictionary."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        files = {name: package.read(name) for name in package.namelist()}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in change(files).items():
            made.writestr(name, body)
    return file.getvalue()


def restated(files: dict, **changes) -> dict:
    import msgspec

    said = msgspec.structs.replace(msgspec.json.decode(files[STATEMENT], type=Statement), **changes)
    return {**files, STATEMENT: statement_bytes(said)}


def first_part(files: dict) -> str:
    return min(name for name in files if name.startswith("batches/"))


def altered(files: dict) -> dict:
    name = first_part(files)
    return {**files, name: files[name].replace(b"create", b"creatf")}


@pytest.mark.long
def test_whatever_is_wrong_with_a_package_is_named_and_nothing_of_it_is_taken(stick, monkeypatch):
    _package, content = stick.packed(stick.sender.person())
    bomb = b"0" * (20 * 1024 * 1024)
    cases = [
        (b"no zip at all", Reason.NO_PACKAGE),
        (content[: len(content) // 2], Reason.NO_PACKAGE),
        (rewritten(content, lambda files: {name: body for name, body in files.items() if name != STATEMENT}), Reason.OTHER_ENTRIES),
        (rewritten(content, lambda files: {name: body for name, body in files.items() if name != SIGNATURE}), Reason.OTHER_ENTRIES),
        (rewritten(content, lambda files: {name: body for name, body in files.items() if name != first_part(files)}), Reason.OTHER_ENTRIES),
        (rewritten(content, lambda files: {**files, "batches/../../evil": b"x"}), Reason.OTHER_ENTRIES),
        (rewritten(content, lambda files: {**files, **{f"batches/{n:04}.json": b"{}" for n in range(50, 90)}}), Reason.OTHER_ENTRIES),
        (rewritten(content, lambda files: {**files, STATEMENT: bomb}), Reason.TOO_LARGE),
        (rewritten(content, lambda files: {**files, first_part(files): bomb}), Reason.TOO_LARGE),
        (rewritten(content, altered), Reason.CONTENT_DIFFERS),
        (rewritten(content, lambda files: {**files, STATEMENT: files[STATEMENT] + b" "}), Reason.STATEMENT_INVALID),
        (rewritten(content, lambda files: {**files, STATEMENT: b"{}"}), Reason.STATEMENT_INVALID),
        (rewritten(content, lambda files: restated(files, sequence=2)), Reason.SIGNATURE_REFUSED),
        (rewritten(content, lambda files: restated(files, agency="H99")), Reason.WRONG_AGENCY),
        (rewritten(content, lambda files: {**files, SIGNATURE: b"rubbish"}), Reason.SIGNATURE_REFUSED),
    ]
    for made, reason in cases:
        assert refused(stick, made).reason == reason, reason
    with pytest.raises(PackageRefused) as failed, stick.at_hub():
        package_take(actor=None, file=io.BytesIO(content), size=MAX_FILE + 1)
    assert failed.value.reason == Reason.TOO_LARGE
    # and one that breaks off at its last batch leaves nothing either
    monkeypatch.setattr(carrying, "exchanges_keep", lambda entries: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        stick.carried(content)
    monkeypatch.undo()
    assert stick.carried(content)


@pytest.mark.long
def test_packages_of_others_and_receipts_of_others_are_refused(stick):
    package, content = stick.packed(stick.sender.person())
    # the right statement, signed by somebody of another agency
    with zipfile.ZipFile(io.BytesIO(content)) as zipped:
        bodies = [(name, zipped.read(name)) for name in zipped.namelist() if name.startswith("batches/")]
    foreign = io.BytesIO()
    signature = signed(stick.seal, bytes(package.statement))
    package_write(foreign, statement=bytes(package.statement), signature=signature, bodies=bodies)
    assert refused(stick, foreign.getvalue()).reason == Reason.SIGNATURE_REFUSED
    # receipts that the hub did not sign
    number = stick.carried(content)
    receipts = stick.answered(number)
    own = signed(stick.office.p12, zipfile.ZipFile(io.BytesIO(receipts)).read(STATEMENT))
    with pytest.raises(PackageRefused) as failed:
        stick.back(rewritten(receipts, lambda files: {**files, SIGNATURE: own}))
    assert failed.value.reason == Reason.SIGNATURE_REFUSED
    assert stick.states() == {DeliveryState.SENT}
    with pytest.raises(PackageRefused):
        stick.back(content)  # a package is no receipts


@pytest.mark.long
def test_who_may_pack_and_sign(stick):
    from tests.factories import user_make

    stranger = user_make("stranger-packs")
    with pytest.raises(NotAllowed):
        package_make(actor=stranger, channel=stick.channel)
    stick.office.apply(stick.sender.person())
    package = package_make(actor=stick.office.approver, channel=stick.channel)
    with pytest.raises(WrongState):
        package_file(actor=stick.office.approver, package=package, file=io.BytesIO())
    with pytest.raises(NotAllowed):
        package_sign(actor=stranger, package=package, signature=b"x")
    with pytest.raises(SignatureRefused):
        package_sign(actor=stick.office.approver, package=package, signature=b"x")


@pytest.mark.long
def test_receipts_wait_until_everything_is_processed_in_order(stick, monkeypatch):
    _package, content = stick.packed(stick.sender.person(), stick.sender.person())
    processed = []
    real = carrying.batch_process
    with stick.at_hub():
        number = package_take(actor=None, file=io.BytesIO(content), size=len(content)).pk
        package = IncomingPackage.objects.get(pk=number)
        with pytest.raises(PackageRefused) as failed:
            receipts_make(actor=None, package=package)
        assert failed.value.reason == Reason.NOT_PROCESSED

        def breaking(*, batch_id):
            if len(processed) == 1:
                processed.append(None)
                raise RuntimeError("broke off")
            processed.append(batch_id)
            return real(batch_id=batch_id)

        monkeypatch.setattr(carrying, "batch_process", breaking)
        with pytest.raises(RuntimeError):
            packages_process()
        packages_process()
    places = []
    with stick.at_hub():
        places = list(CarriedBatch.objects.filter(package=number).order_by("position").values_list("batch", flat=True))
    assert [one for one in processed if one is not None] == places
    stick.back(stick.answered(number))
    assert stick.states() == {DeliveryState.RECEIVED}


@pytest.mark.long
def test_a_line_that_comes_later_sends_what_was_packed_under_the_same_key(stick):
    _package, content = stick.packed(stick.sender.person())
    keys = set(Batch.objects.filter(channel=stick.channel).values_list("idempotency_key", flat=True))
    stick.carried(content)
    with stick.at_hub():
        assert set(InboundBatch.objects.values_list("idempotency_key", flat=True)) == keys


def test_the_pages_and_the_shell_make_sign_carry_and_take(stick, client, tmp_path, settings):
    # given a package made on the page
    client.force_login(stick.office.approver)
    stick.office.apply(stick.sender.person())
    client.post(reverse("exchange:package_new"))
    package = OutgoingPackage.objects.get(channel=stick.channel)
    statement = client.get(reverse("exchange:package_statement", args=[package.pk])).content
    early = client.get(reverse("exchange:package_download", args=[package.pk]))
    assert (statement, early.status_code) == (bytes(package.statement), 302)
    # when it is signed, written by page and shell, and taken by the shell of the hub
    file = SimpleUploadedFile("a.p7s", signed(stick.office.p12, statement))
    client.post(reverse("exchange:package_signature", args=[package.pk]), {"file": file})
    downloaded = b"".join(client.get(reverse("exchange:package_download", args=[package.pk])).streaming_content)
    call_command("exchange_export", out=tmp_path, number=1, stdout=io.StringIO())
    path = tmp_path / "package-H15-0001.zip"
    assert path.read_bytes() == downloaded
    with stick.at_hub():
        settings.ROLE = "hub"
        call_command("exchange_import", str(path), stdout=io.StringIO())
        with pytest.raises(CommandError, match="CARRIED_TWICE"):
            call_command("exchange_import", str(path), stdout=io.StringIO())
        packages_process()
        number = IncomingPackage.objects.get().pk
        at_hub = Client()
        at_hub.force_login(superuser_make("boss-of-pages"))
        address = reverse("exchange:package_statement", args=[number])
        # making is one thing, downloading what was made another
        assert at_hub.get(address).status_code == 404
        assert IncomingPackage.objects.get().receipts is None
        assert "Lập biên nhận" in at_hub.get(reverse("exchange:package_list")).content.decode()
        assert at_hub.get(reverse("exchange:package_receipts", args=[number])).status_code == 405
        for _again in range(2):
            at_hub.post(reverse("exchange:package_receipts", args=[number]))
        assert at_hub.get(address).content == bytes(IncomingPackage.objects.get().receipts)
        assert AuditEvent.objects.filter(action="package.receipts_made").count() == 1
        settings.ROLE = "agency"
    # then the receipts come back over the page
    receipts = stick.answered(number)
    shown = client.post(reverse("exchange:package_bring"), {"file": SimpleUploadedFile("r.zip", receipts)}, follow=True).content.decode()
    assert stick.states() == {DeliveryState.RECEIVED}
    assert "Đã có biên nhận" in shown
    wrong = client.post(reverse("exchange:package_bring"), {"file": SimpleUploadedFile("r.zip", b"rubbish")}, follow=True).content.decode()
    assert "NO_PACKAGE" not in wrong
    assert "Tệp này không phải là gói" in wrong


def attacked(*statements: str) -> None:
    """Each is refused by the database itself."""
    for statement in statements:
        with pytest.raises(DatabaseError, match=r"append-only|stays as it was|is written once|is closed"), transaction.atomic():
            connection.cursor().execute(statement)


def test_nothing_of_a_package_is_altered_taken_out_or_slipped_in(stick):
    # given a package that was made, signed, taken, answered, and its receipts taken
    package, content = stick.packed(stick.sender.person())
    number = stick.carried(content)
    stick.back(stick.answered(number))
    mine, places = "exchange_outgoingpackage", "exchange_packagedbatch"
    attacked(
        f"update {mine} set statement = 'x'",
        f"update {mine} set sequence = 9",
        f"update {mine} set signature = null, signer = '', signed_at = null",
        f"update {mine} set signer = 'CN=Somebody else'",
        f"update {mine} set answered_at = now()",
        f"delete from {mine}",
        f"truncate {mine} cascade",
        f"update {places} set position = 7",
        f"delete from {places}",
        f"truncate {places}",
        f"insert into {places} (package_id, batch_id, position) select {package.pk}, batch_id, 99 from {places} limit 1",
    )
    theirs, carried = "exchange_incomingpackage", "exchange_carriedbatch"
    with stick.at_hub():
        attacked(
            f"update {theirs} set digest = 'x'",
            f"update {theirs} set signature = 'x'",
            f"update {theirs} set receipts = 'x'",
            f"update {theirs} set receipts = null",
            f"update {theirs} set receipts_signed_at = now()",
            f"delete from {theirs}",
            f"truncate {theirs} cascade",
            f"update {carried} set position = 7",
            f"delete from {carried}",
            f"truncate {carried}",
            f"insert into {carried} (package_id, batch_id, position) select {number}, batch_id, 99 from {carried} limit 1",
        )
