"""What an authority's responder says of a certificate: what counts, and every answer that does not, over real HTTP."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from config.demo.ocsp import REPLY, Responder
from config.demo.pki import DemoAuthority, certificate_of
from exchange.services.responders import responder_ask
from tests.workflows.certificates import AN, MOMENT, PIN, World, manifest
from workflows.cms import SignatureRefused, asked_of, verify_detached
from workflows.ocsp import NoAnswer, questions, response_check
from workflows.refusals import RefusalCode
from workflows.services.revocation import ResponderSilent
from workflows.trust import TrustStore

C = RefusalCode
BODY = manifest()
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture
def responder(world):
    with Responder(world.authority) as server:
        server.moment = lambda: MOMENT
        yield server


def signed_by(world, responder):
    """A signature whose certificate names the responder, and the certificate's PKCS#12."""
    p12 = world.key(responder=responder.address)
    return world.sign(BODY, p12=p12), p12


def lists_gone(world, tmp_path, *, keep=("root.crl",)):
    """The same trust without the issuing authority's revocation list."""
    files = [file for file in world.trust.iterdir() if file.suffix == ".pem" or file.name in keep]
    for file in files:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return TrustStore.load(tmp_path)


def judged(world, responder, *, moment=MOMENT, trust=None):
    """Ask, and judge the signature with the answer."""
    signature, _p12 = signed_by(world, responder)
    trust = trust or TrustStore.load(world.trust)
    (question,) = questions(asked_of(signature, trust), responders=[responder.address])
    answer = responder_ask(question.responder, question.body)
    response_check(question, answer)
    return verify_detached(content=BODY, signature=signature, moment=moment, trust=trust, responses=[answer])


def refusal(*given, **more) -> str:
    with pytest.raises(SignatureRefused) as caught:
        judged(*given, **more)
    return caught.value.code


# What counts


def test_a_good_answer_stands_in_for_a_missing_list(world, responder, tmp_path):
    assert judged(world, responder, trust=lists_gone(world, tmp_path)).personal_number == AN.personal_number


def test_without_the_answer_the_missing_list_refuses(world, responder, tmp_path):
    signature, _p12 = signed_by(world, responder)
    with pytest.raises(SignatureRefused) as caught:
        verify_detached(content=BODY, signature=signature, moment=MOMENT, trust=lists_gone(world, tmp_path))
    assert caught.value.code == C.REVOCATION_UNKNOWN


def test_a_responder_that_the_issuer_appointed_counts(world, responder, tmp_path):
    responder.signatory = world.authority.delegate()
    assert judged(world, responder, trust=lists_gone(world, tmp_path)).common_name == AN.name


def test_an_answer_made_in_advance_carries_no_nonce_and_counts(world, responder):
    responder.nonce = lambda given: None
    assert judged(world, responder).common_name == AN.name


def test_only_responders_that_the_operator_allows_are_asked(world, responder):
    signature, _p12 = signed_by(world, responder)
    pairs = asked_of(signature, TrustStore.load(world.trust))
    assert questions(pairs, responders=["http://127.0.0.1:1/ocsp"]) == []
    assert questions(asked_of(world.sign(BODY), TrustStore.load(world.trust)), responders=[responder.address]) == []
    assert responder.asked == 0


def test_nobody_is_asked_about_what_leads_to_no_anchor(world, responder, tmp_path):
    other = World.make(tmp_path)
    signature, _p12 = signed_by(other, responder)
    assert asked_of(signature, TrustStore.load(world.trust)) == []
    assert asked_of(b"rubbish", TrustStore.load(world.trust)) == []


# What does not, each by its name


def test_revoked(tmp_path):
    world = World.make(tmp_path)
    with Responder(world.authority) as responder:
        responder.moment = lambda: MOMENT
        signature, p12 = signed_by(world, responder)
        world.authority.revoke(certificate_of(p12, PIN), moment=MOMENT - HOUR)  # after the list was published: only the responder knows
        trust = TrustStore.load(world.trust)
        (question,) = questions(asked_of(signature, trust), responders=[responder.address])
        answer = responder_ask(question.responder, question.body)

    def judge(moment):
        verify_detached(content=BODY, signature=signature, moment=moment, trust=trust, responses=[answer])

    with pytest.raises(SignatureRefused) as caught:
        judge(MOMENT)
    assert caught.value.code == C.REVOKED


