#!/usr/bin/env python3
"""Signs claims as a device or an authority would that does what it likes.

    jws.py KEY.pem HEADER <CLAIMS     a compact JWS (ES256) over the bytes of CLAIMS

HEADER is a JSON object whose members stand in the header, over alg and kid; null leaves one out, and "jwk": true puts
the public key there.  Signing is done by openssl, so it needs no module.
"""
import base64
import hashlib
import json
import subprocess
import sys


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*words, given=b""):
    return subprocess.run(["openssl", *words], input=given, capture_output=True, check=True).stdout


def number(der, at):
    """The INTEGER at AT, as 32 bytes; and where the next one begins."""
    size = der[at + 1]
    return der[at + 2 : at + 2 + size].lstrip(b"\0").rjust(32, b"\0"), at + 2 + size


key, header = sys.argv[1], json.loads(sys.argv[2])
point = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")[-64:]
jwk = {"crv": "P-256", "kty": "EC", "x": text(point[:32]), "y": text(point[32:])}
kid = text(hashlib.sha256(json.dumps(jwk, separators=(",", ":")).encode()).digest())
if header.get("jwk") is True:
    header["jwk"] = jwk
header = {name: value for name, value in {"alg": "ES256", "kid": kid, **header}.items() if value is not None}
signed = text(json.dumps(header, separators=(",", ":")).encode()) + "." + text(sys.stdin.buffer.read())
der = openssl("dgst", "-sha256", "-sign", key, given=signed.encode())
r, after = number(der, 2)
s, _ = number(der, after)
print(signed + "." + text(r + s))
