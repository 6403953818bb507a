#!/usr/bin/env python3
"""Checks the samples themselves: is what each is meant to show really in the file? Needs nothing but Python 3.11.
Run by ./record it also compares every HAR with what the servers wrote down (LAB_SCRATCH).
It does not run authtrace; expected.toml says what that must answer, this says that the captures give it the chance."""
import base64
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import re
import sys
import tomllib
from collections import Counter
from types import SimpleNamespace

CAPTURES = pathlib.Path(__file__).parent.parent


def headers(message) -> dict:
    return {h["name"].lower(): h["value"] for h in message["headers"]}


def claims(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Har:
    """The entries as rows in time order, found by `METHOD /path`."""

    def __init__(self, name: str):
        self.name = name
        self.text = (CAPTURES / name).read_text()
        self.playwright = '"creator":{"name":"Playwright"' in self.text
        self.rows = []
        for e in json.loads(self.text)["log"]["entries"]:
            sent, got = headers(e["request"]), headers(e["response"])
            start = datetime.datetime.fromisoformat(e["startedDateTime"].replace("Z", "+00:00")).timestamp()
            path = re.sub(r"^\w+://[^/]+", "", e["request"]["url"]).split("?")[0]
            self.rows.append(SimpleNamespace(
                route=f"{e['request']['method']} {path}", url=e["request"]["url"], status=max(0, e["response"]["status"]),
                sent=sent, got=got, bearer=sent.get("authorization", "").removeprefix("Bearer "),
                text=e["response"]["content"].get("text", ""), body=e["request"].get("postData", {}).get("text", ""),
                start=start, end=start + max(0, e["time"]) / 1000, kind=e["_resourceType"], raw=e))
        self.rows.sort(key=lambda r: r.start)

    def of(self, route: str) -> list:
        return [r for r in self.rows if r.route == route]

    def statuses(self, route: str) -> list[int]:
        return [r.status for r in self.of(route)]

    def token(self, route: str) -> str:
        """The first token that this route's answer holds."""
        return re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "".join(r.text for r in self.of(route)))[0]


def is_(found, wanted, what: str = "") -> None:
    if found != wanted:
        raise AssertionError(f"{what} is {found!r}, wanted {wanted!r}")


def holds(fact, what: str) -> None:
    if not fact:
        raise AssertionError(what)


def blocked_socket(row) -> str:
    """A refused handshake has status 0; the reason is in the messages (CDP) or in _failureText (Playwright)."""
    return " ".join(m["data"] for m in row.raw.get("_webSocketMessages", [])) + row.raw["response"].get("_failureText", "")


MINT = "POST /v1/client/sessions/sess_lab2hT2mZk9VxR4pW8yB3nC6/tokens"
REFRESH = "POST /api/v1/auth/refresh/"


def healthy(h):
    is_(h.statuses("POST /api/v1/auth/login"), [401, 200], "login")
    is_(h.statuses(REFRESH), [200], "refresh")
    first = next(r for r in h.rows if r.bearer)
    holds(h.of(REFRESH)[0].end < claims(first.bearer)["exp"], "the refresh is not ahead of expiry")
    is_(h.statuses("GET /api/v1/books"), [307], "redirect")
    is_([bool(r.bearer) for r in h.of("GET /api/v1/books/")], [True, True], "Authorization after the same-origin redirect")
    # Playwright shows the stored 200 that the browser hands on, CDP's extra events the 304 of the wire.
    is_(h.statuses("GET /api/v1/books/1"), [200, 200 if "playwright" in h.name else 304], "conditional read")
    is_(h.of("GET /api/v1/books/1")[1].sent["if-none-match"], '"books-1"')
    is_(h.statuses("GET /api/v1/books/999"), [404], "absent book")
    is_(h.statuses("POST /api/v1/auth/logout"), [204], "logout")
    socket = h.of("GET /ws")[0]
    is_(socket.status, 101, "WebSocket")
    holds("ticket=lab-ticket-" in socket.url, "no ticket")
    holds(all(r.start < claims(r.bearer)["exp"] for r in h.rows if r.bearer), "an expired token was sent")


def race(h):
    mint = h.of(MINT)[0]
    is_(h.statuses("GET /api/v1/books/"), [401, 200], "list")
    is_(h.statuses("POST /api/v1/books/"), [401, 201], "create")
    for route in ("GET /api/v1/books/", "POST /api/v1/books/"):
        early, late = h.of(route)
        holds(not early.bearer and late.bearer, f"{route}: Authorization is not absent, then present")
        holds(early.end + 0.25 < mint.end < late.start, f"{route}: the mint does not end between the two")
        is_(json.loads(early.text)["detail"], "Missing authentication credentials")
    holds(h.of("POST /api/v1/books/")[1].start - h.of("POST /api/v1/books/")[0].start > 10, "the second POST looks like a retry")


