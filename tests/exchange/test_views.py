"""The operator's page: each channel in one sentence, what needs a person by its cause."""

from __future__ import annotations

import pytest
from django.urls import reverse

from exchange.choices import DeliveryState
from exchange.models import Channel, Delivery
from tests.pages import Office
from workflows.models import OutboxMessage

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
    Channel.objects.filter(pk=channel.pk).update(failures=3, last_error="Không kết nối được")
    # when
    homes = {who: office.client(who).get("/").content.decode() for who in ("operator", "clerk")}
    # then
    assert "Bên nhận chưa trả lời đúng" in homes["operator"]
    assert "Nền tảng quốc gia" not in homes["clerk"]
