#!/usr/bin/env python3
"""Compares authtrace with other programs in one run: on packets, on HARs, and by the cause that each names in `captures/`.

usage: bench/peers.py [--size-mb 50] [--rounds 3] [--markdown] [--binary target/release/authtrace]

Needs a release build and the workload generator beside the checkout. What is missing is installed where that can be: Debian's
packages as root, Python's and cargo's in the scratch directory. A program that cannot be had is a row that says why. CPU is user
and system time, which a busy machine disturbs least; rounds are interleaved. Nothing is asserted: it prints tables, or with
--markdown the page docs/peers.md.
"""

import argparse, collections, dataclasses, datetime, json, mmap, os, pathlib, platform, re, subprocess, sys

import causes
from measure import BINARY, SCRATCH, analyze, found, generate, median, rounds
from programs import LEAN, OUT, REORDER, apt, cargo, clean, first_line, packet_readers, python_with, version

OURS = "authtrace"
REQUEST = re.compile(rb"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S+ HTTP/1\.[01]")
RESPONSE = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
UNPACKAGED = "no package of Debian, cargo, pip or npm"
# What a judging program does on a healthy sample.
QUIET, ALARM = "nothing", "findings, exit 1"
# Programs that are named beside authtrace and have no row of figures: what they are, and why not.
ABSENT = {
    "Zeek": ("HTTP log from packets", UNPACKAGED),
    "httpdump": ("HTTP pairs from packets", UNPACKAGED),
    "Kubeshark": ("HTTP inside a cluster", "reads no packet file"),
    "harrier": ("HAR: authentication methods, sessions, flows", UNPACKAGED),
    "gori": ("intercepting proxy that reads HARs", f"{UNPACKAGED}; its rules look for attacks"),
    "replin-inspect, authlint": ("HAR and token rules", "web pages: no program to run"),
    "HARlens": ("HAR: sign-in flows", "a web page whose verdict is a language model's"),
    "SAML-tracer": ("SAML messages", "a browser extension, and it names no cause"),
    "Burp Suite, ZAP": ("scanners", "they test a running server; neither says why a recorded call was refused"),
}
MITMPROXY = """
seen = 0
def response(flow):
    global seen
    seen += 1
def done():
    print(seen)
"""


@dataclasses.dataclass
class Peer:
    """One program of a table: what it does, how it is called, how to count what it found; or why it is not here.

    `lister` prints what was found where the command that is measured does not.
    """

    does: str
    command: list = None
    count: object = None
    version: str = ""
    missing: str = None
    lister: list = None


# What each program found in packets: requests, responses, responses with 401.


def heads():
    """Heads in whatever was written to OUT."""
    tally = collections.Counter()
    for path in filter(lambda path: path.stat().st_size, OUT.iterdir()):
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            tally["requests"] += sum(1 for _ in REQUEST.finditer(text))
            tally.update(answered(match[1].decode() for match in RESPONSE.finditer(text)))
    return tally


def answered(statuses):
    statuses = list(statuses)
    return {"responses": len(statuses), "401": statuses.count("401")}


def eve():
    """Suricata's log: an event is a request with its response."""
    events = (json.loads(line) for line in open(OUT / "eve.json") if '"event_type":"http"' in line)
    logged = [event["http"] for event in events]
    statuses = answered(str(http["status"]) for http in logged if "status" in http)
    return {"requests": sum("http_method" in http for http in logged)} | statuses


def httpry_log():
    rows = [line.split("\t") for line in open(OUT / "stdout", errors="replace") if line.count("\t") >= 9]
    return {"requests": sum(row[3] == ">" for row in rows)} | answered(row[8] for row in rows if row[3] == "<")


def tshark_fields():
    """A column for methods and one for statuses; several in a frame stand in one cell."""
    rows = [line.rstrip("\n").split("\t") for line in open(OUT / "stdout", errors="replace")]
    cells = lambda column: [word for row in rows for word in row[column].split(",") if word]
    return {"requests": len(cells(0))} | answered(cells(1))


def exchanges():
    rows = [json.loads(line) for line in open(OUT / "stdout")]
    return {"requests": len(rows)} | answered(str(row["status"]) for row in rows if row["status"] is not None)


def ours_version(binary):
    return first_line([binary, "--version"]).split()[-1]


