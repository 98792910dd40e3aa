"""Signatures of bundles: what is signed by a trusted key is loaded, all else is refused."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from minisign import KeyPair
from serving import REPOSITORY

from models.bundle import MANIFEST, TrustedKeys, load_detector
from models.bundle.layout import SIGNATURE
from models.errors import BundleError, ConfigError


@pytest.fixture(scope="module")
def pair() -> KeyPair:
    return KeyPair.generate()


@pytest.fixture
def keys(pair: KeyPair, tmp_path: Path) -> Path:
    """Give a file with two public keys: another one, and that of the pair."""
    path = tmp_path / "trusted.pub"
    path.write_bytes(bytes(KeyPair.generate().public_key) + b"\n" + bytes(pair.public_key) + b"\n")
    return path


def sign(bundle: Path, pair: KeyPair) -> None:
    (bundle / SIGNATURE).write_bytes(bytes(pair.secret_key.sign((bundle / MANIFEST).read_bytes())))


def test_a_bundle_that_a_trusted_key_has_signed_is_loaded(copied: Path, pair: KeyPair, keys: Path) -> None:
    plain = load_detector(copied)
    sign(copied, pair)
    signed = load_detector(copied, trusted=TrustedKeys.from_file(keys))
    assert (signed.name, signed.calibration.threshold) == (plain.name, plain.calibration.threshold)
    assert load_detector(copied).name == plain.name  # the signature is no stray file where none is asked for


def test_what_is_not_signed_or_by_another_key_or_changed_since_is_refused(
    copied: Path, pair: KeyPair, keys: Path
) -> None:
    trusted = TrustedKeys.from_file(keys)
    with pytest.raises(BundleError, match="is not signed"):
        load_detector(copied, trusted=trusted)
    sign(copied, KeyPair.generate())
    with pytest.raises(BundleError, match="no key that is trusted"):
        load_detector(copied, trusted=trusted)
    sign(copied, pair)
    manifest = copied / MANIFEST
    manifest.write_bytes(manifest.read_bytes() + b"\n")  # still the same JSON
    with pytest.raises(BundleError, match="or for another manifest"):
        load_detector(copied, trusted=trusted)
    (copied / SIGNATURE).write_bytes(b"no signature")
    with pytest.raises(BundleError, match="is no signature of minisign"):
        load_detector(copied, trusted=trusted)


def test_a_signed_bundle_of_which_another_file_was_changed_is_refused(copied: Path, pair: KeyPair, keys: Path) -> None:
    sign(copied, pair)
    schema = copied / "schema.json"
    schema.write_bytes(schema.read_bytes() + b" ")
    with pytest.raises(BundleError, match=r"schema\.json is not the file that was saved"):
        load_detector(copied, trusted=TrustedKeys.from_file(keys))


@pytest.mark.parametrize(
    ("content", "said"), [("", "holds no key"), ("abc\n", "no public key of minisign"), (None, "cannot be read")]
)
def test_a_file_without_keys_is_refused_in_one_line(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "keys.pub"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=said):
        TrustedKeys.from_file(path)


@pytest.mark.skipif(not shutil.which("minisign"), reason="needs minisign")
def test_the_program_minisign_signs_what_is_loaded(copied: Path, tmp_path: Path) -> None:
    public, secret = tmp_path / "minisign.pub", tmp_path / "minisign.key"
    for arguments in (["-G", "-W", "-p", public, "-s", secret], ["-S", "-m", copied / MANIFEST, "-s", secret]):
        subprocess.run(["minisign", *map(str, arguments)], check=True, capture_output=True, input=b"\n\n")
    assert load_detector(copied, trusted=TrustedKeys.from_file(public)).name


def test_the_service_does_not_start_with_a_bundle_that_is_not_signed(copied: Path, keys: Path) -> None:
    command = [sys.executable, "-m", "service", "--detector", str(copied), "--trusted-keys", str(keys), "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False, timeout=60)
    assert ended.returncode == 2
    assert "is not signed" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