def race_preflights(h):
    race(h)
    is_([r.sent["access-control-request-headers"] for r in h.of("OPTIONS /api/v1/books/")],
        ["content-type", "authorization", "authorization,content-type"], "announced headers")


def race_rejected(h):
    ready = h.of(MINT)[0].end
    is_(h.statuses("GET /api/v1/shares/"), [401, 200, 401], "shares")
    bad = [r for r in h.of("GET /api/v1/shares/") if r.status == 401]
    holds(all(not r.bearer and r.start - ready >= 1 for r in bad), "the refused calls are not a second after the token")
    good = [r for r in h.rows if r.bearer and "/api/v1/" in r.url]
    holds(len(good) >= 5 and all(r.status < 300 for r in good), "not every call with the token succeeds")
    holds(min(r.start for r in good) < bad[0].start < bad[-1].start < max(r.start for r in good), "no overlap in time")


def bypass(h, status=403):
    is_(h.statuses("POST /api/v1/sessions"), [status, status], "raw fetch")
    issued = h.token("POST /api/v1/auth/login")
    for r in h.of("POST /api/v1/sessions"):
        is_(json.loads(r.text)["detail"], "Not authenticated")
        is_(r.sent.get("cookie"), f"access_token={issued}", "cookie")
        holds(not r.bearer and r.kind == "fetch", "the raw fetch has Authorization")
    good = [r for r in h.rows if r.bearer]
    holds(len(good) >= 5 and all(r.bearer == issued and r.status < 300 and r.kind == "xhr" for r in good), "axios calls")
    is_([(r.url, r.status, r.raw["response"]["_error"]) for r in h.rows if ":8002" in r.url],
        [("http://localhost:8002/api/v1/documents/", 0, "net::ERR_CONNECTION_REFUSED")], "second port")


def bypass_401(h):
    bypass(h, 401)
    holds(all(r.got["www-authenticate"] == "Bearer" for r in h.of("POST /api/v1/sessions")), "no challenge")


def sockets_refused(h, token):
    is_(h.statuses("GET /ws"), [0, 0, 0], "WebSocket")
    for r in h.of("GET /ws"):
        holds("Unexpected response code: 403" in blocked_socket(r), "no 403 in the reason")
        is_(r.sent["sec-websocket-protocol"], f"access_token, {token}", "subprotocol")


def signed_with(h, token) -> list[str]:
    """Names of the secrets in the sample's .env that this HS256 token verifies with."""
    lines = (CAPTURES / (h.name.split(".")[0] + ".env")).read_text().splitlines()
    data, _, signature = token.rpartition(".")
    return [name for name, secret in (line.split("=", 1) for line in lines if not line.startswith("#"))
            if base64.urlsafe_b64encode(hmac.digest(secret.encode(), data.encode(), hashlib.sha256)).rstrip(b"=").decode() == signature]


def secret_mismatch(h):
    token = h.token("POST /oauth/token")
    is_(signed_with(h, token), ["JWT_SECRET_KEY"], "signing key")
    is_(h.statuses("GET /api/v1/threads/") + h.statuses("GET /api/v1/runs/"), [403, 403, 403], "REST")
    for r in h.of("GET /api/v1/threads/"):
        is_((r.bearer, json.loads(r.text)["detail"]), (token, "JWT validation failed: Signature verification failed"))
    sockets_refused(h, token)


def websocket_403(h):
    token = h.token("POST /oauth/token")
    is_(signed_with(h, token), ["JWT_SECRET_STAGING"], "signing key")
    is_(h.statuses("GET /api/v1/threads/") + h.statuses("GET /api/v1/runs/"), [200, 200, 200], "REST")
    holds(all(r.bearer == token for r in h.of("GET /api/v1/threads/")), "another token")
    sockets_refused(h, token)


def wrong_token(h):
    rows = h.of("GET /api/v1/portfolios/")
    is_([r.status for r in rows], [401] * 6 + [200] * 2, "portfolios")
    details = [json.loads(r.text).get("detail") for r in rows]
    is_(details, ["Not enough segments"] * 4 + ['Token is missing the "aud" claim'] * 2 + [None] * 2, "texts")
    holds(all(r.bearer.startswith("sess_lab") for r in rows[:4]), "not a session id")
    is_([claims(r.bearer).get("aud") for r in rows[4:]], [None, None, "lab-api", "lab-api"], "aud")


