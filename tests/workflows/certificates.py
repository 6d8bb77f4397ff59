"""People, certificates and manifests for tests of signatures. Everything is judged at MOMENT, so nothing rots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from asn1crypto import cms
from pyhanko.sign.signers import SimpleSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from config.demo.pki import DemoAuthority, Person
from signing_agent.sign import sign_manifest
from workflows.cms import TrustStore, VerifiedSignature, verify_detached
from workflows.coroutines import complete
from workflows.manifest import build_manifest

MOMENT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
PIN = "246810"
AN = Person(login="an", name="Nguyễn Văn An", personal_number="066075001234", organization="UBND tỉnh Đắk Lắk", organization_identifier="H15")
BINH = replace(AN, login="binh", name="Trần Thị Bình", personal_number="066180004321")


def manifest(**changes: Any) -> bytes:
    parts: dict[str, Any] = {
        "authority": "H15",
        "request": UUID(int=1),
        "unit": UUID(int=2),
        "unit_name": "Sở Nội vụ tỉnh Đắk Lắk",
        "title": "Cập nhật 200 hồ sơ quý IV",
        "stage": 1,
        "count": 200,
        "kinds": {"staff_profile": 188, "org_unit": 12},
        "root": bytes(range(32)),
        "excluded": [3, 4, 5, 17],
        "decider": {"name": "Nguyễn Văn An", "user": "an"},
        "prepared_at": MOMENT,
    }
    return build_manifest(**{**parts, **changes})


@dataclass
class World:
    """A demonstration authority, and the folder of a verifier that trusts it."""

    authority: DemoAuthority
    trust: Path

    @classmethod
    def make(cls, directory: Path) -> World:
        world = cls(DemoAuthority(directory / "pki"), directory / "trust")
        world.authority.publish(world.trust, moment=MOMENT)
        return world

    def key(self, person: Person = AN, **variant: Any) -> bytes:
        return self.authority.issue(person, pin=PIN, **variant)

    def sign(self, body: bytes, *, p12: bytes | None = None, signed_at: datetime = MOMENT) -> bytes:
        return sign_manifest(p12=p12 or self.key(), pin=PIN, manifest=body, signed_at=signed_at)

    def verify(self, body: bytes, signature: bytes, *, moment: datetime = MOMENT) -> VerifiedSignature:
        return verify_detached(content=body, signature=signature, moment=moment, trust=TrustStore.load(self.trust))


def sign_freely(
    p12: bytes, body: bytes, *, digest: str = "sha256", detached: bool = True, signed_at: datetime | None = MOMENT, pss: bool = False
) -> bytes:
    """A signature that our own agent would never make."""
    signer = SimpleSigner.load_pkcs12_data(p12, other_certs=(), passphrase=PIN.encode())
    signer.prefer_pss = pss
    attributes = PdfCMSSignedAttributes(signing_time=signed_at)
    return complete(signer.async_sign_general_data(body, digest, detached=detached, signed_attr_settings=attributes)).dump()


def edited(signature: bytes, edit: Any) -> bytes:
    """The signature's DER after `edit(signed_data)` changed its structure."""
    envelope = cms.ContentInfo.load(signature)
    edit(envelope["content"])
    return envelope.dump(force=True)
