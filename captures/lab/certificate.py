"""The certificate of a server of the lab, the appliance's or the remote's."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from cases.plan import Listener


def certificate(folder: Path, listener: Listener, name: str) -> ssl.SSLContext:
    """A throwaway key and certificate, made for this run and gone with it; with the version, and what clients are asked."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    words += [f"/CN={name}", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if listener.tls_version is not None:
        only = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[listener.tls_version]
        context.minimum_version = context.maximum_version = only
    if listener.tls_broken:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