def tally(peer):
    """Runs a program once more, to read what it found."""
    clean()
    with open(OUT / "stdout", "wb") as out:
        subprocess.run(peer.lister or peer.command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
    return peer.count()


def packet_peers(capture, binary):
    commands = packet_readers(capture)
    described = {
        "suricata": ("HTTP log, as packaged, without rules", eve),
        LEAN: ("HTTP log, all else off", eve),
        "tcpflow": ("streams into files, no HTTP", heads),
        "httpry": ("a log line for each head, packet by packet", httpry_log),
        "ngrep": ("packets whose text matches", heads),
        "tshark": ("every protocol", tshark_fields),
        REORDER: ("the same, TCP put in order", tshark_fields),
    }
    peers = {
        OURS: Peer("judges authentication", analyze(capture, binary=binary), exchanges, ours_version(binary),
                   lister=[binary, "exchanges", "-T", "jsonl", capture]),
        "tcpdump": Peer("copies packets, understands none", ["tcpdump", "-r", capture, "-w", "/dev/null"]),
    } | {name: Peer(does, commands[name], count) for name, (does, count) in described.items()}
    for name, peer in peers.items():
        if name != OURS:
            program = peer.command[0]
            peer.missing = apt(program, program)
            peer.version = peer.missing or version(program, program)
    return peers


def packets(options):
    capture, truth = generate("pcap", f"mix-{options.size_mb}MB.pcap", mode="mix", size=f"{options.size_mb}MB")
    calm, calm_truth = generate("pcap", "clean-10MB.pcap", mode="mix", size="10MB", clean=True)
    peers, calm_peers = packet_peers(capture, options.binary), packet_peers(calm, options.binary)
    results = race(peers, capture, options, once=("tshark", REORDER))
    columns = [*FIGURES, *expected(truth), "against the truth", "without loss and reordering"]
    rows = []
    for name, peer in peers.items():
        row = figures(name, peer, results, capture)
        if name in results and peer.count:
            counted = tally(peer)
            row += [*(str(counted[key]) for key in expected(truth)), verdict(counted, truth), verdict(tally(calm_peers[name]), calm_truth)]
        rows.append(row + [""] * (len(columns) - len(row)))
    clean()
    about = (f"{capture.stat().st_size / 1e6:.0f} MB of generated packets with reordering and loss: {truth['requests']:,} requests in "
             f"{truth['connections']:,} connections, {expected(truth)['401']} of them answered 401.")
    return about, Table(columns, rows)


def expected(truth):
    return {"requests": truth["requests"], "responses": truth["responses"], "401": truth["statuses"].get("401", 0)}


def verdict(counted, truth):
    wrong = [f"{counted[key] - count:+d} {key}" for key, count in expected(truth).items() if counted[key] != count]
    return ", ".join(wrong) or "exact"


def har_peers(har, options):
    addon = SCRATCH / "mitmproxy_count.py"
    addon.write_text(MITMPROXY)
    node = "console.log(JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8')).log.entries.length)"
    haralyzer = ("import json, sys, haralyzer; har = haralyzer.HarParser(json.load(open(sys.argv[1]))); "
                 "print(sum(len(page.entries) for page in har.pages))")
    simdjson = "import simdjson, sys; print(len(simdjson.Parser().load(sys.argv[1])['log']['entries']))"
    peers = {
        OURS: Peer("judges authentication", analyze(har, binary=options.binary), lambda: found(har, options.binary), ours_version(options.binary)),
        "wiretrail": judge(cargo("wiretrail"), har),
        "jq": packaged("jq", "jq", "queries", [".log.entries | length", har]),
        "node": packaged("node", "nodejs", "JSON.parse", ["-e", node, har]),
    }
    for package, does, arguments in (("haralyzer", "pages and entries", ["-c", haralyzer, har]),
                                     ("mitmproxy", "loads flows (mitmdump -n -r)", ["-n", "-q", "-s", addon, "-r", har]),
                                     ("pysimdjson", "parses, nothing else", ["-c", simdjson, har])):
        python = python_with(package)
        if python is None:
            peers[package] = Peer(does, missing="pip cannot install it here")
            continue
        program = python.with_name("mitmdump") if package == "mitmproxy" else python
        said = first_line([python, "-c", f"from importlib.metadata import version; print(version('{package}'))"])
        peers[package] = printed(Peer(does, [program, *arguments], version=said))
    return peers


def packaged(program, package, does, arguments):
    missing = apt(program, package)
    return Peer(does, missing=missing) if missing else printed(Peer(does, [program, *arguments], version=version(program, package)))


def printed(peer):
    """A program that prints how many entries it found."""
    peer.count = lambda: int(subprocess.run(peer.command, capture_output=True).stdout.split()[-1])
    return peer


def judge(program, har):
    if program is None:
        return Peer("findings of every kind", missing="cargo cannot install it here")
    counted = lambda: causes.answer([program, har, "validate", "--json"])[1]["capture"]["entry_count"]
    return Peer("findings of every kind (diagnose)", [program, har, "diagnose"], counted, first_line([program, "--version"]).split()[-1])


def hars(options):
    har, truth = generate("har", f"{options.size_mb}MB.har", size=f"{options.size_mb}MB")
    peers = har_peers(har, options)
    results = race(peers, har, options, judges=("wiretrail",))
    rows = [figures(name, peer, results, har) + [str(peer.count()) if name in results else ""] for name, peer in peers.items()]
    about = f"A generated HAR of {har.stat().st_size / 1e6:.0f} MB with {truth['requests']:,} entries."
    return about, Table([*FIGURES, "entries"], rows)


def race(peers, capture, options, **how):
    subprocess.run(["cat", capture], stdout=subprocess.DEVNULL, check=True)  # into the page cache
    return rounds({name: peer.command for name, peer in peers.items() if not peer.missing}, options.rounds, before=clean, **how)


FIGURES = ["program", "version", "what it does", "CPU s", "MB per CPU s", "CPU, ours = 1", "memory MB"]


def figures(name, peer, results, capture):
    if peer.missing or name not in results:
        return [name, peer.missing or "ended with an error", peer.does, "", "", "", ""]
    cpu, peak = (median(results[name], field) for field in ("cpu", "anonymous"))
    against = f"{cpu / median(results[OURS], 'cpu'):.2f}" if OURS in results else ""
    memory = f"{peak / 1e6:.0f}" if peak >= 1e6 else "< 1"
    return [name, peer.version, peer.does, f"{cpu:.2f}", f"{capture.stat().st_size / 1e6 / cpu:.1f}", against, memory]


def judgements(options):
    """A row for each sample, and how often each program was right."""
    program = cargo("wiretrail")
    titles = {rule["code"]: rule["title"] for rule in causes.answer([options.binary, "rules", "-T", "json"])[1]}
    rows, score = [], collections.Counter()
    for path, sample, shows in causes.samples():
        roots = sample["root"]
        incidents = causes.ours(path, sample, options.binary)
        right = incidents[0][0] in roots if incidents else not roots
        score["ours", "failing" if roots else "healthy"] += right
        score["samples", "failing" if roots else "healthy"] += 1
        cause = " or ".join(f"{code} {titles[code]}" for code in roots) or "nothing"
        named = "; ".join(f"{code} {title}" for code, title in incidents) or "nothing"
        row = [path.name, shows, cause, named if right else f"WRONG: {named}"]
        if program:
            kinds, words, servers, code = causes.wiretrail(path, program)
            said = causes.credit(roots, words, servers) if roots else (QUIET if code == 0 else ALARM)
            score["wiretrail", said] += 1
            row += [f"{said}: {', '.join(kinds)}", "; ".join(words + servers)]
        rows.append(row)
    theirs = ["wiretrail", "wiretrail in full"] if program else []
    return score, Table(["sample", "what it shows", "cause", "authtrace", *theirs], rows)


def summary(score):
    failing, healthy = score["samples", "failing"], score["samples", "healthy"]
    yield (f"authtrace: the cause heads its first incident in {score['ours', 'failing']} of {failing} failing samples, "
           f"and it says nothing on {score['ours', 'healthy']} of {healthy} healthy ones.")
    named, repeated, alarms = (score["wiretrail", said] for said in (causes.NAMED, causes.REPEATED, ALARM))
    if any(who == "wiretrail" for who, _ in score):
        yield (f"wiretrail: names a cause in {named} of {failing}, repeats words of the server that name it in {repeated} more, "
               f"and ends with findings on {alarms} of {healthy} healthy ones.")
    else:
        yield "wiretrail: cargo cannot install it here."


@dataclasses.dataclass
class Table:
    columns: list
    rows: list

    def markdown(self):
        cells = lambda row: "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
        return "\n".join([cells(self.columns), "|" + "---|" * len(self.columns), *map(cells, self.rows)])

    def without(self, *columns):
        kept = [index for index, column in enumerate(self.columns) if column not in columns]
        return Table([self.columns[index] for index in kept], [[row[index] for index in kept] for row in self.rows])

    def text(self):
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows)]
        line = lambda row: "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        return "\n".join(map(line, (self.columns, *self.rows)))

    def records(self):
        """For cells too long for a line of a terminal."""
        return "\n\n".join("\n".join(f"{column + ':':19}{cell}" for column, cell in zip(self.columns, row)) for row in self.rows)


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{len(os.sched_getaffinity(0))} cores of {model[1] if model else platform.machine()}, {memory:.0f} GiB, {system}"