def test_a_list_that_says_revoked_outweighs_an_answer_that_says_good(tmp_path):
    world = World.make(tmp_path)
    with Responder(world.authority) as responder:
        responder.moment = lambda: MOMENT
        responder.status = ocsp.OCSPCertStatus.GOOD
        signature, p12 = signed_by(world, responder)
        world.authority.revoke(certificate_of(p12, PIN), moment=MOMENT - HOUR)
        world.authority.publish(world.trust, moment=MOMENT)
        trust = TrustStore.load(world.trust)
        (question,) = questions(asked_of(signature, trust), responders=[responder.address])
        answer = responder_ask(question.responder, question.body)
    with pytest.raises(SignatureRefused) as caught:
        verify_detached(content=BODY, signature=signature, moment=MOMENT, trust=trust, responses=[answer])
    assert caught.value.code == C.REVOKED


def test_unknown(world, responder):
    responder.status = ocsp.OCSPCertStatus.UNKNOWN
    assert refusal(world, responder) == C.OCSP_UNKNOWN


@pytest.mark.parametrize(
    ("made", "valid_for"),
    [(-3 * HOUR, HOUR), (HOUR, HOUR), (-HOUR, None), (-8 * 24 * HOUR, 30 * 24 * HOUR)],
    ids=["over", "of the future", "old, without an end", "held for a month"],
)
def test_stale(world, responder, made, valid_for):
    responder.moment, responder.valid_for = (lambda: MOMENT + made), valid_for
    assert refusal(world, responder) == C.OCSP_STALE


def test_signed_by_somebody_else(world, responder, tmp_path):
    responder.signatory = DemoAuthority(tmp_path / "other").issuing
    assert refusal(world, responder) == C.OCSP_WRONG_SIGNER


def test_signed_by_a_certificate_that_was_not_given_this_task(world, responder):
    responder.signatory = world.authority.delegate(usages=(ExtendedKeyUsageOID.CLIENT_AUTH,))
    assert refusal(world, responder) == C.OCSP_WRONG_SIGNER


def test_an_answer_to_another_question_is_replayed(world, responder):
    responder.nonce = lambda given: b"\x00" * 32
    assert refusal(world, responder) == C.OCSP_REPLAYED


def test_unreadable_and_about_somebody_else(world, responder):
    responder.twist = lambda body: (200, REPLY, b"rubbish")
    assert refusal(world, responder) == C.OCSP_UNREADABLE
    other = world.key(responder=responder.address)
    (question,) = questions(asked_of(world.sign(BODY, p12=other), TrustStore.load(world.trust)), responders=[responder.address])
    responder.twist = lambda body: (200, REPLY, responder.answer(question.body))
    assert refusal(world, responder) == C.OCSP_UNREADABLE


def test_no_changed_answer_counts(world, responder, tmp_path):
    """A byte changed anywhere in what the responder signed: refused, never taken as good."""
    signature, _p12 = signed_by(world, responder)
    trust = lists_gone(world, tmp_path)
    (question,) = questions(asked_of(signature, trust), responders=[responder.address])
    answer = responder_ask(question.responder, question.body)
    signed = ocsp.load_der_ocsp_response(answer).tbs_response_bytes
    begins = answer.index(signed)
    for place in range(begins, begins + len(signed), 11):
        changed = answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]
        with pytest.raises(SignatureRefused):
            verify_detached(content=BODY, signature=signature, moment=MOMENT, trust=trust, responses=[changed])


@pytest.mark.parametrize(
    "twist",
    [
        (503, "text/plain", b"no"),
        (200, "text/html", b"<html>"),
        (302, "application/ocsp-response", b""),
        (200, REPLY, b"x" * 40_000),
    ],
    ids=["error", "page", "redirect", "flood"],
)
def test_what_is_no_answer_counts_as_silence(responder, twist):
    responder.twist = lambda body: twist
    with pytest.raises(ResponderSilent):
        responder_ask(responder.address, b"question")


def test_a_responder_that_declines_counts_as_silence(world, responder):
    declined = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(serialization.Encoding.DER)
    responder.twist = lambda body: (200, REPLY, declined)
    with pytest.raises(NoAnswer):
        judged(world, responder)


def test_nobody_listens():
    with pytest.raises(ResponderSilent, match="ConnectError"):
        responder_ask("http://127.0.0.1:1/ocsp", b"question")
