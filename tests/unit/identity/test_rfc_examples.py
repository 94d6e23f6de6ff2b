"""The examples that the RFCs print, checked by our code."""

import pytest

from ostiary.errors import RefusedError
from ostiary.identity.algorithms import import_public
from ostiary.identity.codes import TOKEN
from ostiary.identity.compact import parse_compact
from ostiary.identity.dpop import DpopVerifier
from ostiary.identity.reasons import Refusal
from ostiary.identity.replay import MemoryReplay
from ostiary.identity.settings import DpopSettings
from ostiary.identity.strict import b64url_decode
from ostiary.identity.types import PresentedSubject

SECOND = 1_000_000_000
DPOP_ISSUED = 1_562_262_618
DPOP_JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"  # RFC 9449 §6.1
DPOP_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"  # RFC 9449 §7.1
DPOP_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs"
    "cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2"
    "In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90"
    "ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFF"
    "byJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)


def test_rfc_7515_appendix_a_3_es256() -> None:
    key = import_public(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    )
    token = (
        "eyJhbGciOiJFUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    jws = parse_compact(token, 1000, TOKEN)
    assert key.verify("ES256", jws.signed, jws.signature)
    assert jws.payload["iss"] == "joe"


def test_rfc_8037_appendix_a_4_ed25519() -> None:
    key = import_public({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = b64url_decode(b"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
    assert signature is not None
    assert key.verify("EdDSA", signed, signature)


def test_rfc_9449_section_7_1_proof_for_a_resource() -> None:
    verifier = DpopVerifier(DpopSettings(), MemoryReplay(0, 10))
    uri = "https://resource.example.org/protectedresource"
    presented = PresentedSubject(token=DPOP_TOKEN, dpop=DPOP_PROOF, htm="GET", htu=uri)
    verifier.verify(presented, DPOP_JKT, "default", DPOP_ISSUED * SECOND)
    with pytest.raises(RefusedError) as again:
        verifier.verify(presented, DPOP_JKT, "default", DPOP_ISSUED * SECOND)
    assert again.value.code == Refusal.DPOP_REPLAYED
