#!/usr/bin/env python3
"""Records the TLS captures of this folder: openssl s_client talks to openssl s_server over loopback, tcpdump listens.

Needs openssl 3 and tcpdump, and the right to capture on loopback. Every run makes new keys, so every file changes.
What the two say is the same in all of them (see README.md); what differs is how it is protected.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PORT = 14433


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, **more)


def certificate(folder, name, *key):
    openssl("req", "-x509", "-newkey", *key, "-nodes", "-subj", f"/CN={name}", "-days", "3650",
            "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt")


def openssl_listens():
    sockets = [line.split() for path in ("/proc/net/tcp", "/proc/net/tcp6") for line in open(path)]
    return any(socket[1].endswith(f":{PORT:04X}") and socket[3] == "0A" for socket in sockets[1:])


class Ends:
    """A server and the clients that call it, one after the other."""

    def __init__(self, folder, name, server):
        self.folder, self.name = folder, name
        self.server_arguments = server
        keys = HERE / f"{name}.keys"
        keys.unlink(missing_ok=True)
        self.keys = keys
        self.capture = subprocess.Popen(
            ["tcpdump", "-i", "lo", "-U", "-w", HERE / f"{name}.pcap", f"tcp port {PORT}"],
            stderr=subprocess.DEVNULL)
        time.sleep(1)
        self.serve()

    def serve(self):
        self.server = subprocess.Popen(
            ["openssl", "s_server", "-accept", str(PORT), "-crlf", "-cipher", "ALL:@SECLEVEL=0", *self.server_arguments],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            if openssl_listens():
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.name}: the server does not start")

    def restart(self):
        """A new server knows no sessions of the old one."""
        self.server.kill()
        self.server.wait()
        self.serve()

    def call(self, *client, steps=(), early=None):
        arguments = ["openssl", "s_client", "-connect", f"127.0.0.1:{PORT}", "-servername", "api.example", "-crlf",
                     "-keylogfile", self.keys, *client]
        if early:
            path = self.folder / "early"
            path.write_bytes(early.encode())
            arguments += ["-early_data", path]
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        time.sleep(1)
        for who, text in steps:
            end = process if who == "client" else self.server
            end.stdin.write(text.encode())
            end.stdin.flush()
            time.sleep(0.3)
        process.stdin.write(b"Q\n")
        process.stdin.close()
        process.wait()
        time.sleep(0.3)

    def done(self):
        self.server.kill()
        self.server.wait()
        time.sleep(0.5)
        self.capture.terminate()
        self.capture.wait()


def asks(path):
    return ("client", f"GET {path} HTTP/1.1\nHost: api.example\nAuthorization: Bearer t-{path[1:]}\n\n")


def answers(status):
    return ("server", f"HTTP/1.1 {status} Status\nContent-Length: 3\n\n{status}")


TALK = (asks("/one"), answers(200), asks("/two"), answers(401))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate(folder, "rsa", "rsa:2048")
        certificate(folder, "ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        certificate(folder, "client", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        rsa = ["-cert", folder / "rsa.crt", "-key", folder / "rsa.key"]
        ec = ["-cert", folder / "ec.crt", "-key", folder / "ec.key"]

        def simple(name, server, client, steps=TALK):
            ends = Ends(folder, name, server)
            ends.call(*client, steps=steps)
            ends.done()

        simple("tls10-cbc", rsa, ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0", "-no_etm"])
        simple("tls11-cbc-etm", rsa, ["-tls1_1", "-cipher", "AES256-SHA:@SECLEVEL=0"])
        simple("tls12-cbc", ec, ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384", "-no_etm"])
        simple("tls12-cbc-etm", ec, ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"])
        simple("tls12-ccm", ec, ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM"])
        simple("tls12-ccm8", ec, ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-CCM8"])
        simple("tls12-chacha", ec, ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"])
        simple("tls12-renegotiation", [*ec, "-client_renegotiation"], ["-tls1_2"],
               (*TALK[:2], ("client", "R\n"), *TALK[2:]))
        simple("tls13-gcm256-client-certificate", [*ec, "-Verify", "1", "-verify_return_error",
                                                   "-CAfile", folder / "client.crt"],
               ["-tls1_3", "-cert", folder / "client.crt", "-key", folder / "client.key"])
        simple("tls13-chacha-retry", [*ec, "-groups", "P-384"],
               ["-tls1_3", "-groups", "X25519:P-384", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"])
        simple("tls13-ccm", [*ec, "-ciphersuites", "TLS_AES_128_CCM_SHA256"],
               ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"])
        simple("tls13-ccm8", [*ec, "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"],
               ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"])
        simple("tls13-key-update", ec, ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
               (*TALK[:2], ("client", "K\n"), *TALK[2:], ("client", "k\n"), asks("/three"), answers(403)))

        session = folder / "session"
        for name, more in ("tls12-session-ticket", []), ("tls12-session-id", ["-no_ticket"]):
            ends = Ends(folder, name, [*rsa, *more])
            client = ["-tls1_2", "-cipher", "AES128-GCM-SHA256", *more]
            ends.call(*client, "-sess_out", session, steps=TALK[:2])
            ends.call(*client, "-sess_in", session, steps=TALK[2:])
            ends.done()

        for name, restarted in ("tls13-early-data", False), ("tls13-early-data-refused", True):
            ends = Ends(folder, name, [*ec, "-early_data", "-no_anti_replay"])
            ends.call("-tls1_3", "-sess_out", session, steps=TALK[:2])
            if restarted:
                ends.restart()
            early = TALK[2][1].replace("\n", "\r\n")
            steps = TALK[2:] if restarted else TALK[3:]
            ends.call("-tls1_3", "-sess_in", session, early=early, steps=steps)
            ends.done()


if __name__ == "__main__":
    sys.exit(main())
