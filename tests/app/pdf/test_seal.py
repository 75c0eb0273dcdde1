from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_der_private_key, pkcs12
from cryptography.x509 import load_der_x509_certificate

from app.pdf import seal_key
from app.pdf.contracts import ContractDocument, EvidenceLine, SignatureBlock
from app.pdf.render import render_contract
from app.pdf.seal import SealState, inspect, seal
from app.pdf.seal_key import SealUnavailable
from tests.stores import environment

SIGNED = SignatureBlock(
    "Payee", "Jo Bell", "Jo <b>Bell</b>", "M20 20L200 90", "2026-11-21 10:00:00 UTC", "j@x.test", "–", "–"
)
DOCUMENT = ContractDocument(
    "CT-00001", "Agreement", "Oxford", "Jo Bell", "<h2>Scope</h2><p>Work.</p>", "ab" * 32, "cd" * 32, "I agree.",
    (SIGNED,), (EvidenceLine("2026-11-21 10:00:00 UTC", "Signed", "j@x.test", "192.0.2.7"),), "https://x.test/verify",
)  # fmt: skip


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return seal(render_contract(DOCUMENT), reason="signed by everybody", name="Oxford")


def test_a_sealed_file_is_whole(sealed: bytes) -> None:
    report = inspect(sealed)
    assert report.state is SealState.WHOLE
    assert report.signer == "Quittance sandbox seal" and report.sealed_at is not None


def test_it_works_where_an_event_loop_runs_already(sealed: bytes) -> None:
    async def again() -> bytes:
        assert inspect(sealed).state is SealState.WHOLE
        return seal(render_contract(DOCUMENT), reason="Agreed", name="Oxford")

    with ThreadPoolExecutor(1) as own_thread:  # this one may have a loop, left by a browser
        again_sealed = own_thread.submit(lambda: asyncio.run(again())).result()
    assert inspect(again_sealed).state is SealState.WHOLE


def test_every_changed_byte_of_the_document_is_seen(sealed: bytes) -> None:
    """The bytes the seal covers: all but the hexadecimal of the seal itself."""
    start = sealed.rindex(b"/Contents <")
    covered = [n for n in range(len(sealed)) if not start <= n <= sealed.index(b">", start)]
    for place in random.Random(7).sample(covered, 40):
        changed = bytearray(sealed)
        changed[place] ^= 1
        assert inspect(bytes(changed)).state is not SealState.WHOLE, place


def test_what_is_added_behind_the_seal_is_seen(sealed: bytes) -> None:
    from io import BytesIO

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(BytesIO(sealed))
    writer.root["/Lang"] = writer.root["/Pages"]
    writer.update_root()
    out = BytesIO()
    writer.write(out)
    assert out.getvalue().startswith(sealed)
    assert inspect(out.getvalue()).state is SealState.CHANGED


def test_other_files(sealed: bytes) -> None:
    assert inspect(render_contract(DOCUMENT)).state is SealState.NONE
    assert inspect(b"%PDF-1.7 rubbish").state is SealState.NONE
    assert inspect(b"hello").state is SealState.NONE
    assert inspect(sealed[: len(sealed) // 2]).state is not SealState.WHOLE


def test_somebody_else_s_seal_is_not_ours(sealed: bytes, tmp_path: Path) -> None:
    with environment(DATA_DIR=str(tmp_path)):
        assert inspect(sealed).state is SealState.FOREIGN
        foreign = seal(render_contract(DOCUMENT), reason="x", name="x")
        assert inspect(foreign).state is SealState.WHOLE
    assert inspect(foreign).state is SealState.FOREIGN


def test_a_former_seal_is_still_known(sealed: bytes, tmp_path: Path) -> None:
    pem = seal_key.public_pem()
    with environment(DATA_DIR=str(tmp_path)):
        former = tmp_path / "seal" / "former"
        former.mkdir(parents=True)
        (former / "2026.pem").write_text(pem)
        assert inspect(sealed).state is SealState.WHOLE


def test_the_key_on_disk_is_sealed(tmp_path: Path) -> None:
    with environment(DATA_DIR=str(tmp_path)):
        first = seal_key.seal_key()
        text = (tmp_path / "seal" / "key.json").read_text()
        assert "PRIVATE KEY" not in text and first.key.hex() not in text
        assert (tmp_path / "seal" / "key.json").stat().st_mode & 0o077 == 0
        assert seal_key.seal_key() == first


def test_live_mode_asks_for_a_key_and_takes_one_from_a_file(tmp_path: Path) -> None:
    own = seal_key.seal_key()
    live = {"QUITTANCE_MODE": "live", "DATA_DIR": str(tmp_path)}
    with environment(**live), pytest.raises(SealUnavailable, match="SEAL_P12_FILE"):
        seal_key.seal_key()
    key = load_der_private_key(own.key, None)
    path = tmp_path / "seal.p12"
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"seal",
            key,
            load_der_x509_certificate(own.certificate),  # type: ignore[arg-type]
            [load_der_x509_certificate(one) for one in own.chain],
            BestAvailableEncryption(b"open"),
        )
    )
    with environment(**live, SEAL_P12_FILE=str(path), SEAL_P12_PASSWORD="open"):
        assert seal_key.seal_key() == own
    with environment(**live, SEAL_P12_FILE=str(path), SEAL_P12_PASSWORD="shut"), pytest.raises(SealUnavailable):
        seal_key.seal_key()
