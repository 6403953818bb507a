#!/usr/bin/env python3
"""Measures `authtrace analyze` on large packet captures against its peers in the same run, its threads and its memory.

usage: bench/pcap.py [--size 1GB] [--flows 1000000] [--rounds 5] [--only mix,tiny,elephant,memory] [--binary target/release/authtrace]

Needs a release build (`cargo build --release -p authtrace`), the workload generator beside the checkout, tcpdump, and disk for
the captures (4.5 GB at the default sizes) in the temporary directory. Rounds are interleaved, so that a busy machine slows
everybody alike. The yardstick is `tcpdump -r F -w /dev/null`, which reads every packet and understands none. tshark needs
minutes for a gigabyte, so it reads a small capture of the same kind, once, and its rate is compared. Other peers: Suricata
without rules (as packaged, and as a mere HTTP logger), tcpflow, httpry, ngrep; whoever is missing is named. Nothing is asserted:
it prints tables and says which aims were reached.
"""

import argparse, os, pathlib, subprocess, sys

from measure import BINARY, SCRATCH, Run, analyze, found, generate, median, memory, ratio, rounds, table
from programs import LEAN, clean, installed, packet_readers

OURS, ONE, TWO, YARD = "authtrace analyze", "authtrace, one thread", "authtrace, two threads", "tcpdump -w /dev/null"
# Aims: our CPU over tcpdump's, Suricata's CPU over ours, wall time of one thread over two; None where none is set.
WORKLOADS = {
    "mix": {"tcpdump": 3, "suricata": 9, "threads": 1.6, "peers": ("suricata", LEAN, "tcpflow", "httpry", "ngrep")},
    # tcpflow would write two million files.
    "tiny": {"tcpdump": 4, "suricata": None, "threads": None, "peers": ("suricata", LEAN, "httpry", "ngrep")},
    "elephant": {"tcpdump": 1.5, "suricata": None, "threads": None, "peers": ("suricata", LEAN, "tcpflow", "httpry", "ngrep")},
}


def peers(capture, names):
    """Commands of the peers that are here."""
    commands = packet_readers(capture)
    return {name: commands[name] for name in names if installed(commands[name][0])}


def threaded(capture, count, binary):
    """By the flag where this build has it, else by the CPUs that it may use."""
    if "--threads" in subprocess.run([binary, "analyze", "--help"], capture_output=True, text=True).stdout:
        return analyze(capture, "--threads", str(count), binary=binary)
    cpus = sorted(os.sched_getaffinity(0))[:count]
    return ["taskset", "-c", ",".join(map(str, cpus)), *analyze(capture, binary=binary)]


def verdict(what, value, aim, at_most=False):
    middle, least, most = value
    line = f"{what}: {middle:.2f}x (min {least:.2f}, max {most:.2f})"
    if aim is not None:
        word, reached = ("at most", middle <= aim) if at_most else ("at least", middle >= aim)
        line += f", aim {word} {aim:g}x: {'reached' if reached else 'NOT reached'}"
    print(line)


def race(name, capture, truth, options):
    size = capture.stat().st_size
    contenders = {OURS: analyze(capture, binary=options.binary), YARD: ["tcpdump", "-r", capture, "-w", "/dev/null"]}
    if len(os.sched_getaffinity(0)) >= 2:
        contenders |= {label: threaded(capture, count, options.binary) for label, count in ((ONE, 1), (TWO, 2))}
    contenders |= peers(capture, WORKLOADS[name]["peers"])
    subprocess.run(["cat", capture], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    results = rounds(contenders, options.rounds, before=clean)
    print(f"\n{name}: {size / 1e6:.0f} MB, {truth['requests']} requests in {truth['connections']} connections, "
          f"{options.rounds} interleaved rounds, medians")
    table(results, size)
    if OURS not in results or YARD not in results:
        print("nothing to compare")
        return
    ours, aims = results[OURS], WORKLOADS[name]
    verdict("our CPU against tcpdump's", ratio(results[YARD], ours, "cpu"), aims["tcpdump"], at_most=True)
    for peer in aims["peers"]:
        if peer in results:
            verdict(f"CPU of {peer} against ours", ratio(ours, results[peer], "cpu"), aims.get(peer))
    if name == "mix":
        against_tshark(size / median(ours, "cpu"), options)
    if ONE in results and TWO in results:
        verdict("wall of one thread against two", ratio(results[TWO], results[ONE], "wall"), aims["threads"])
    count = found(capture, options.binary)
    print(f"requests found: {count} of {truth['requests']}" + ("" if count == truth["requests"] else ": NOT exact, the speed does not count"))


def against_tshark(rate, options):
    """tshark's rate on a small capture of the same kind; the start-up (0.3 s) is part of it."""
    if not installed("tshark"):
        return
    small, truth = generate("pcap", f"mix-{options.tshark_size}.pcap", mode="mix", size=options.tshark_size)
    run = Run(packet_readers(small)["tshark"])
    if run.code:
        print(f"tshark: exit {run.code}, left out", file=sys.stderr)
        return
    theirs = small.stat().st_size / run.cpu
    print(f"tshark on {small.name} ({truth['requests']} requests): {run.cpu:.1f} CPU s, {theirs / 1e6:.2f} MB/CPU s, "
          f"{run.anonymous / 1e6:.0f} MB RssAnon")
    verdict("rate against tshark", (rate / theirs,) * 3, 200)


def slope(options):
    """Anonymous memory against the number of exchanges: many tiny connections, ten times as many."""
    points = []
    for flows in (options.flows // 10, options.flows):
        capture, truth = generate("pcap", f"tiny-{flows}.pcap", mode="tiny", flows=flows)
        run = Run(analyze(capture, binary=options.binary))
        if run.code:
            print(f"memory: authtrace ends with {run.code} on {capture.name}")
            return
        points.append((run.anonymous, truth["requests"]))
    (small, n_small), (large, n_large) = points
    print(f"\nmemory: {memory(small, large, n_small, n_large)}")
    for peak, count in points:
        aim = 96e6 + 256 * count
        word = "reached" if peak <= aim else "NOT reached"
        print(f"at {count} exchanges {peak / 1e6:.0f} MB, aim at most 96 MB + 256 B per exchange = {aim / 1e6:.0f} MB: {word}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1GB", help="of mix and elephant")
    parser.add_argument("--flows", type=int, default=1_000_000, help="of tiny")
    parser.add_argument("--tshark-size", default="50MB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="mix,tiny,elephant,memory")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit("no release build: cargo build --release -p authtrace")
    SCRATCH.mkdir(exist_ok=True)
    if not installed("tcpdump"):
        sys.exit("the yardstick is missing: apt-get install tcpdump")
    for name in options.only.split(","):
        if name == "memory":
            slope(options)
        elif name == "tiny":
            race(name, *generate("pcap", f"tiny-{options.flows}.pcap", mode="tiny", flows=options.flows), options)
        else:
            race(name, *generate("pcap", f"{name}-{options.size}.pcap", mode=name, size=options.size), options)
    clean()


if __name__ == "__main__":
    main()
