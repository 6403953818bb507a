"""The cause that each program names for each sample HAR, beside what the sample was made to show."""

import collections, json, re, subprocess, tomllib

from measure import ROOT

CAPTURES = ROOT / "captures"
NAMED, REPEATED = "names it", "repeats the server's words"
# What would name a cause, whatever the rest of the sentence: generous on purpose, and public so that one can disagree.
NAMED_BY = {
    "AUTH001": r"missing auth|without (auth|credential)|no credential",
    "AUTH002": r"before the token|not ready|too early|premature",
    "AUTH003": r"call site|around the client|bypass|unauthenticated client",
    "AUTH004": r"cookie",
    "AUTH013": r"segments|opaque|not a jwt|kind of token|token format",
    "AUTH023": r"audience|\baud\b",
    "AUTH024": r"issuer|\biss\b",
    "AUTH030": r"signature|signing key|signed with",
    "AUTH033": r"environment|tenant",
    "AUTH040": r"refresh.{0,20}(failed|refused)",
    "AUTH041": r"refresh.{0,20}(race|concurrent|parallel)",
    "AUTH042": r"refresh.{0,20}loop",
    "AUTH043": r"old.token.reused|reused the old token",
    "AUTH060": r"preflight|\bcors\b",
    "AUTH070": r"redirect",
    "AUTH080": r"websocket|handshake",
}


def samples():
    """Every HAR of captures/ with what expected.toml says of it, and what README.md says that it shows."""
    expected = tomllib.loads((CAPTURES / "expected.toml").read_text())
    shows = {}
    for line in (CAPTURES / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| `") and len(cells) > 2:
            shows |= {name: cells[2] for name in re.findall(r"`([^`]+\.har)`", cells[0])}
    hars = [path for path in sorted(CAPTURES.glob("*.har")) if path.name in expected]
    return [(path, expected[path.name], shows.get(path.name, "")) for path in hars]


def answer(command):
    """Exit code and the JSON that a command prints."""
    done = subprocess.run(command, capture_output=True)
    return done.returncode, json.loads(done.stdout)


def ours(path, expected, binary):
    """What heads each incident, as (code, title); with the keys that the sample brings."""
    keys = ["--env-file", CAPTURES / expected["keys"]] if "keys" in expected else []
    _, said = answer([binary, "analyze", "-T", "json", "--no-config", *keys, path])
    codes = {finding["id"]: finding["code"] for finding in said["findings"]}
    return [(codes[incident["root"]], incident["title"]) for incident in said["incidents"]]


def wiretrail(path, program):
    """What wiretrail says of authentication: kinds of finding, its own words, the server's that it repeats; exit code of diagnose."""
    ask = lambda command: answer([program, path, command, "--json", "--top", "1000"])
    code, said = ask("diagnose")
    own, servers = collections.defaultdict(list), collections.defaultdict(list)
    for finding in said["result"]["findings"]:
        group = servers if re.fullmatch("[45]xx.*", finding["kind"]) else own
        group[finding["severity"], finding["kind"], finding["detail"]].append(finding["title"])
    words = [line(group, titles) for group, titles in own.items()]
    auth = ask("auth")[1]["result"]
    words += [f"auth: inconsistent Authorization on {host}" for host in auth["missing_auth_hosts"]]
    flags = collections.Counter(flag for refresh in auth["refreshes"] for flag in ("concurrent", "old_token_reused") if refresh[flag])
    words += [f"auth: refresh {flag.replace('_', ' ')}{times(count)}" for flag, count in flags.items()]
    steps = ask("transitions")[1]["result"]["transitions"]
    steps = collections.Counter((step["from_status"], step["to_status"], step["label"]) for step in steps)
    words += [f"transitions: {before} → {after} {label}{times(count)}" for (before, after, label), count in steps.items()]
    kinds = collections.Counter(finding["kind"] for finding in said["result"]["findings"])
    servers = [line(group, titles) for group, titles in servers.items()]
    return [f"{kind}{times(count)}" for kind, count in kinds.items()], words, servers, code


def line(group, titles):
    severity, kind, detail = group
    return f"{severity} {kind}{times(len(titles))}: {titles[0] + ' — ' if len(titles) == 1 else ''}{detail}"


def times(count):
    return f" ×{count}" if count > 1 else ""


def credit(roots, words, servers):
    """Whether words name one of the causes."""
    pattern = re.compile("|".join(NAMED_BY[root] for root in roots), re.IGNORECASE)
    if any(map(pattern.search, words)):
        return NAMED
    return REPEATED if any(map(pattern.search, servers)) else "no"
