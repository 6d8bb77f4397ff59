"""The offline checker: good evidence is good, and nothing that was changed, anywhere, is."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workflows.conftest import gate  # noqa: F401 - the same gate, for this folder's tests
from tools.verify_evidence import Broken, verify
from workflows.models import RecordVersion
from workflows.services.evidence import evidence_bundle


@pytest.fixture(scope="module")
def evidence(gate, tmp_path_factory):  # noqa: F811
    """A bundle out of a request of 300, as a path, its files, and the anchor."""
    from django.conf import settings as django_settings

    request = gate.applied(*(gate.proposal(ref=n, code=f"EV-{n}") for n in range(300)))
    body = evidence_bundle(RecordVersion.objects.get(request=request, leaf_index=299))
    folder = tmp_path_factory.mktemp("evidence")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return folder, files, django_settings.TRUST_DIRECTORY / "root.pem", body


def packed(folder, files):
    path = folder / "e.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return path


def test_evidence_of_one_record_out_of_a_batch_is_good(evidence):
    folder, _files, anchor, body = evidence
    path = folder / "good.zip"
    path.write_bytes(body)
    lines = verify(path, anchor)
    assert lines[0].startswith("toy_note ")
    assert "approver" in lines[1]


def test_another_anchor_does_not_do(evidence, tmp_path):
    from config.demo.pki import DemoAuthority

    folder, files, _anchor, _body = evidence
    other = DemoAuthority(tmp_path / "other")
    other.publish(tmp_path / "trust")
    with pytest.raises(Broken, match="does not end in the anchor"):
        verify(packed(folder, files), tmp_path / "trust" / "root.pem")


@pytest.mark.parametrize(
    ("name", "old", "new", "what"),
    [
        ("document.json", b"EV-299", b"EV-298", "document is not the one"),
        ("leaf.json", b'"base_version":0', b'"base_version":1', "root"),
        ("proof.json", b'"leaf_index":299', b'"leaf_index":298', "root"),
        ("stage-1/manifest.json", b'"excluded":[]', b'"excluded":[299]', "left this record out"),
        ("stage-1/manifest.json", b'"excluded":[]', b'"excluded":[7]', "over other bytes"),
        ("seal.json", b'"skipped":[]', b'"skipped":[299]', "not applied"),
    ],
)
def test_each_alteration_is_named(evidence, name, old, new, what):
    folder, files, anchor, _body = evidence
    assert old in files[name]
    with pytest.raises(Broken, match=what):
        verify(packed(folder, {**files, name: files[name].replace(old, new)}), anchor)


@pytest.mark.parametrize(
    "name", ["document.json", "leaf.json", "proof.json", "stage-1/manifest.json", "stage-1/signature.p7s", "seal.json", "trust/issuing.crl"]
)
def test_each_missing_part_is_noticed(evidence, name):
    folder, files, anchor, _body = evidence
    with pytest.raises(Broken):
        verify(packed(folder, {key: body for key, body in files.items() if key != name}), anchor)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_byte_of_what_was_signed_passes(evidence, data):
    folder, files, anchor, _body = evidence
    name = data.draw(st.sampled_from(["document.json", "leaf.json", "stage-1/manifest.json"]))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != files[name][place]))
    changed = files[name][:place] + bytes([byte]) + files[name][place + 1 :]
    with pytest.raises(Broken):
        verify(packed(folder, {**files, name: changed}), anchor)


def test_what_is_no_zip_is_named(evidence, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"rubbish")
    with pytest.raises(Broken, match="not a readable zip"):
        verify(tmp_path / "x.zip", evidence[2])
