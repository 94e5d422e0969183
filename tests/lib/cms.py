"""usage: cms.py FILE CRL: puts a revocation list in PEM into the CMS SignedData FILE, in DER, where RFC 5652 5.1 has room for it."""
import base64
import sys


def length(n):
    if n < 128:
        return bytes([n])
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([128 + len(size)]) + size


def value(tag, content):
    return bytes([tag]) + length(len(content)) + content


def split(der):
    """The tag and content of each value in DER."""
    while der:
        size, head = der[1], 2
        if size >= 128:
            head += size - 128
            size = int.from_bytes(der[2:head], "big")
        yield der[0], der[head : head + size]
        der = der[head + size :]


path, crl = sys.argv[1:]
text = open(crl).read().split("-----")[2]
kind, content = split(next(split(open(path, "rb").read()))[1])
parts = list(split(next(split(content[1]))[1]))
at = [tag for tag, _ in parts].index(0xA0) + 1
parts.insert(at, (0xA1, base64.b64decode(text)))
signed = value(0x30, b"".join(value(*part) for part in parts))
open(path, "wb").write(value(0x30, value(*kind) + value(0xA0, signed)))
