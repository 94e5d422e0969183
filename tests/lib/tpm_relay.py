#!/usr/bin/env python3
"""Stands between a program and swtpm, and goes away in the middle, as a TPM does that is pulled out or killed.

    tpm_relay.py TO FROM COUNT     FROM and FROM.ctrl lead to the sockets TO and TO.ctrl; command number COUNT is
                                   not answered any more: the relay ends

Each command of a TPM is one write, and its answer is read before the next.
"""
import os
import socket
import sys
import threading

to, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
left = [count]


def listener(path):
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen(4)
    return s


def copy(source, target, counted):
    while data := source.recv(65536):
        if counted:
            left[0] -= 1
            if left[0] == 0:
                os._exit(0)
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def serve(s, path, counted):
    while True:
        client, _ = s.accept()
        tpm = socket.socket(socket.AF_UNIX)
        tpm.connect(path)
        threading.Thread(target=copy, args=(client, tpm, counted), daemon=True).start()
        threading.Thread(target=copy, args=(tpm, client, False), daemon=True).start()


control = listener(name + ".ctrl")
commands = listener(name)
threading.Thread(target=serve, args=(control, to + ".ctrl", False), daemon=True).start()
serve(commands, to, True)
