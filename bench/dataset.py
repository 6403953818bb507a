#!/usr/bin/env python3
"""Measures datasets: what extracting, keeping and judging costs, beside judging the capture itself, in one run.

usage: bench/dataset.py [--counts 100000,1000000] [--binary PATH]

Captures as in bench/judge.py: packets of many clients, and a HAR of one client, who is one timeline and one bucket. For each it
prints the CPU and the peak of anonymous memory of: the capture analysed, extracted, the dataset analysed, and a group-by over it, judged and from its columns alone;
and how large the dataset is. Nothing is asserted: it prints a table.
"""

import argparse, pathlib, shutil

from judge import har, packets
from measure import BINARY, SCRATCH, Run, analyze

GROUP_BY = "SELECT route, outcome, COUNT(*) FROM exchanges GROUP BY route, outcome ORDER BY 3 DESC LIMIT 10"


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def measure(name, capture, count, binary):
    dataset = SCRATCH / "facts"
    shutil.rmtree(dataset, ignore_errors=True)
    quiet = ["--no-config"]
    steps = {
        "analyze capture": analyze(capture, *quiet, binary=binary),
        "extract": [binary, "extract", "-q", *quiet, capture, "-o", dataset],
        "analyze dataset": analyze(dataset, *quiet, binary=binary),
        "query dataset": [binary, "query", "-q", *quiet, dataset, GROUP_BY],
        "query --stored": [binary, "query", "-q", "--stored", *quiet, dataset, GROUP_BY],
    }
    for step, command in steps.items():
        run = Run(command)
        kept = f"{size(dataset) / 1e6:8.1f}" if step == "extract" else ""
        print(
            f"{name:22} {count:9} {step:16} {run.cpu:7.2f} {run.wall:7.2f} {1e6 * run.cpu / count:8.1f}"
            f" {run.anonymous / 1e6:8.0f} {kept:>8} {'' if run.code in (0, 3) else f'exit {run.code}'}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="100000,1000000")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    args = parser.parse_args()
    SCRATCH.mkdir(exist_ok=True)
    print(f"{'':22} {'exchanges':>9} {'step':16} {'CPU s':>7} {'wall s':>7} {'us each':>8} {'peak MB':>8} {'kept MB':>8}")
    for name, make in {"packets, many clients": packets, "HAR, one client": har}.items():
        for count in map(int, args.counts.split(",")):
            measure(name, make(count), count, args.binary)


if __name__ == "__main__":
    main()
