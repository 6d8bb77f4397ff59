"""Where the private key is: in a PKCS#12 file, or on a token or smart card (PKCS#11), which it never leaves.

A key is opened for one signature and closed again; the PIN is passed on and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from asn1crypto import pkcs12 as asn1_pkcs12
from asn1crypto import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs12
from pyhanko.sign.signers import Signer, SimpleSigner

if TYPE_CHECKING:
    import pkcs11

SIGNING_USES = frozenset({"digital_signature", "non_repudiation"})


class SigningRefused(Exception):
    """The key cannot or must not sign this. Subclasses say why."""


class KeyFileInvalid(SigningRefused):
    """The file is not a PKCS#12 container that can be read here, or holds no key with a certificate."""


class TokenUnusable(SigningRefused):
    """The token, its driver, or the key on it cannot be used; `str()` says in Vietnamese what is wrong and what to do."""


class PinWrong(SigningRefused):
    """The PIN does not open the key (PKCS#12 cannot tell a wrong PIN from a damaged file)."""


class PinLocked(SigningRefused):
    """The token has locked itself after too many wrong PINs; only its issuer can unlock it."""


class Key(Protocol):
    """A signing key. `name` is how its owner knows it, a file or a token."""

    name: str

    def opened(self, pin: str) -> AbstractContextManager[Signer]:
        """A signer with its certificate and chain. Raises PinWrong, PinLocked, KeyFileInvalid, TokenUnusable."""


@dataclass(frozen=True)
class KeyFile:
    """The key of a PKCS#12 container."""

    p12: bytes
    name: str = ""

    @contextmanager
    def opened(self, pin: str) -> Iterator[Signer]:
        check_key_file(self.p12)
        try:
            key, certificate, _chain = pkcs12.load_key_and_certificates(self.p12, pin.encode())
        except ValueError as error:
            raise PinWrong from error
        except UnsupportedAlgorithm as error:
            raise KeyFileInvalid(str(error)) from error
        if key is None or certificate is None:
            raise KeyFileInvalid("there is no private key with a certificate in the file")
        yield SimpleSigner.load_pkcs12_data(self.p12, other_certs=(), passphrase=pin.encode())


@dataclass(frozen=True)
class Token:
    """The signing key on a token, reached through the driver (PKCS#11 module) that came with it.

    `label` names the token where several are plugged in, `certificate` the label of the certificate where the token holds several.
    """

    module: Path
    label: str = ""
    certificate: str = ""

    @property
    def name(self) -> str:
        return self.label or self.module.name

    def check(self) -> None:
        """Raises TokenUnusable unless the driver loads and the token is there; needs no PIN, so it can be asked at start."""
        self._token()

    @contextmanager
    def opened(self, pin: str) -> Iterator[Signer]:
        import pkcs11
        from pyhanko.sign.pkcs11 import PKCS11Signer

        token = self._token()
        try:
            with token.open(user_pin=pin) as session:
                chosen, others = self._certificates(session)
                certificate = x509.Certificate.load(chosen[pkcs11.Attribute.VALUE])
                yield PKCS11Signer(
                    session,
                    signing_cert=certificate,
                    use_raw_mechanism=certificate.public_key.algorithm == "ec",  # tokens seldom hash for ECDSA themselves
                    ca_chain=[x509.Certificate.load(other[pkcs11.Attribute.VALUE]) for other in others],
                    key_id=chosen[pkcs11.Attribute.ID],
                )
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
            raise PinWrong from error
        except pkcs11.PinLocked as error:
            raise PinLocked from error
        except pkcs11.PKCS11Error as error:
            raise TokenUnusable(f"Thiết bị ký số báo lỗi ({type(error).__name__}). Hãy rút ra, cắm lại rồi ký lại.") from error

    def _token(self) -> pkcs11.Token:
        tokens = [slot.get_token() for slot in _driver(self.module).get_slots(token_present=True)]
        found = [one for one in tokens if one.flags & _initialised() and (not self.label or one.label == self.label)]
        if not found:
            raise TokenUnusable(f"Chưa thấy thiết bị ký số{f' “{self.label}”' if self.label else ''}. Hãy cắm thiết bị rồi thử lại.")
        if len(found) > 1:
            raise TokenUnusable(f"Có nhiều thiết bị ký số: {', '.join(sorted(one.label for one in found))}. Hãy chọn một bằng --token.")
        return found[0]

    def _certificates(self, session: pkcs11.Session) -> tuple[Any, list[Any]]:
        """The certificate to sign with, and the others on the token, which may belong to its chain."""
        import pkcs11

        private = {one[pkcs11.Attribute.ID] for one in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY})}
        everything = list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}))
        mine = [
            one
            for one in everything
            if one[pkcs11.Attribute.ID] in private
            and _may_sign(one[pkcs11.Attribute.VALUE])
            and self.certificate in ("", one[pkcs11.Attribute.LABEL])
        ]
        if not mine:
            raise TokenUnusable("Trên thiết bị không có chứng thư số dùng để ký. Hãy kiểm tra thiết bị, hoặc chọn chứng thư bằng --certificate.")
        if len(mine) > 1:
            labels = ", ".join(sorted(one[pkcs11.Attribute.LABEL] for one in mine))
            raise TokenUnusable(f"Thiết bị có nhiều chứng thư số: {labels}. Hãy chọn một bằng --certificate.")
        return mine[0], [one for one in everything if one[pkcs11.Attribute.ID] not in private]


def check_key_file(p12: bytes) -> None:
    """Raises KeyFileInvalid unless `p12` is a PKCS#12 container; needs no PIN, so it can be asked at start."""
    try:
        version = asn1_pkcs12.Pfx.load(p12, strict=True)["version"].native
    except (ValueError, TypeError) as error:
        raise KeyFileInvalid(str(error)) from error
    if version != "v3":
        raise KeyFileInvalid(f"PKCS#12 version {version}")


@cache
def _driver(module: Path) -> pkcs11.lib:
    """The driver, loaded once: a PKCS#11 module is initialised once in a process."""
    try:
        import pkcs11
    except ImportError as error:
        raise TokenUnusable("Chưa có thư viện python-pkcs11. Hãy cài: pip install python-pkcs11") from error
    try:
        return pkcs11.lib(str(module))
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise TokenUnusable(f"Không nạp được trình điều khiển của thiết bị: {module}. Hãy cài phần mềm đi kèm thiết bị ký số.") from error


def _initialised() -> int:
    import pkcs11

    return pkcs11.TokenFlag.TOKEN_INITIALIZED


def _may_sign(certificate: bytes) -> bool:
    usage = x509.Certificate.load(certificate).key_usage_value
    return usage is None or bool(SIGNING_USES & usage.native)