def preflight(h):
    is_(h.statuses("OPTIONS /api/v1/portfolios/"), [200], "hand-made preflight")
    is_(h.of("OPTIONS /api/v1/portfolios/")[0].got["access-control-allow-headers"], "content-type")
    is_(h.statuses("OPTIONS /api/v1/orders/"), [400], "Starlette's preflight")
    for route in ("GET /api/v1/portfolios/", "POST /api/v1/orders/"):
        row, = h.of(route)
        is_((row.status, row.raw["response"]["_error"]), (0, "net::ERR_FAILED"), route)
        holds(row.bearer and "host" not in row.sent, f"{route}: not provisional headers with Authorization")
    is_(h.statuses("GET /api/v1/quotes/") + h.statuses("GET /api/v1/quotes/1"), [200, 200, 200], "quotes")


def storm(h):
    calls = h.of(REFRESH)
    is_([r.status for r in calls], [401] * 12, "refreshes")
    holds(calls[-1].start - calls[0].start < 1, "not within a second")
    is_(len({r.body for r in calls}), 1, "distinct refresh tokens")
    holds(all(a.end <= b.start + 0.001 for a, b in zip(calls, calls[1:])), "refreshes overlap: not a chain")
    holds(all(r.start > claims(r.bearer)["exp"] + 1 for r in calls), "the token sent along is not expired")
    is_(h.statuses("GET /api/v1/profile/"), [200, 401, 401], "profile")
    holds("expired" in h.of("GET /api/v1/profile/")[1].text, "no expiry text")
    holds(h.of("GET /sign-in")[0].start > calls[-1].end, "no forced sign-in at the end")


def herd(h):
    calls = h.of(REFRESH)
    is_(sorted(r.status for r in calls), [200] + [401] * 5, "refreshes")
    is_(len({r.body for r in calls}), 1, "distinct refresh tokens")
    holds(max(r.start for r in calls) < min(r.end for r in calls), "refreshes do not overlap")
    holds(all("already used" in r.text for r in calls if r.status == 401), "not refused as reuse")
    for name in ("alerts", "messages", "orders", "stats", "tasks"):
        is_(h.statuses(f"GET /api/v1/{name}/"), [401, 200], name)
    is_(h.statuses("GET /api/v1/profile/"), [200, 401, 200], "profile")


def sanitized(h):
    is_([r.status for r in h.rows], [r.status for r in Har("race.har").rows], "statuses beside race.har")
    for r in h.rows:
        holds(not {"authorization", "cookie"} & r.sent.keys() and "set-cookie" not in r.got, "a credential header is left")
        is_(r.raw["request"]["cookies"] + r.raw["response"]["cookies"], [], "cookies")
    holds(len(h.rows) >= 20, "too few entries to be called sanitised")
    is_(h.of("OPTIONS /api/v1/books/")[-1].sent["access-control-request-headers"], "authorization,content-type")


def redirect(h):
    first, second = h.of("GET /api/v1/portfolios") + h.of("GET /api/v1/portfolios/")
    is_((first.status, first.got["location"]), (307, "http://localhost:8001/api/v1/portfolios/"), "redirect")
    is_((second.url, second.status), ("http://localhost:8001/api/v1/portfolios/", 401), "target")
    holds(first.bearer and not second.bearer, "Authorization is not lost on the way")
    is_(h.statuses("GET /api/v1/profile/"), [200, 200], "profile")


def issuer(h):
    rows = h.of("GET /api/v1/reports/")
    is_([(r.status, claims(r.bearer)["iss"]) for r in rows], [(401, "https://id.dev.example.test/")] * 2 + [(200, "https://id.staging.example.test/")])
    holds(all(json.loads(r.text)["detail"] == "Invalid issuer" for r in rows[:2]), "no issuer text")
    holds(all(r.start < claims(r.bearer)["exp"] for r in rows), "an expired token was sent")
    is_(h.statuses("GET /api/v1/accounts/") + h.statuses("POST /api/v1/accounts/"), [200, 201], "accounts")


SHAPES = {
    "healthy.har": healthy, "healthy.playwright.har": healthy, "race.har": race_preflights, "race.playwright.har": race,
    "race-rejected.har": race_rejected, "bypass.har": bypass, "bypass-401.har": bypass_401,
    "secret-mismatch.har": secret_mismatch, "secret-mismatch.playwright.har": secret_mismatch, "websocket-403.har": websocket_403,
    "wrong-token.har": wrong_token, "preflight.har": preflight, "storm.har": storm, "herd.har": herd,
    "sanitized.har": sanitized, "redirect.har": redirect, "issuer.har": issuer,
}


def template(route: str) -> str:
    return re.sub(r"/(\d+|sess_\w{20,})(?=/|$)", "/{id}", route)


