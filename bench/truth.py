#!/usr/bin/env python3
"""Compares what authtrace counts in generated HARs with the truth that the generator writes beside them.

usage: bench/truth.py [--binary target/debug/authtrace] [--seeds 1,2,3,4,5] [--size 10MB]

Needs the workload generator beside the checkout. Prints one row a seed; exits 1 where a number differs.
"""

import argparse, collections, json, pathlib, subprocess, sys

import har


def rows(binary, path):
    out = subprocess.run([binary, "exchanges", "-T", "jsonl", path], capture_output=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def counts(binary, path):
    exchanges = rows(binary, path)
    analysis = json.loads(subprocess.run([binary, "analyze", "-T", "json", "--exit-zero", path], capture_output=True, check=True).stdout)
    findings = analysis["findings"]
    carries = lambda x: any(c["carrier"] == "request.header.authorization" for c in x["credentials"])
    of = lambda *codes: [f for f in findings if f["code"] in codes]
    missing = {}
    for finding in of("AUTH001", "AUTH002", "AUTH003"):
        missing.update(dict.fromkeys(finding["exchanges"]))
    refreshes = [x for x in exchanges if x["role"] == "refresh"]
    return {
        "requests": len(exchanges),
        "statuses": dict(collections.Counter(str(x["status"]) for x in exchanges)),
        "bearer_requests": sum(map(carries, exchanges)),
        "missing_auth_header": len(missing),
        "refresh_attempts": len(refreshes),
        "refresh_failed": sum(x["outcome"] == "refused" for x in refreshes),
        "storms": len({f["session"] for f in of("AUTH041", "AUTH042")}),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, default=har.ROOT / "target/debug/authtrace")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--size", default="10MB")
    options = parser.parse_args()
    har.SCRATCH.mkdir(exist_ok=True)
    tool = har.generator() or sys.exit("no generator beside the checkout")
    wrong = 0
    for seed in options.seeds.split(","):
        path = har.SCRATCH / f"truth-{seed}.har"
        subprocess.run([tool, "har", "--size", options.size, "--seed", seed, "--out", path], check=True, stderr=subprocess.DEVNULL)
        truth = json.loads(pathlib.Path(f"{path}.truth.json").read_text())
        found = counts(options.binary, path)
        differing = {key: (value, truth[key]) for key, value in found.items() if value != truth[key]}
        wrong += bool(differing)
        print(f"seed {seed}: {found['requests']} requests, {found['storms']} storms, {found['missing_auth_header']} without the header: "
              + ("as the truth says" if not differing else f"found, truth: {differing}"))
    sys.exit(1 if wrong else 0)


main()
