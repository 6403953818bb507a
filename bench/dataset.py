#!/usr/bin/env python3
"""Measures datasets: what extracting, keeping and judging costs, beside judging the capture itself, in one run.

usage: bench/dataset.py [--counts 100000,1000000] [--parts N] [--binary PATH]

Captures as in bench/judge.py: packets of many clients, and a HAR of one client, who is one timeline and one bucket. For each it
prints the CPU and the peak of anonymous memory of: the capture analysed, extracted, the dataset linked, analysed (in rounds of a
million exchanges), and a group-by over it, judged and from its columns alone;
and how large the dataset is. With --parts, N captures of a million exchanges and other clients each go into one dataset, each
made, extracted and removed before the next. Nothing is asserted: it prints a table.
"""

import argparse, pathlib, shutil

from judge import har, packets
from measure import BINARY, SCRATCH, Run, analyze, generate

GROUP_BY = "SELECT route, outcome, COUNT(*) FROM exchanges GROUP BY route, outcome ORDER BY 3 DESC LIMIT 10"


def size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def extract(capture, dataset, binary, *options):
    return [binary, "extract", "-q", "--no-config", *options, capture, "-o", dataset]


def readers(dataset, binary):
    return {
        "link": [binary, "link", "-q", "-T", "csv", dataset],
        "analyze dataset": analyze(dataset, "--no-config", binary=binary),
        "query dataset": [binary, "query", "-q", "--no-config", dataset, GROUP_BY],
        "query --stored": [binary, "query", "-q", "--stored", "--no-config", dataset, GROUP_BY],
    }


def empty():
    dataset = SCRATCH / "facts"
    shutil.rmtree(dataset, ignore_errors=True)
    return dataset


def tell(name, count, step, runs, kept=""):
    """A row: CPU and wall of all `runs`, the highest peak of them."""
    cpu, wall, peak = sum(run.cpu for run in runs), sum(run.wall for run in runs), max(run.anonymous for run in runs)
    failed = [f"exit {run.code}" for run in runs if run.code not in (0, 3)]
    row = f"{name:22} {count:9} {step:16} {cpu:7.2f} {wall:7.2f} {1e6 * cpu / count:8.1f} {peak / 1e6:8.0f} {kept:>8}"
    print(row, *failed, flush=True)


def measure(name, capture, count, binary):
    dataset = empty()
    tell(name, count, "analyze capture", [Run(analyze(capture, "--no-config", binary=binary))])
    extracted = Run(extract(capture, dataset, binary))
    tell(name, count, "extract", [extracted], f"{size(dataset) / 1e6:.1f}")
    for step, command in readers(dataset, binary).items():
        tell(name, count, step, [Run(command)])


def measure_parts(number, binary):
    dataset, each, runs = empty(), 1_000_000, []
    # Without one, a dataset is keyed by its first captures and takes no others.
    key = SCRATCH / "fingerprints.key"
    key.write_text("of this benchmark")
    for seed in range(1, number + 1):
        capture, _ = generate("pcap", f"part-{seed}.pcap", mode="tiny", flows=each, seed=seed)
        runs.append(Run(extract(capture, dataset, binary, "--fingerprint-key", f"@{key}")))
        capture.unlink()
    name = f"packets, {number} captures"
    tell(name, number * each, "extract", runs, f"{size(dataset) / 1e6:.1f}")
    for step, command in readers(dataset, binary).items():
        tell(name, number * each, step, [Run(command)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", default="100000,1000000")
    parser.add_argument("--parts", type=int, default=0)
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    args = parser.parse_args()
    SCRATCH.mkdir(exist_ok=True)
    print(f"{'':22} {'exchanges':>9} {'step':16} {'CPU s':>7} {'wall s':>7} {'us each':>8} {'peak MB':>8} {'kept MB':>8}")
    for name, make in {"packets, many clients": packets, "HAR, one client": har}.items():
        for count in map(int, filter(None, args.counts.split(","))):
            measure(name, make(count), count, args.binary)
    if args.parts:
        measure_parts(args.parts, args.binary)


if __name__ == "__main__":
    main()
