#!/usr/bin/env python3
"""Times `authtrace analyze` on recordings that are hard by their shape, not by their size: one row per shape, at N and at 4 N.

usage: bench/worst.py [--entries 20000] [--only NAME] [--keep DIR] [--binary PATH]

A factor near 4 from the first column to the second is linear, 16 is quadratic. Nothing is asserted: it prints a table.
"""

import argparse, base64, hashlib, hmac, json, pathlib, subprocess, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = ROOT / "target/release/authtrace"
START = 1_760_000_000
API, APP = "https://api.bench.test", "https://app.bench.test"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(user, lifetime=3600, at=START, **claims):
    head = b64(b'{"alg":"HS256","typ":"JWT","kid":"k1"}')
    body = {"iss": "https://auth.bench.test/", "sub": f"user{user}", "aud": "api", "iat": at, "exp": at + lifetime, "jti": f"{user:016x}"}
    text = f"{head}.{b64(json.dumps(body | claims).encode())}"
    return f"{text}.{b64(hmac.new(b'bench', text.encode(), hashlib.sha256).digest())}"


def entry(n, step, path, status, method="GET", token=None, headers=(), answer=(), body=None, origin=API, site="load (app.js:10)", text=None, kind="fetch"):
    at = START + n * step
    fraction = f"{int(at % 1 * 1000):03}"
    fields = [("host", origin.split("//")[1]), ("accept", "application/json"), ("origin", APP), ("user-agent", "Mozilla/5.0 bench")]
    fields += [("authorization", f"Bearer {token}")] if token else []
    out = [("content-type", "application/json"), ("access-control-allow-origin", APP), ("server", "bench")]
    named = lambda pairs: [{"name": k, "value": v} for k, v in pairs]
    function, line = site.split(" (app.js:")
    frames = [{"functionName": function, "url": f"{APP}/app.js", "lineNumber": int(line[:-1]), "columnNumber": 1}]
    request = {"method": method, "url": origin + path, "httpVersion": "HTTP/1.1", "headers": named([*fields, *headers]), "queryString": [], "cookies": [], "headersSize": -1, "bodySize": 0}
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    return {
        "startedDateTime": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{fraction}Z", "time": 20, "pageref": "page_1", "_resourceType": kind,
        "_initiator": {"type": "script", "stack": {"callFrames": frames}},
        "request": request,
        "response": {"status": status, "statusText": "", "httpVersion": "HTTP/1.1", "headers": named([*out, *answer]), "cookies": [],
                     "content": {"size": 2, "mimeType": "application/json", "text": json.dumps(text if text is not None else {})}, "redirectURL": "", "headersSize": -1, "bodySize": 2},
        "cache": {}, "timings": {"send": 1, "wait": 18, "receive": 1},
    }


WORDS = "alpha beta gamma delta omega sigma kappa lambda theta zeta".split()


def word_path(n):
    """A path of words, so that no segment looks like an id and every path is a route of its own."""
    letters = "".join(chr(97 + int(digit)) for digit in str(n))
    return f"/api/v1/{WORDS[n % 10]}/{letters}"


NOT_AUTHENTICATED = {"detail": "Not authenticated"}


