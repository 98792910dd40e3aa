"""An issuer of OIDC tokens on loopback, with a real server of its key set."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "detector"


@dataclass
class Signer:
    """A key that tokens are signed by."""

    key_id: str
    algorithm: str = "RS256"
    private: Any = None

    def __post_init__(self) -> None:
        if self.private is None:
            make_rsa = self.algorithm.startswith(("RS", "PS"))
            self.private = (
                rsa.generate_private_key(65_537, 2_048) if make_rsa else ec.generate_private_key(ec.SECP256R1())
            )

    def public(self) -> dict[str, Any]:
        kind = RSAAlgorithm if self.algorithm.startswith(("RS", "PS")) else ECAlgorithm
        plain = json.loads(kind.to_jwk(self.private.public_key()))
        return plain | {"kid": self.key_id, "alg": self.algorithm, "use": "sig"}


@dataclass
class IssuerServer:
    """What the server answers; may be changed while it runs."""

    address: str
    keys: list[dict[str, Any]] = field(default_factory=list)
    named: str = ""
    is_down: bool = False
    asked: int = 0

    def claims(self, **changed: Any) -> dict[str, Any]:
        now = int(time.time())
        usual = {"iss": self.address, "aud": AUDIENCE, "sub": "alice", "exp": now + 600, "roles": ["score"]}
        return {name: value for name, value in (usual | changed).items() if value is not None}

    def token(self, signer: Signer, **changed: Any) -> str:
        return jwt.encode(self.claims(**changed), signer.private, signer.algorithm, headers={"kid": signer.key_id})


@contextmanager
def issuing(*signers: Signer) -> Iterator[IssuerServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            plain: Any = {"issuer": issuer.named or issuer.address, "jwks_uri": f"{issuer.address}/keys"}
            issuer.asked += self.path != "/keys"
            if self.path == "/keys":
                plain = {"keys": issuer.keys}
            content = json.dumps(plain).encode()
            self.send_response(503 if issuer.is_down else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = IssuerServer(f"http://127.0.0.1:{server.server_port}", [signer.public() for signer in signers])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