def story(h) -> list:
    """What was sent and answered, as far as both recorders see it: Playwright knows no preflights and no 304."""
    return sorted((r.route, 200 if r.status == 304 else r.status, r.bearer, r.body) for r in h.rows if r.kind != "preflight")


def on_the_wire(h) -> Counter:
    """(method, port, path, status, Authorization, has cookies) of the entries that a server must have seen."""
    seen = Counter()
    for r in h.rows:
        status = 403 if "code: 403" in blocked_socket(r) else r.status
        if h.playwright and "if-none-match" in r.sent and r.route.startswith("GET /api/"):
            status = 304  # Playwright shows the stored 200
        if status and "_fromCache" not in r.raw:
            method, path = r.route.split(" ")
            seen[method, int(re.search(r":(\d+)/", r.url)[1]), path, status, r.sent.get("authorization", ""), "cookie" in r.sent] += 1
    return seen


def log(sample: str) -> Counter | None:
    """The same from the servers' own log; None where there was no recording just now."""
    file = pathlib.Path(os.environ.get("LAB_SCRATCH", "/nonexistent")) / "wire" / f"{sample}.jsonl"
    return Counter(tuple(json.loads(line)) for line in file.open()) if file.exists() else None


def differences(h, wire: Counter) -> tuple[list, list]:
    """What only the wire has and what only the HAR has, beyond what its form cannot show."""
    seen = on_the_wire(h)
    missing = [row for row in (wire - seen) if not (h.playwright and row[0] == "OPTIONS")]
    # Playwright does not say what came from the memory cache: scripts only.
    extra = [row for row in (seen - wire) if not (h.playwright and row[2].startswith("/js/"))]
    return missing, extra


def witnessed(h) -> None:
    """The servers' log and the HAR must agree on method, port, path, status, Authorization and whether there were cookies."""
    wire = log(h.name.split(".")[0])
    if wire is not None:
        is_(differences(h, wire), ([], []), "only on the wire, only in the HAR")


def everywhere(h, expected):
    """What holds for every sample: small, loopback only, synthetic only, and expected.toml speaks of routes that exist."""
    holds(len(h.text) < 150_000, f"{len(h.text)} bytes")
    is_({re.match(r"\w+://([^:/]+)", r.url)[1] for r in h.rows}, {"localhost"}, "hosts")
    is_(re.findall(r"/(?:tmp|home|root|work|usr)/\S{0,40}", h.text), [], "paths of the recording machine")
    for token in set(re.findall(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", h.text)):
        is_((claims(token)["sub"], claims(token)["jti"][:8]), ("user_lab0001", "lab-jti-"), "a token's subject")
    is_(set(re.findall(r"[\w.]+@[\w-]+\.[\w.]+", h.text)) - {"ada@example.test"}, set(), "people")
    for kind, value in re.findall(r'"(refresh_token|ticket)":"([^"]*)"', "".join(r.text + r.body for r in h.rows)):
        holds(value.startswith("lab-"), f"a {kind} that is not marked as synthetic")
    for r in h.rows:
        # Headers of the wire, not what the page asked for: only those prove that Authorization was absent.
        cached = "_fromCache" in r.raw or r.raw["response"].get("_transferSize") == 0 or len(r.sent) < 2
        holds(r.status == 0 or cached or "host" in r.sent, f"{r.route}: provisional request headers")
    if ".playwright." in h.name:
        # Both forms come from one run, so the two recorders vouch for each other.
        twin = story(Har(h.name.replace(".playwright", "")))
        is_([row for row in story(h) if row not in twin] + [row for row in twin if row not in story(h)], [], "only in one form")
    seen = {template(r.route) for r in h.rows}
    named = expected["quiet"] + [f["route"] for f in expected["findings"]]
    is_([route for route in named if route not in seen], [], "routes of expected.toml that the capture lacks")
    holds("keys" not in expected or (CAPTURES / expected["keys"]).exists(), "no such key file")


def main() -> int:
    expected = tomllib.loads((CAPTURES / "expected.toml").read_text())
    is_(sorted(name for name in expected if name.endswith(".har")), sorted(SHAPES), "HARs of expected.toml")
    is_(sorted(p.name for p in CAPTURES.glob("*.har")), sorted(SHAPES), "files")
    wrong = 0
    for name, shape in SHAPES.items():
        try:
            har = Har(name)
            everywhere(har, expected[name])
            witnessed(har)
            shape(har)
            print(f"ok    {name}  {len(har.rows)} entries, {len(har.text) // 1000} kB")
        except (AssertionError, KeyError, IndexError, ValueError, TypeError) as error:
            wrong += 1
            print(f"WRONG {name}: {type(error).__name__} {error}")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
