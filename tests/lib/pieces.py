#!/usr/bin/env python3
"""Looks for secrets in what was sent.

    pieces.py SENT <SECRETS     prints each line of SECRETS of which 8 bytes in a row stand in the file SENT

A secret is text, or hex: and digits.  It is looked for as it is, as hexadecimal, and in whatever base64 decodes to, also
base64 in base64, at each of its four phases.  Ends with 1 if one is found.
"""
import base64
import re
import sys

SIZE = 8


def decoded(data):
    for run in re.findall(rb"[A-Za-z0-9+/_-]{11,}", data):
        run = run.translate(bytes.maketrans(b"-_", b"+/"))
        for phase in range(4):
            text = run[phase:]
            yield base64.b64decode(text[: len(text) // 4 * 4])


sent = [open(sys.argv[1], "rb").read()]
for _ in range(2):
    sent += [b"\n".join(decoded(b"\n".join(sent[-1:])))]
every = b"\n".join(sent)
seen = {every[i : i + SIZE] for i in range(len(every) - SIZE + 1)}
found = False
for line in sys.stdin.read().splitlines():
    secret = bytes.fromhex(line[4:]) if line.startswith("hex:") else line.encode()
    if len(secret) < SIZE:
        sys.exit(f"{line}: shorter than {SIZE} bytes")
    for form in (secret, secret.hex().encode()):
        if any(form[i : i + SIZE] in seen for i in range(len(form) - SIZE + 1)):
            print(line)
            found = True
            break
sys.exit(found)
