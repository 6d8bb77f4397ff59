"""What the hub holds for an agency, as a zip for the offline checker: the certificate names the agency, whether or not it carries a number."""

import zipfile
from dataclasses import replace
from uuid import uuid4

import pytest
from django.conf import settings

from config.demo.pki import Person
from exchange.services.held_evidence import version_bundle
from tests.workflows.certificates import PIN
from tools.verify_evidence import Broken, verify


def held(hub, sender, folder):
    """The zip of a new file that the sender signed."""
    change = hub.senders[sender.code].person()
    assert hub.take(sender.sign(change))[0].outcome == "accepted"
    path = folder / f"{uuid4()}.zip"
    path.write_bytes(version_bundle(key=change.key, version=1))
    return path


def changed(path, name, old, new):
    with zipfile.ZipFile(path) as packed:
        files = {one: packed.read(one) for one in packed.namelist()}
    assert old in files[name]
    with zipfile.ZipFile(path, "w") as packed:
        for one, body in {**files, name: files[name].replace(old, new)}.items():
            packed.writestr(one, body)
    return path


@pytest.mark.parametrize("number", ["066075001234", ""])
def test_a_certificate_is_the_agencys_with_and_without_a_number(hub, tmp_path, number):
    signer = Person(f"held-{number}", "Nguyễn Văn An", number, "H15", "H15")
    path = held(hub, replace(hub.senders["H15"], p12=hub.authority.issue(signer, pin=PIN)), tmp_path)
    anchor = settings.TRUST_DIRECTORY / "root.pem"
    lines = verify(path, anchor)
    assert lines[-1] == "GOOD"
    assert any(line.endswith("for the agency H15") for line in lines)
    # and it is nobody else's
    with pytest.raises(Broken, match="another agency"):
        verify(changed(path, "seal.json", b'"agency":"H15"', b'"agency":"H16"'), anchor)
