#!/usr/bin/env python3
"""Measures `authtrace analyze` on a large HAR against its peers in the same run, its memory, and its start-up.

usage: bench/har.py [--size 1GB] [--rounds 5] [--har FILE] [--binary target/release/authtrace]

Needs a release build (`cargo build --release -p authtrace`) and either --har or the workload generator beside the checkout.
Peers are what is there: pysimdjson (in a scratch virtual environment), python's json, wc. Rounds are interleaved, so that a
busy machine slows everybody alike; ratios are medians over rounds of the same run. Nothing is asserted: it prints a table.
"""

import argparse, pathlib, statistics, sys

from measure import BINARY, SCRATCH, Run, analyze, found, generate, median, memory, ratio, rounds, table
from programs import python_with

OURS, PYTHON = "authtrace analyze", "python json, bare parse"


def capture(size):
    return generate("har", f"{size}.har", size=size)[0]


def contenders(har, binary):
    there = {OURS: analyze(har, binary=binary), "wc -l": ["wc", "-l", har]}
    if python := python_with("pysimdjson"):
        there["pysimdjson, bare parse"] = [python, "-c", "import simdjson,sys; simdjson.Parser().load(sys.argv[1])", har]
    there[PYTHON] = [sys.executable, "-c", "import json,sys; json.load(open(sys.argv[1]))", har]
    return there


def race(har, count, binary):
    size = har.stat().st_size
    results = rounds(contenders(har, binary), count, once=[PYTHON])
    print(f"\n{har.name}: {size / 1e6:.0f} MB, {count} interleaved rounds, medians")
    table(results, size)
    if OURS not in results:
        sys.exit("authtrace failed; nothing to compare")
    for name in results:
        if name != OURS:
            middle, least, most = ratio(results[OURS], results[name], "wall")
            print(f"speed against {name}: {middle:.2f}x (min {least:.2f}, max {most:.2f})")
    return median(results[OURS], "anonymous")


def slope(har, large, binary):
    """Memory against a capture of 200 MB; says nothing where the large one is hardly larger."""
    small_har = capture("200MB")
    n_small, n_large = found(small_har, binary), found(har, binary)
    if n_large > 2 * n_small:
        small = Run(analyze(small_har, binary=binary)).anonymous
        print(f"\nmemory: {memory(small, large, n_small, n_large)} (limit 256 MB; aim 96 MB + 256 B per exchange)")


def start_up(binary):
    empty = SCRATCH / "empty.har"
    empty.write_text('{"log":{"version":"1.2","creator":{"name":"bench","version":"1"},"entries":[]}}')
    quick = [1000 * Run([binary, "analyze", "--exit-zero", empty]).wall for _ in range(30)]
    print(f"\nstart-up on an empty HAR: median {statistics.median(quick):.1f} ms, worst of 30 {max(quick):.1f} ms (limit 30 ms)")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="1GB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--har", type=pathlib.Path)
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit("no release build: cargo build --release -p authtrace")
    SCRATCH.mkdir(exist_ok=True)
    har = options.har or capture(options.size)
    large = race(har, options.rounds, options.binary)
    if not options.har:
        slope(har, large, options.binary)
    start_up(options.binary)


if __name__ == "__main__":
    main()
