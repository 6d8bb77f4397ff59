"""RFC 3161 time-stamps: what holds, and everything that does not."""

from datetime import timedelta

import pytest
from asn1crypto import cms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.demo.pki import DemoAuthority
from tests.workflows.authority import StampingAuthority
from tests.workflows.certificates import MOMENT, World
from workflows.cms import RefusalCode, SignatureRefused
from workflows.timestamps import StampProblem, StampRefused, stamp_request, stamp_token, verify_stamp
from workflows.trust import TrustStore

MESSAGE = b"the value of a signature"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def trust(world):
    return TrustStore.load(world.trust)


@pytest.fixture(scope="module")
def tsa(world):
    return StampingAuthority(world.authority, moment=MOMENT)


def stamped(tsa, message=MESSAGE):
    request = stamp_request(message)
    return stamp_token(request=request, response=tsa.answer(request))


@pytest.fixture(scope="module")
def token(tsa):
    return stamped(tsa)


def refusal(work) -> str:
    with pytest.raises((StampRefused, SignatureRefused)) as caught:
        work()
    return str(caught.value.code)


def test_a_token_gives_its_moment(token, trust):
    assert verify_stamp(token=token, message=MESSAGE, trust=trust, near=MOMENT + timedelta(minutes=9)) == MOMENT


def test_it_is_over_one_message(token, trust):
    assert refusal(lambda: verify_stamp(token=token, message=b"another", trust=trust)) == StampProblem.OTHER_SIGNATURE


def test_a_clock_far_away_is_refused_when_it_comes_in(token, trust):
    assert refusal(lambda: verify_stamp(token=token, message=MESSAGE, trust=trust, near=MOMENT + timedelta(minutes=11))) == StampProblem.CLOCK_SKEW


def test_an_answer_to_another_request_is_refused(tsa):
    response = tsa.answer(stamp_request(MESSAGE))
    assert refusal(lambda: stamp_token(request=stamp_request(MESSAGE), response=response)) == StampProblem.OTHER_REQUEST


def test_a_refusal_of_the_authority_is_said(tsa):
    response = bytes.fromhex("3005 3003 020102".replace(" ", ""))  # a status of 2, rejection, and no token
    assert refusal(lambda: stamp_token(request=stamp_request(MESSAGE), response=response)) == StampProblem.NOT_GRANTED


@pytest.mark.parametrize(
    ("variant", "code"),
    [
        ({"usages": ()}, StampProblem.WRONG_USAGE),
        ({"critical": False}, StampProblem.WRONG_USAGE),
        ({"valid_from": MOMENT - timedelta(days=20), "valid_until": MOMENT - timedelta(days=10)}, RefusalCode.EXPIRED),
    ],
    ids=["no stamping usage", "usage not critical", "expired"],
)
def test_a_certificate_that_may_not_stamp_is_refused(world, trust, variant, code):
    tsa = StampingAuthority(world.authority, moment=MOMENT, **variant)
    assert refusal(lambda: verify_stamp(token=stamped(tsa), message=MESSAGE, trust=trust)) == code


def test_an_authority_of_somebody_else_is_refused(tmp_path, trust):
    tsa = StampingAuthority(DemoAuthority(tmp_path / "other"), moment=MOMENT)
    assert refusal(lambda: verify_stamp(token=stamped(tsa), message=MESSAGE, trust=trust)) == RefusalCode.UNTRUSTED


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data())
def test_no_changed_token_gives_a_moment_to_the_message(token, trust, data):
    """One byte anywhere: refused, or (in what nobody signs, an unused certificate) without effect on the moment."""
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + bytes([token[place] ^ data.draw(st.integers(1, 255))]) + token[place + 1 :]
    try:
        assert verify_stamp(token=changed, message=MESSAGE, trust=trust) == MOMENT
    except (StampRefused, SignatureRefused):
        return


def test_a_time_put_into_the_token_is_found(token, trust):
    envelope = cms.ContentInfo.load(token)
    content = envelope["content"]["encap_content_info"]["content"]
    info = content.parsed
    info["gen_time"] = MOMENT - timedelta(days=400)
    envelope["content"]["encap_content_info"]["content"] = cms.ParsableOctetString(info.dump())
    assert refusal(lambda: verify_stamp(token=envelope.dump(force=True), message=MESSAGE, trust=trust)) == StampProblem.ALTERED
