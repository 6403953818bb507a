#!/usr/bin/env python3
"""Compares authtrace with tshark on decrypted HTTP/2 from real servers: what each finds against the server's log, and CPU time.

usage: bench/h2.py [--users 30] [--requests 170] [--rounds 5] [--binary target/release/authtrace]

Needs a release build, root (a private network namespace), nginx, curl with HTTP/2, openssl, tcpdump and tshark, and the
workload generator beside the checkout. Both programs get the same packets and the same key log; tshark prints the columns that
authtrace's timeline shows. Nothing is asserted: it prints tables.
"""

import argparse, json, pathlib, shutil, subprocess, sys

from measure import BINARY, ROOT, SCRATCH, analyze, median, ratio, rounds, table
from truth import counts

OURS, THEIRS = "authtrace analyze", "tshark"
AIM = 100
FIELDS = ("http2.streamid", "http2.headers.method", "http2.headers.path", "http2.headers.status", "http2.headers.authorization")


def capture(users, requests):
    """Packets, key log and truth of real servers, recorded once."""
    out = SCRATCH / f"h2-{users}x{requests}"
    if not (out / "h2.pcap.truth.json").exists():
        script = ROOT.parent / "shared/bench/gen/gen_h2.sh"
        missing = [tool for tool in ("nginx", "curl", "openssl", "tcpdump") if not shutil.which(tool)]
        if missing or not script.exists():
            sys.exit(f"cannot record: {', '.join(missing) or script} is missing")
        subprocess.run(["bash", script, out, str(users), str(requests)], check=True, stdout=subprocess.DEVNULL)
    return out / "h2.pcap", out / "h2.keys", json.loads((out / "h2.pcap.truth.json").read_text())


def tshark(packets, keys):
    fields = [word for field in FIELDS for word in ("-e", field)]
    return ["tshark", "-r", packets, "-o", f"tls.keylog_file:{keys}", "-Y", "http2.headers", "-T", "fields", *fields]


def compare(packets, keys, truth, binary):
    """A row for each number of the truth: the server's, ours."""
    ours = counts(binary, packets, "--keylog", keys)
    print(f"{'':22} {'server log':>28} {'authtrace':>28}")
    for name in ("requests", "statuses", "bearer_requests", "missing_auth_header", "refresh_attempts"):
        word = "" if ours[name] == truth[name] else "  DIFFERS"
        print(f"{name:22} {str(truth[name]):>28} {str(ours[name]):>28}{word}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=30)
    parser.add_argument("--requests", type=int, default=170)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit("no release build: cargo build --release -p authtrace")
    SCRATCH.mkdir(exist_ok=True)
    packets, keys, truth = capture(options.users, options.requests)
    compare(packets, keys, truth, options.binary)

    contenders = {OURS: analyze(packets, "--keylog", keys, binary=options.binary)}
    if shutil.which("tshark"):
        contenders[THEIRS] = tshark(packets, keys)
    results = rounds(contenders, options.rounds)
    size = packets.stat().st_size
    print(f"\n{size / 1e6:.0f} MB of TLS 1.3, {options.rounds} interleaved rounds, medians")
    table(results, size)
    if THEIRS in results:
        middle, least, most = ratio(results[OURS], results[THEIRS], "cpu")
        word = "reached" if middle >= AIM else "NOT reached"
        print(f"CPU of tshark against ours: {middle:.0f}x (min {least:.0f}, max {most:.0f}), aim at least {AIM}x: {word}")


if __name__ == "__main__":
    main()
