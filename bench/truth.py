#!/usr/bin/env python3
"""Compares what authtrace counts in generated captures with the truth that the generator writes beside them.

usage: bench/truth.py [--binary target/debug/authtrace] [--seeds 1..5] [--size 10MB]
                      [--modes har,mix,tiny,elephant,clean] [--formats pcap,pcapng] [--keep]

Seeds are numbers and ranges: 1,2,5..20. Needs the workload generator beside the checkout. Prints one row a file; exits 1 where a
number differs from the truth or a file could not be read. The captures are removed again unless --keep is given or they differ.
Keep elephant small: its one user refreshes once every few hundred requests, and the generator never calls that a storm.
"""

import argparse, collections, json, pathlib, subprocess, sys

from measure import ROOT, SCRATCH, generate

# What one connection of tiny weighs, to give it as many flows as make the size.
TINY_FLOW = 2530


def lines(binary, verb, path, *options):
    """What a verb prints. An exit code that stands for no answer is an error with the program's own words."""
    done = subprocess.run([binary, *verb, *options, path], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{verb[0]} ends with {done.returncode}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")
    return done.stdout


def counts(binary, path, *options):
    """What authtrace says, under the names of the truth; `options` go to every verb."""
    exchanges = [json.loads(line) for line in lines(binary, ["exchanges", "-T", "jsonl"], path, *options).splitlines()]
    findings = json.loads(lines(binary, ["analyze", "-T", "json", "--exit-zero"], path, *options))["findings"]
    carries = lambda x: any(c["carrier"] == "request.header.authorization" for c in x["credentials"])
    of = lambda *codes: [f for f in findings if f["code"] in codes]
    missing = {exchange for finding in of("AUTH001", "AUTH002", "AUTH003") for exchange in whole(finding)}
    refreshes = [x for x in exchanges if x["role"] == "refresh"]
    return {
        "requests": len(exchanges),
        "requests_without_response": sum(x["status"] is None for x in exchanges),
        "statuses": dict(collections.Counter(str(x["status"]) for x in exchanges if x["status"] is not None)),
        "methods": dict(collections.Counter(x["method"] for x in exchanges)),
        "bearer_requests": sum(map(carries, exchanges)),
        "missing_auth_header": len(missing),
        "refresh_attempts": len(refreshes),
        "refresh_failed": sum(x["outcome"] == "refused" for x in refreshes),
        "storms": len({f["session"] for f in of("AUTH041", "AUTH042")}),
    }


def whole(finding):
    """The exchanges of a finding; its list is cut at 100, and then nothing can be counted from it."""
    if finding["exchanges_count"] > len(finding["exchanges"]):
        raise RuntimeError(f"{finding['code']} lists only some of its {finding['exchanges_count']} exchanges: take a smaller --size")
    return finding["exchanges"]


def captures(mode, seed, options):
    """File name and generator options of one mode and seed, in every format that it has."""
    if mode == "har":
        yield "har", f"truth-har-{options.size}-{seed}.har", {"size": options.size}
        return
    shape = {"mode": "mix", "clean": True} if mode == "clean" else {"mode": mode}
    extent = {"flows": max(1, bytes_of(options.size) // TINY_FLOW)} if mode == "tiny" else {"size": options.size}
    for suffix in options.formats.split(","):
        yield "pcap", f"truth-{mode}-{options.size}-{seed}.{suffix}", shape | extent


def bytes_of(size):
    for suffix, unit in (("GB", 10**9), ("MB", 10**6), ("KB", 10**3)):
        if size.upper().endswith(suffix):
            return int(float(size[:-2]) * unit)
    return int(size)


def seeds(text):
    """1,2,5..7 → 1, 2, 5, 6, 7."""
    for part in text.split(","):
        first, _, last = part.partition("..")
        yield from range(int(first), int(last or first) + 1)


def check(kind, name, seed, shape, options):
    """Prints the row of one file; whether all is as the truth says."""
    path, truth = generate(kind, name, seed=seed, **shape)
    try:
        found = counts(options.binary, path)
        expected = {key: truth.get(key, 0) for key in found}
        differing = {key: f"{value}, truth {expected[key]}" for key, value in found.items() if value != expected[key]}
        summary = (f"{found['requests']} requests, {found['requests_without_response']} unanswered, {found['bearer_requests']} with and "
                   f"{found['missing_auth_header']} without the header, {found['refresh_attempts']} refreshes, {found['storms']} storms")
        verdict = "as the truth says" if not differing else "DIFFERS: " + "; ".join(f"{key} {text}" for key, text in differing.items())
        right = not differing
    except (RuntimeError, KeyError, json.JSONDecodeError) as error:
        summary, verdict, right = "no answer", f"{type(error).__name__}: {error}", False
    print(f"{name:36} {summary}: {verdict}", flush=True)
    if right and not options.keep:
        path.unlink()
        pathlib.Path(f"{path}.truth.json").unlink()
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/debug/authtrace")
    parser.add_argument("--seeds", default="1..5")
    parser.add_argument("--size", default="10MB")
    parser.add_argument("--modes", default="har,mix,tiny,elephant,clean")
    parser.add_argument("--formats", default="pcap,pcapng")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    SCRATCH.mkdir(exist_ok=True)
    wanted = [(mode, seed) for mode in options.modes.split(",") for seed in seeds(options.seeds)]
    files = [(kind, name, seed, shape) for mode, seed in wanted for kind, name, shape in captures(mode, seed, options)]
    right = sum(check(*file, options) for file in files)
    print(f"{right} of {len(files)} files as the truth says")
    sys.exit(0 if right == len(files) else 1)


if __name__ == "__main__":
    main()
