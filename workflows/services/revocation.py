"""What authorities' responders say of a signer's certificates (OCSP, RFC 6960): asking before a decision, keeping it with the signature.

Only addresses of OCSP_RESPONDERS are asked, and only where the certificate names one of them. How a question travels is
`exchange.services.responders`, which hands itself over by `ask_through` when the program starts: this room has no network.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from workflows.cms import asked_of
from workflows.documents import digest
from workflows.models import RevocationAnswer, Signature
from workflows.ocsp import NoAnswer, Question, questions, response_check
from workflows.trust import TrustStore

logger = logging.getLogger(__name__)

Ask = Callable[[str, bytes], bytes]
"""(address, OCSPRequest as DER) to the OCSPResponse's DER; raises ResponderSilent."""


class ResponderSilent(Exception):
    """The responder cannot be reached in time, or answers something else than OCSP. The message says which, for the operator."""


@dataclass(frozen=True)
class Asked:
    """What was asked: `answers` by question, and for each responder that kept silent why, as text for the operator."""

    answers: tuple[tuple[Question, bytes], ...] = field(default=())
    silent: tuple[str, ...] = ()

    @property
    def responses(self) -> tuple[bytes, ...]:
        return tuple(body for _question, body in self.answers)

    @property
    def digests(self) -> list[str]:
        """SHA-256 of the answers as hex, for the audit trail."""
        return sorted(digest(body).hex() for body in self.responses)


NOBODY_ASKED = Asked()
_lines: list[Ask] = []


def ask_through(ask: Ask) -> None:
    """Say how questions travel; called once, when the program starts."""
    _lines[:] = [ask]


def responders_ask(*, signature: bytes) -> Asked:
    """Ask the configured responders about the certificates of `signature` (CMS, DER). Call it outside any transaction.

    Raises SignatureRefused for an answer that is not one to our question; a silent responder is noted, and the revocation lists decide.
    """
    if not (signature and settings.OCSP_RESPONDERS and _lines):
        return NOBODY_ASKED
    pairs = asked_of(signature, TrustStore.load(settings.TRUST_DIRECTORY))
    answers, silent = [], []
    for question in questions(pairs, responders=settings.OCSP_RESPONDERS):
        try:
            body = _lines[0](question.responder, question.body)
            response_check(question, body)
            answers.append((question, body))
        except (ResponderSilent, NoAnswer) as failed:
            logger.warning("OCSP responder %s: %s", question.responder, failed)
            silent.append(f"{question.responder}: {failed}")
    return Asked(tuple(answers), tuple(silent))


def answers_keep(*, signature: Signature, asked: Asked) -> None:
    """Keep what was answered with the signature, inside the deciding transaction."""
    RevocationAnswer.objects.bulk_create(
        [
            RevocationAnswer(signature=signature, certificate=question.fingerprint, responder=question.responder[:300], der=body, digest=digest(body))
            for question, body in asked.answers
        ],
        ignore_conflicts=True,
    )


def answer_damages() -> Iterator[tuple[str, str]]:
    """(place, what) of every kept answer that is not the one that the (sealed) audit trail names, or is missing."""
    with connection.cursor() as cursor:
        cursor.execute("select encode(digest, 'hex') from workflows_revocationanswer where sha256(der) <> digest")
        for (name,) in cursor.fetchall():
            yield f"answer {name}", "its bytes are not those of its digest"
        cursor.execute(
            "with named as (select e.detail ->> 'signature' as signature, jsonb_array_elements_text(e.detail -> 'answers') as answer "
            "from workflows_auditevent e where e.detail ? 'answers'), "
            "kept as (select encode(signature_id, 'hex') as signature, encode(digest, 'hex') as answer, recorded_at "
            "from workflows_revocationanswer) "
            "select coalesce(n.answer, k.answer), n.answer is null "
            "from named n full join kept k on (k.signature, k.answer) = (n.signature, n.answer) "
            "where n.answer is null and k.recorded_at >= (select min(at) from workflows_auditevent) or k.answer is null"
        )
        for name, unnamed in cursor.fetchall():
            yield f"answer {name}", "the audit trail does not name it" if unnamed else "it is missing"
