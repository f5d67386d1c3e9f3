# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom TLS connections to Google trust: one context with the certificate authorities, shared by all connections.

Reading the authorities takes 28 ms, and requests does it for every host that it connects to. Read once before Ansible
forks, they are there for all workers.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

# Where it is missing, auth.login has said so by the time it is needed: google-auth's own transport needs it too.
try:
    import certifi
    from requests.adapters import HTTPAdapter
    from urllib3.util.ssl_ import create_urllib3_context
except ImportError:
    HTTPAdapter = object  # type: ignore[assignment,misc]

_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CONTEXTS: dict[str, Any] = {}


class SharedTrust(HTTPAdapter):
    """requests' adapter, over the shared context; every certificate is verified against it."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Connections that go straight to their host."""
        super().init_poolmanager(*args, **options, ssl_context=context())

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Connections through a proxy."""
        return super().proxy_manager_for(proxy, **options, ssl_context=context())

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """Tell the pool to verify, but no file to read authorities from: the context has them."""
        return super().build_connection_pool_key_attributes(request, True, cert)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Likewise for a single connection."""
        conn.cert_reqs = "CERT_REQUIRED"


def context() -> Any:
    """An ``ssl.SSLContext`` with the authorities that this environment names, by default those of certifi.

    Raises:
        MeshError: they cannot be read.
    """
    bundle = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "") or certifi.where()
    if bundle not in _CONTEXTS:
        made = create_urllib3_context()
        try:
            if os.path.isdir(bundle):
                made.load_verify_locations(capath=bundle)
            else:
                made.load_verify_locations(bundle)
        except OSError as error:  # ssl.SSLError is one
            raise MeshError(
                "read", f"the certificate authorities in {bundle}", error.strerror or str(error),
                f"Check {' and '.join(_VARIABLES)}.",
            ) from error  # fmt: skip
        _CONTEXTS[bundle] = made
    return _CONTEXTS[bundle]
