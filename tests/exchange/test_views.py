"""The operator's page: each channel in one sentence, what needs a person by its cause."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.urls import reverse

from exchange.choices import DeliveryState
from exchange.models import Channel, Delivery
from exchange.selectors.queue import lines, queue
from exchange.selectors.sight import deliveries_seen
from exchange.selectors.terms import due_days, late
from exchange.services.breaker import probing
from orgtree import clock
from tests.pages import Office
from workflows.models import AuditEvent, OutboxMessage

pytestmark = pytest.mark.django_db
OVERVIEW = "exchange:delivery_overview"


@pytest.fixture
def office() -> Office:
    return Office.open()


@pytest.fixture
def channel() -> Channel:
    return Channel.objects.create(code="national-hub", name="Nền tảng quốc gia", base_url="https://hub.example.vn", client_id="H15")


def test_without_a_channel_the_page_says_what_to_do(office):
    assert "Chưa có kênh kết nối nào" in office.client("operator").get(reverse(OVERVIEW)).content.decode()


def test_what_needs_a_person_is_grouped_by_cause(office, channel):
    # given
    for _ in range(3):
        office.hired()
    messages = list(OutboxMessage.objects.filter(kind="staff_profile"))
    Delivery.objects.filter(channel=channel).delete()
    Delivery.objects.bulk_create(
        [
            Delivery(channel=channel, message=messages[0], state=DeliveryState.PARKED, error_code="GAP", error_text="Hãy gửi phiên bản 1 trước."),
            Delivery(channel=channel, message=messages[1], state=DeliveryState.PARKED, error_code="GAP", error_text="Hãy gửi phiên bản 1 trước."),
            Delivery(channel=channel, message=messages[2], state=DeliveryState.WAITING),
        ]
    )
    # when
    answer = office.client("operator").get(reverse(OVERVIEW))
    # then
    (overview,) = answer.context["overviews"]
    assert overview.sentence == "Nền tảng quốc gia: đã nhận 0 hồ sơ, đang gửi 1, cần xử lý 2."
    assert [(cause.code, cause.count, cause.sample) for cause in overview.causes] == [("GAP", 2, "Hãy gửi phiên bản 1 trước.")]
    assert "Hãy gửi phiên bản 1 trước." in answer.content.decode()


def test_a_channel_in_trouble_says_so_on_the_operators_home_alone(office, channel):
    # given
    Channel.objects.filter(pk=channel.pk).update(failures=3, failing_since=clock.now(), last_error="Không kết nối được")
    # when
    homes = {who: office.client(who).get("/").content.decode() for who in ("operator", "clerk")}
    # then
    assert "Nền tảng quốc gia không trả lời từ" in homes["operator"]
    assert "không mất gì" in homes["operator"]
    assert "Nền tảng quốc gia" not in homes["clerk"]


def test_a_silent_line_is_tried_now_by_whoever_operates_it(office, channel):
    # given a line that pauses for ten minutes
    pause = clock.now() + timedelta(minutes=10)
    Channel.objects.filter(pk=channel.pk).update(failures=9, failing_since=clock.now(), paused_until=pause)
    probe = reverse("exchange:delivery_probe", args=[channel.code])
    assert office.client("operator").post(probe).status_code == 404  # of some units only
    assert "Thử kết nối ngay" in office.client("root").get(reverse(OVERVIEW)).content.decode()
    # when
    office.client("root").post(probe)
    # then one call may go, as a probe
    tried = Channel.objects.get(pk=channel.pk)
    assert (tried.paused_until, probing(tried)) == (None, True)
    assert AuditEvent.objects.filter(action="channel.probe").count() == 1


def delivery(channel, profile, **changes):
    message = OutboxMessage.objects.get(kind="staff_profile", key=profile.pk)
    return Delivery.objects.create(**{"channel": channel, "message": message, "state": DeliveryState.PARKED, "error_code": "NO_RECEIPT", **changes})


def test_an_operator_of_some_units_sees_and_moves_only_their_deliveries(office, channel):
    # given a delivery of the operator's own unit and one of another unit
    mine = delivery(channel, office.hired(birth_name="Nguyễn Thị Hoa"))
    elsewhere = Office({**office.units, **dict.fromkeys(("agency", "office"), office.units["elsewhere"])}, office.users, serial=100)
    theirs = delivery(channel, elsewhere.hired(birth_name="Trần Văn Bình"))
    client = office.client("operator")
    # then overview, queue and the admin's list show the first alone
    (overview,) = client.get(reverse(OVERVIEW)).context["overviews"]
    assert overview.counts == {DeliveryState.PARKED: 1}
    shown = client.get(reverse("exchange:delivery_queue", args=["national-hub"]) + "?cause=NO_RECEIPT").content.decode()
    assert ("Nguyễn Thị Hoa" in shown, "Trần Văn Bình" in shown) == (True, False)
    assert list(deliveries_seen(office.users["operator"])) == [mine]
    assert set(deliveries_seen(office.users["root"])) == {mine, theirs}
    # and sending everything of the cause again moves the first alone
    client.post(reverse("exchange:delivery_act", args=["national-hub"]), {"act": "all", "cause": "NO_RECEIPT"})
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.state, mine.round, theirs.state) == ("waiting", 1, "parked")


def test_what_waits_can_be_taken_back_with_a_reason_and_sent_again(office, channel):
    one = delivery(channel, office.hired(), state=DeliveryState.WAITING, error_code="")
    act = reverse("exchange:delivery_act", args=["national-hub"])
    assert office.client("operator").post(act, {"act": "recall", "delivery": [one.pk], "reason": "x"}).status_code == 404
    client = office.client("root")
    client.post(act, {"act": "recall", "delivery": [one.pk], "reason": " "})
    one.refresh_from_db()
    assert one.state == "waiting"
    client.post(act, {"act": "recall", "delivery": [one.pk], "reason": "Chờ quyết định điều chỉnh"})
    one.refresh_from_db()
    assert (one.state, one.error_code, one.error_text) == ("parked", "RECALLED", "Chờ quyết định điều chỉnh")
    assert AuditEvent.objects.get(action="delivery.recalled").detail["reason"] == "Chờ quyết định điều chỉnh"
    client.post(act, {"act": "again", "delivery": [one.pk]})
    one.refresh_from_db()
    assert one.state == "waiting"


def at(day):
    return datetime(2026, 10, day, 23, 30, tzinfo=clock.ZONE)


def test_the_legal_clock(office, channel, settings):
    """The day is Thursday 15 October 2026: a file of Monday 12 is due today, one of Friday 9 is late."""
    settings.PINNED_TODAY = "2026-10-15"
    kept = {}
    for day in (9, 10, 12, 15):
        one = delivery(channel, office.hired(), state=DeliveryState.WAITING)
        with connection.cursor() as cursor:
            cursor.execute("set local session_replication_role = replica")
            cursor.execute("update workflows_outboxmessage set created_at = %s where id = %s", [at(day), one.message_id])
            cursor.execute("set local session_replication_role = origin")
        kept[day] = one.pk
    rows = Delivery.objects.filter(channel=channel)
    assert set(late(rows).values_list("pk", flat=True)) == {kept[9], kept[10]}
    assert [day.day for day in due_days([("staff_profile", at(10)), ("org_unit", at(15)), ("staff_profile", at(12))])] == [14, 16, 15]
    shown = lines(list(queue(user=office.users["root"], channel=channel)))
    assert [one.delivery.pk for one in shown] == [kept[day] for day in (9, 10, 12, 15)]
    assert [one.is_late for one in shown] == [one.delivery.pk in set(late(rows).values_list("pk", flat=True)) for one in shown]
