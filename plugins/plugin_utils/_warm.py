# SPDX-License-Identifier: GPL-3.0-or-later
"""What every worker would do for the first time, done once before Ansible forks them."""

from __future__ import annotations

import contextlib
import gc

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth, trust

# Where it is missing, so is google-auth's; the task will say so.
with contextlib.suppress(ImportError):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec


def warm() -> None:
    """Let OpenSSL set itself up, read the certificate authorities, and spare what is there from garbage collection.

    A worker that was forked before that needs 6 ms, 2.6 MiB and, for its first TLS connection, 28 ms more. One that
    looks for garbage among what it shares with its parent takes the same play a twentieth longer.
    """
    if not auth.MISSING:
        _use_openssl()
        with contextlib.suppress(MeshError):  # whoever connects will say so
            trust.context()
    gc.freeze()


def _use_openssl() -> None:
    # A throwaway key of the kind that is made fastest: its coming, going and signing are what a log-in needs.
    made = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = serialization.load_pem_private_key(made.private_bytes(serialization.Encoding.PEM, *form), None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        how = ec.ECDSA(hashes.SHA256())
        key.public_key().verify(key.sign(b"", how), b"", how)