PAGE = """# Beside other programs

Made by `bench/peers.py --markdown` on {date}; do not edit.
Machine: {machine}; load {before} at the start and {after} at the end; authtrace is a release build.
Other work may run beside it, so CPU time is compared (user and system, all threads, start-up included): medians of {rounds} interleaved rounds, one round for tshark.
Memory is the peak of anonymous memory: a mapped file does not count.
Every program here but wiretrail answers another question than authtrace; none of them is worse for that.

## Packets

{packets_about}

{packets}

What a program found is read from its own output in a run apart: `authtrace exchanges`, Suricata's log, tshark's fields, httpry's lines, the heads in what tcpflow and ngrep wrote.
"401" tells whether a count is right by chance.
The last column is another capture, of 10 MB, without loss and reordering.
As packaged, tshark loses heads to reordering; told to put segments in order, it waits behind a lost one and loses what follows.

## HARs

{hars_about}

{hars}

jq, node, haralyzer, mitmproxy and pysimdjson read a HAR and name no cause.

## Causes

Every HAR of [captures/](../captures/README.md), the cause that it was made to show, and what each program that judges HARs says.
{summary}

{causes}

- The cause is what `captures/expected.toml` asks for; any one of several may head the incident.
- authtrace is given the keys that a sample brings (`*.env`); wiretrail takes none.
- wiretrail "{named}" where anything that `diagnose`, `auth` and `transitions` say matches the generous words of `bench/causes.py`, however much else is said.
- What it repeats of a server's answer counts apart; its listings (`redirects`, `jwt`, `timeline`) name no cause.
- In the healthy samples a password was wrong once and a page missing: wiretrail lists both, truly, and ends as it ends on a failure.
- The samples, what is expected of them and authtrace are by the same hands, so this is a game at home; and wiretrail says itself that a ranked finding is a pattern, not a diagnosis.

<details><summary>All that wiretrail says</summary>

{in_full}

</details>

## Not measured

{absent}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=50, help="of the packets and of the HAR")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", action="store_true", help="print the page docs/peers.md")
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    options = parser.parse_args()
    if not options.binary.exists():
        sys.exit("no release build: cargo build --release -p authtrace")
    SCRATCH.mkdir(exist_ok=True)
    load = lambda: f"{os.getloadavg()[0]:.1f}"
    before = load()
    packets_about, packet_table = packets(options)
    hars_about, har_table = hars(options)
    score, cause_table = judgements(options)
    absent = Table(["program", "what it is", "why it has no row"], [[name, *what] for name, what in ABSENT.items()])
    if options.markdown:
        print(PAGE.format(
            date=datetime.date.today(), machine=machine(), before=before, after=load(), rounds=options.rounds,
            packets_about=packets_about, packets=packet_table.markdown(), hars_about=hars_about, hars=har_table.markdown(),
            summary="\n".join(summary(score)), named=causes.NAMED, causes=cause_table.without("what it shows", "wiretrail in full").markdown(),
            in_full=cause_table.without("cause", "authtrace", "wiretrail").markdown(), absent=absent.markdown()), end="")
        return
    print(f"{machine()}; load {before} at the start, {load()} at the end; medians of {options.rounds} rounds")
    for about, text in ((packets_about, packet_table.text()), (hars_about, har_table.text()),
                        ("\n".join(summary(score)), cause_table.records()), ("Not measured:", absent.text())):
        print(f"\n{about}\n\n{text}")


if __name__ == "__main__":
    main()
