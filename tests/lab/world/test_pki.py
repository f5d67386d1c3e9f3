# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as strict and as lenient clients judge them, over real TLS connections."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gkelab.world import pki

ADDRESS = "198.18.0.2"


def handshake(folder: Path, authority: pki.Authority, address: str, *, strict: bool, client: bool = False) -> None:
    """Connect a client to a server with a certificate for ADDRESS, in memory; raises ssl.SSLError if either refuses."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(server_context, folder, "server", pki.issue_server(authority, "kube-apiserver", ["kubernetes"], [ADDRESS]))
    client_context = ssl.create_default_context(cadata=authority.pem)
    if strict:
        client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    else:
        client_context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if client:
        server_context.load_verify_locations(cadata=authority.pem)
        server_context.verify_mode = ssl.CERT_REQUIRED
        _load(client_context, folder, "client", pki.issue_client(authority, "admin", ["system:masters"]))
    _exchange(server_context, client_context, address)


def _load(context: ssl.SSLContext, folder: Path, name: str, pair: pki.KeyPair) -> None:
    pki.write_secret(folder / f"{name}.key", pair.key)
    (folder / f"{name}.crt").write_text(pair.certificate)
    context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")


def _exchange(server_context: ssl.SSLContext, client_context: ssl.SSLContext, address: str) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server, server_hostname=address)
    pending = [client, server]
    for _ in range(10):
        for side in list(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not pending


def test_strict_clients_accept(tmp_path: Path) -> None:
    handshake(tmp_path, pki.new_authority("ca"), ADDRESS, strict=True, client=True)


def test_strict_clients_refuse_a_legacy_authority(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="key usage extension"):
        handshake(tmp_path, pki.new_authority("ca", legacy=True), ADDRESS, strict=True)


def test_lenient_clients_accept_a_legacy_authority(tmp_path: Path) -> None:
    handshake(tmp_path, pki.new_authority("ca", legacy=True), ADDRESS, strict=False, client=True)


def test_another_address_is_refused_even_leniently(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        handshake(tmp_path, pki.new_authority("ca", legacy=True), "198.18.1.2", strict=False)


def test_client_names_and_groups() -> None:
    pair = pki.issue_client(pki.new_authority("ca"), "system:node:n", ["system:nodes"])
    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    assert certificate.subject.rfc4514_string() == "CN=system:node:n,O=system:nodes"
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]


@pytest.mark.parametrize("legacy", [False, True])
def test_an_authority_read_back_signs_the_same_way(legacy: bool) -> None:
    authority = pki.new_authority("ca", legacy=legacy)
    again = pki.load_authority(authority.pem, pki.private_pem(authority.key))
    pair = pki.issue_server(again, "kubelet", ["n"], [ADDRESS])
    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    certificate.verify_directly_issued_by(authority.certificate)


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ca.key"
    pki.write_secret(path, "one")
    pki.write_secret(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_mode & 0o777 == 0o600
