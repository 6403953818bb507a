#!/usr/bin/env python3
"""Compares the packets of each sample with the HAR of the same run and, run by ./record, with the servers' own log; and asserts
that expected.toml names every capture, and only routes that are in it.
usage: wire.py   (needs tshark: authtrace shall not be its own witness; prints a row a capture, exits 1 where they differ)"""
import gzip
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from types import SimpleNamespace

from check import CAPTURES, Har, claims, differences, holds, is_, log, on_the_wire, template

PORTS = (3000, 4100, 4101, 8000, 8001)
FIELDS = ("frame.number", "tcp.stream", "tcp.dstport", "http.request.method", "http.request.uri", "http.authorization",
          "http.cookie", "http.response.code")


def dissect(path) -> SimpleNamespace:
    """Frames, flows and exchanges as tshark sees them: the n-th answer of a connection belongs to its n-th request."""
    command = ["tshark", "-r", path, "-o", "tcp.reassemble_out_of_order:TRUE", "-T", "fields"]
    command += [word for port in PORTS for word in ("-d", f"tcp.port=={port},http")] + [word for name in FIELDS for word in ("-e", name)]
    lines = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    requests, statuses = defaultdict(list), defaultdict(list)
    rows = [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in lines]
    for row in rows:
        stream = row["tcp.stream"]
        if row["http.request.method"]:
            path = row["http.request.uri"].split("?")[0]
            requests[stream].append((row["http.request.method"], int(row["tcp.dstport"]), path, row["http.authorization"], bool(row["http.cookie"])))
        if row["http.response.code"]:
            statuses[stream].append(int(row["http.response.code"]))
    is_({s: len(v) for s, v in requests.items()}, {s: len(v) for s, v in statuses.items()}, "requests and answers of each connection")
    exchanges = Counter((method, port, path, status, sent, cookie) for stream in requests
                        for (method, port, path, sent, cookie), status in zip(requests[stream], statuses[stream]))
    return SimpleNamespace(frames=len(rows), flows=len({row["tcp.stream"] for row in rows}), exchanges=exchanges)


def synthetic(path) -> None:
    """Small, and nothing in it but what the lab made up."""
    raw = path.read_bytes()
    holds(len(raw) < 150_000, f"{len(raw)} bytes")
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("latin-1")
    is_(re.findall(r"/(?:tmp|home|root|work|usr)/\S{0,40}", text), [], "paths of the recording machine")
    for token in set(re.findall(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", text)):
        is_((claims(token)["sub"], claims(token)["jti"][:8]), ("user_lab0001", "lab-jti-"), "a token's subject")
    for kind, value in re.findall(r'"(refresh_token|ticket)":"([^"]*)"', text):
        holds(value.startswith("lab-"), f"a {kind} that is not marked as synthetic")


def short(rows: Counter) -> str:
    """How many, and of which method or kind."""
    kinds = Counter("script" if row[2].startswith("/js/") else row[0] for row in rows.elements())
    return " + ".join(f"{n} {kind}" for kind, n in sorted(kinds.items())) or "-"


def compare(path, expected) -> list[str]:
    """A row for each HAR of the same run."""
    sample = path.name.split(".")[0]
    synthetic(path)
    packets = dissect(path)
    routes = {template(f"{method} {place}") for method, _, place, *_ in packets.exchanges}
    named = expected["quiet"] + [f["route"] for f in expected["findings"]]
    is_([route for route in named if route not in routes], [], "routes of expected.toml that the capture lacks")
    served = log(sample)
    if served is not None:
        is_((packets.exchanges - served, served - packets.exchanges), (Counter(), Counter()), "only in the packets, only in the servers' log")
    out = []
    for har in [Har(file.name) for file in sorted(CAPTURES.glob("*.har")) if file.name.split(".")[0] == sample]:
        is_(differences(har, packets.exchanges), ([], []), f"only in the packets, only in {har.name}")
        seen = on_the_wire(har)
        unsent = len(har.rows) - seen.total()
        out.append(f"{path.name:23} {packets.frames:6} {packets.flows:5} {packets.exchanges.total():8}  {har.name:31} {len(har.rows):7} "
                   f"{unsent:6}  {short(packets.exchanges - seen):12} {short(seen - packets.exchanges):9} {statuses(packets.exchanges)}")
    holds(out, "no HAR of the same run")
    return out


def statuses(rows: Counter) -> str:
    count = Counter(row[3] for row in rows.elements())
    return " ".join(f"{status}×{n}" for status, n in sorted(count.items()))


def main() -> int:
    if not shutil.which("tshark"):
        print("wire.py: tshark is not here; the packets were not compared with the HARs")
        return 2
    print(f"{'packets':23} {'frames':>6} {'flows':>5} {'requests':>8}  {'HAR of the same run':31} {'entries':>7} {'unsent':>6}  "
          f"{'wire only':12} {'HAR only':9} statuses on the wire")
    expected = tomllib.loads((CAPTURES / "expected.toml").read_text())
    files = sorted(CAPTURES.glob("*.pcap*"))
    is_(sorted(name for name in expected if not name.endswith(".har")), [path.name for path in files], "packets of expected.toml")
    wrong = 0
    for path in files:
        try:
            print("\n".join(compare(path, expected[path.name])))
        except (AssertionError, ValueError, subprocess.CalledProcessError) as error:
            wrong += 1
            print(f"WRONG {path.name}: {type(error).__name__} {error}")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