def healthy(n, step=0.05):
    for i in range(n):
        yield entry(i, step, f"/api/v1/items/{i}", 200, token=jwt(i // 200, at=START + int(i * step)))


def one_moment(n):
    """Everything at one time: redirects, challenges, preflights and calls within every window of each other."""
    token = jwt(1)
    for i in range(n):
        match i % 4:
            case 0: yield entry(0, 0, f"/api/v1/go/{i}", 302, answer=[("location", f"{API}/api/v1/target/{i}")])
            case 1: yield entry(0, 0, f"/api/v1/basic/{i}", 401, answer=[("www-authenticate", 'Basic realm="x"')])
            case 2: yield entry(0, 0, f"/api/v1/items/{i % 40}", 204, method="OPTIONS", kind="preflight", headers=[("access-control-request-method", "GET"), ("access-control-request-headers", "authorization")], answer=[("access-control-allow-headers", "authorization")])
            case _: yield entry(0, 0, f"/api/v1/items/{i % 40}", 200, token=token)


def bare_everywhere(n):
    """Bare 401s, each on a route of its own, beside calls that carry the token."""
    token = jwt(1, lifetime=86400)
    for i in range(n):
        if i % 3: yield entry(i, 0.01, word_path(i), 401, text=NOT_AUTHENTICATED)
        else: yield entry(i, 0.01, f"/api/v1/items/{i}", 200, token=token)


def bypass(n):
    """One call site without the token among many with it (AUTH003)."""
    token = jwt(1, lifetime=86400)
    for i in range(n):
        if i % 4: yield entry(i, 0.01, f"/api/v1/items/{i}", 200, token=token)
        else: yield entry(i, 0.01, f"/api/v1/{WORDS[i // 4 % 10]}", 401, site="raw (app.js:99)", text=NOT_AUTHENTICATED)


def refused_tokens(n):
    """Every third call of many users refused without a telling word."""
    for i in range(n):
        yield entry(i, 0.01, f"/api/v1/items/{i}", 200 if i % 3 else 401, token=jwt(i % 997, lifetime=86400), text={} if i % 3 else {"error": "invalid_token"})


def one_token_refused(n):
    """One token, accepted and refused in turn."""
    token = jwt(1, lifetime=864000)
    for i in range(n):
        yield entry(i, 0.01, word_path(i) if i % 2 else f"/api/v1/items/{i}", 401 if i % 2 else 200, token=token, text={"error": "invalid_token"} if i % 2 else {})


def refreshes(n):
    """Refused refreshes of many sessions, expired tokens between them."""
    for i in range(n):
        user = i % 101
        if i % 2: yield entry(i, 0.005, "/auth/refresh", 401, method="POST", body={"refresh_token": f"rt-{user:04}-9f86d081884c7d659a2feaa0c55ad015"}, text={"error": "invalid_grant"})
        else: yield entry(i, 0.005, f"/api/v1/items/{i}", 401, token=jwt(user, lifetime=-100), text={"detail": "Token has expired"})


def one_refresh(n):
    """One refresh loop that never ends."""
    for i in range(n):
        yield entry(i, 0.05, "/auth/refresh", 401, method="POST", body={"refresh_token": "rt-0001-9f86d081884c7d659a2feaa0c55ad015"}, text={"error": "invalid_grant"})


def rotations(n):
    """Refreshes that succeed and rotate, with the token that each delivers in use."""
    for i in range(n):
        if i % 4 == 0: yield entry(i, 0.05, "/auth/refresh", 200, method="POST", body={"refresh_token": f"rt-{i:08}-9f86d081884c7d659a2feaa0c55a"}, text={"access_token": jwt(1, jti=i, at=START + int(i * 0.05)), "refresh_token": f"rt-{i + 4:08}-9f86d081884c7d659a2feaa0c55a"})
        elif i % 4 == 3: yield entry(i, 0.05, f"/api/v1/items/{i}", 401, token=jwt(1, jti=max(i // 4 * 4 - 4, 0), at=START + int(max(i // 4 * 4 - 4, 0) * 0.05)))
        else: yield entry(i, 0.05, f"/api/v1/items/{i}", 200, token=jwt(1, jti=i // 4 * 4, at=START + int(i // 4 * 4 * 0.05)))


def logouts(n):
    for i in range(n):
        if i % 5 == 0: yield entry(i, 0.01, "/auth/logout", 204, method="POST", token=jwt(i // 50), answer=[("set-cookie", "session_id=; Max-Age=0; Path=/")])
        else: yield entry(i, 0.01, f"/api/v1/items/{i}", 401 if i % 5 == 1 else 200, token=jwt(i // 50))


def sockets(n):
    token = jwt(1, lifetime=864000)
    for i in range(n):
        if i % 2: yield entry(i, 0.01, f"/ws/{word_path(i)[8:]}?token={token}", 403, origin="wss://api.bench.test", kind="websocket", headers=[("upgrade", "websocket")])
        else: yield entry(i, 0.01, f"/api/v1/items/{i}", 200, token=token)


def origins(n):
    """Every call to an origin of its own."""
    for i in range(n):
        yield entry(i, 0.01, "/api/v1/items", 401 if i % 2 else 200, token=None if i % 2 else jwt(i // 100), origin=f"https://h{i}.bench.test")


def cookies(n):
    """A session cookie that the API wants and half of the calls do not carry."""
    for i in range(n):
        cookie = [("cookie", f"session_id=s{i // 100:06}-0123456789abcdef0123456789")]
        if i % 100 == 0: yield entry(i, 0.01, "/auth/login", 200, method="POST", body={"username": "u", "password": "p"}, answer=[("set-cookie", cookie[0][1] + "; Path=/; HttpOnly; Secure")])
        elif i % 2: yield entry(i, 0.01, f"/api/v1/items/{i}", 200, headers=cookie)
        else: yield entry(i, 0.01, word_path(i), 401, text=NOT_AUTHENTICATED)


SHAPES = [healthy, one_moment, bare_everywhere, bypass, refused_tokens, one_token_refused, refreshes, one_refresh, rotations, logouts, sockets, origins, cookies]


def write(path, entries):
    with open(path, "w") as out:
        out.write('{"log":{"version":"1.2","creator":{"name":"WebInspector","version":"537.36"},"pages":[{"id":"page_1","startedDateTime":"2025-10-09T08:53:20.000Z","title":"x","pageTimings":{}}],"entries":[\n')
        for index, one in enumerate(entries):
            out.write((",\n" if index else "") + json.dumps(one, separators=(",", ":")))
        out.write("]}}\n")


def seconds(binary, path, limit):
    start = time.perf_counter()
    try:
        subprocess.run([binary, "analyze", "-q", "--exit-zero", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit, check=True)
    except subprocess.TimeoutExpired:
        return None
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--only")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    parser.add_argument("--limit", type=float, default=120, help="seconds after which a run is given up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or pathlib.Path(scratch)
        folder.mkdir(exist_ok=True)
        print(f"{'shape':20} {options.entries:>9} {4 * options.entries:>9}  factor")
        for shape in SHAPES:
            if options.only and shape.__name__ != options.only:
                continue
            times = []
            for n in (options.entries, 4 * options.entries):
                path = folder / f"{shape.__name__}-{n}.har"
                if not path.exists():
                    write(path, shape(n))
                times.append(seconds(options.binary, path, options.limit))
            shown = [f"{t:8.2f}s" if t else "   gave up" for t in times]
            factor = f"{times[1] / times[0]:7.1f}" if all(times) else ""
            print(f"{shape.__name__:20} {shown[0]:>9} {shown[1]:>9} {factor}", flush=True)


if __name__ == "__main__":
    main()
