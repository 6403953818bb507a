#!/usr/bin/env python3
"""The real servers behind one sample capture: a page server, a login-provider look-alike and an API.
usage: servers.py SAMPLE   (prints its ports as a JSON line, serves until it is stopped)
Every user, password and secret here is synthetic."""
import asyncio
import hashlib
import itertools
import json
import os
import pathlib
import sys
import time
from urllib.parse import parse_qs

import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

HERE = pathlib.Path(__file__).parent
SCRATCH = pathlib.Path(os.environ.get("LAB_SCRATCH", "."))
AXIOS = SCRATCH / "npm/node_modules/axios/dist/axios.min.js"
PAGES = "http://localhost:3000"
USER, PASSWORD = "ada@example.test", "correct-horse"
SECRET = "lab-signing-secret-for-samples-only-0001"
SESSION = "sess_lab2hT2mZk9VxR4pW8yB3nC6"
NO_STORE = {"Cache-Control": "no-store"}
counter = itertools.count(1)


def opaque(prefix: str) -> str:
    """An unguessable-looking value that is the same in every recording."""
    return f"lab-{prefix}-" + hashlib.sha256(f"{prefix}{next(counter)}".encode()).hexdigest()[:32]


def mint(secret: str = SECRET, life: int = 60, kid: str | None = None, **claims) -> str:
    now = int(time.time())
    claims = {"sub": "user_lab0001", "iat": now, "exp": now + life, "jti": f"lab-jti-{next(counter):04}"} | claims
    return jwt.encode(claims, secret, "HS256", headers={"kid": kid} if kid else None)


def refused(status: int, text: str) -> HTTPException:
    # The challenge repeats the reason, as RFC 6750 §3 asks; an error code only when a token was there.
    return HTTPException(status, text, {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{text}"'})


def cors(app: FastAPI, **options) -> FastAPI:
    options = {"allow_origins": [PAGES], "allow_methods": ["*"], "allow_headers": ["*"]} | options
    app.add_middleware(CORSMiddleware, allow_credentials=True, **options)
    return app


def with_pages(app: FastAPI, sample: str) -> FastAPI:
    """Serves the sample's pages; one script per module, so that call sites differ."""
    @app.get("/js/axios.min.js")
    def axios():
        return FileResponse(AXIOS, media_type="text/javascript")

    @app.get("/js/{name}")
    def script(name: str):
        return FileResponse(HERE / "web/js" / name, media_type="text/javascript")

    @app.get("/{page}")
    def page(page: str):
        own = HERE / "web" / sample / f"{page}.html"
        return FileResponse(own if own.exists() else HERE / "web" / f"{page}.html", media_type="text/html")
    return app


def provider(mint_token, mint_delay: float = 0.05, session_id: str = SESSION) -> FastAPI:
    """A hosted login: sign in sets a session cookie, the page's SDK swaps that for short tokens."""
    app = cors(FastAPI())

    @app.post("/v1/client/sign_ins")
    async def sign_in(request: Request):
        body = await request.json()
        if (body["identifier"], body["password"]) != (USER, PASSWORD):
            return JSONResponse({"error": "invalid_credentials"}, 401)
        answer = JSONResponse({"status": "complete"}, headers=NO_STORE)
        answer.set_cookie("__client", opaque("client"), httponly=True, samesite="lax")
        return answer

    @app.get("/v1/client")
    async def client(request: Request):
        await asyncio.sleep(0.1)
        sessions = [{"id": session_id, "status": "active"}] if "__client" in request.cookies else []
        return JSONResponse({"sessions": sessions}, headers=NO_STORE)

    @app.post("/v1/client/sessions/{session}/tokens")
    @app.post("/v1/client/sessions/{session}/tokens/{template}")
    async def token(request: Request, session: str, template: str | None = None):
        if "__client" not in request.cookies:
            return JSONResponse({"error": "signed_out"}, 401)
        await asyncio.sleep(mint_delay)
        return JSONResponse({"object": "token", "jwt": mint_token(template)}, headers=NO_STORE)
    return app


def verifier(secret=SECRET, status=401, prefix="", **options):
    """The API's bearer check: missing and refused are told apart, the reason is PyJWT's own text."""
    def check(sent: HTTPAuthorizationCredentials | None = Depends(HTTPBearer(auto_error=False))) -> dict:
        if sent is None:
            raise HTTPException(401, "Missing authentication credentials", {"WWW-Authenticate": "Bearer"})
        try:
            key = secret[jwt.get_unverified_header(sent.credentials).get("kid")] if isinstance(secret, dict) else secret
            return jwt.decode(sent.credentials, key, ["HS256"], **options)
        except jwt.PyJWTError as error:
            raise refused(status, f"{prefix}{error}") from None
    return check


def resources(app: FastAPI, check, *names: str) -> FastAPI:
    """List, read and create under /api/v1/NAME/, each behind the check."""
    def add(name):
        @app.get(f"/api/v1/{name}/", dependencies=[Depends(check)])
        async def list_all():
            return {name: [{"id": 1, "title": "The first"}]}

        @app.get(f"/api/v1/{name}/{{number}}", dependencies=[Depends(check)])
        async def read(number: int, request: Request):
            if number != 1:
                raise HTTPException(404, f"No such item in {name}")
            tag = f'"{name}-1"'
            headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
            if request.headers.get("if-none-match") == tag:
                return Response(status_code=304, headers=headers)
            return JSONResponse({"id": 1, "title": "The first"}, headers=headers)

        @app.post(f"/api/v1/{name}/", status_code=201, dependencies=[Depends(check)])
        async def create(request: Request):
            return {"id": 2, **await request.json()}
    for name in names:
        add(name)

    @app.get("/health")
    async def health():
        return {"status": "ok"}
    return app


def login_routes(app: FastAPI, access_life: int, refresh_life: float = 3600, think: float = 0.0, cookie: bool = False) -> FastAPI:
    """Password login and a rotating refresh token: used once, a second use is refused as reuse."""
    live: dict[str, float] = {}
    used: set[str] = set()

    def issue():
        refresh = opaque("rt")
        live[refresh] = time.time() + refresh_life
        access = mint(life=access_life)
        body = {"access_token": access, "token_type": "bearer", "expires_in": access_life}
        answer = JSONResponse(body if cookie else body | {"refresh_token": refresh}, headers=NO_STORE)
        if cookie:
            answer.set_cookie("access_token", access, httponly=True, samesite="lax")
        return answer

    @app.post("/api/v1/auth/login")
    async def login(request: Request):
        body = await request.json()
        if (body["username"], body["password"]) != (USER, PASSWORD):
            return JSONResponse({"detail": "Wrong user name or password"}, 401)
        return issue()

    @app.post("/api/v1/auth/refresh/")
    async def refresh(request: Request):
        sent = (await request.json())["refresh_token"]
        # Claimed before the pause: of six parallel calls exactly one wins.
        won, reused = live.pop(sent, 0) > time.time(), sent in used
        if won:
            used.add(sent)
        await asyncio.sleep(think)
        if won:
            return issue()
        details = "Refresh token was already used" if reused else "Refresh token not found or expired"
        return JSONResponse({"error": "Invalid refresh token", "details": details}, 401)

    @app.post("/api/v1/auth/logout", status_code=204)
    async def logout():
        return Response(status_code=204)
    return app


def websocket(app: FastAPI, allowed) -> FastAPI:
    """Closing before accepting is all that a refusal does; ASGI turns it into a bare 403."""
    @app.websocket("/ws")
    async def ws(socket: WebSocket):
        if not allowed(socket):
            return await socket.close()
        offered = socket.headers.get("sec-websocket-protocol", "").split(", ")[0]
        await socket.accept(subprotocol=offered or None)
        await socket.send_json({"type": "welcome"})
        await socket.receive_text()
        await socket.close()
    return app


# --- the samples -------------------------------------------------------------------------------------------------------

def healthy():
    api, tickets = FastAPI(), set()
    check = verifier()
    login_routes(resources(api, check, "books"), access_life=12)

    @api.post("/api/v1/ws-ticket", dependencies=[Depends(check)])
    async def ticket():
        tickets.add(value := opaque("ticket"))
        return JSONResponse({"ticket": value, "expires_in": 10}, headers=NO_STORE)
    websocket(api, lambda socket: socket.query_params.get("ticket") in tickets)
    return {3000: with_pages(FastAPI(), "healthy"), 8000: cors(api)}


def race(sample="race"):
    return {3000: with_pages(FastAPI(), sample), 4100: provider(lambda _: mint(), mint_delay=0.7),
            8000: cors(resources(FastAPI(), verifier(), "books", "shares"))}


def bypass():
    # HTTPBearer's own answer to a missing header is the point here, so nothing catches it.
    strict = HTTPBearer()

    def check(sent: HTTPAuthorizationCredentials = Depends(strict)):
        try:
            return jwt.decode(sent.credentials, SECRET, ["HS256"])
        except jwt.PyJWTError as error:
            raise refused(401, str(error)) from None
    api = login_routes(resources(FastAPI(), check, "documents"), access_life=900, cookie=True)

    @api.post("/api/v1/sessions", status_code=201, dependencies=[Depends(check)])
    async def sessions():
        return {"id": "study-1"}

    @api.get("/api/v1/auth/me", dependencies=[Depends(check)])
    async def me():
        return {"id": "user_lab0001", "email": USER}
    return {3000: with_pages(FastAPI(), "bypass"), 8000: cors(api)}


def chat(signed_with: str, sample: str, origin_allowed) -> dict:
    lines = (HERE.parent / f"{sample}.env").read_text().splitlines()
    secrets = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    expected = secrets["JWT_SECRET_STAGING"]
    issuer, api = cors(FastAPI()), FastAPI()

    @issuer.post("/oauth/token")
    async def token(request: Request):
        form = parse_qs((await request.body()).decode())
        if (form["username"], form["password"]) != ([USER], [PASSWORD]):
            return JSONResponse({"error": "invalid_grant"}, 400)
        body = {"access_token": mint(secrets[signed_with], life=900), "token_type": "bearer", "expires_in": 900}
        return JSONResponse(body, headers=NO_STORE)

    def allowed(socket: WebSocket) -> bool:
        try:
            jwt.decode(socket.headers.get("sec-websocket-protocol", "").split(", ")[-1], expected, ["HS256"])
        except jwt.PyJWTError:
            return False
        return origin_allowed(socket.headers.get("origin"))
    resources(api, verifier(expected, 403, "JWT validation failed: "), "threads", "runs")
    return {3000: with_pages(FastAPI(), "chat"), 4100: issuer, 8000: cors(websocket(api, allowed))}


def wrong_token():
    def token(template):
        return mint(aud="lab-api") if template else mint()
    return {3000: with_pages(FastAPI(), "wrong-token"), 4100: provider(token),
            8000: cors(resources(FastAPI(), verifier(audience="lab-api"), "portfolios"))}


def preflight():
    check = verifier()
    # Two teams, two hand-rolled CORS setups behind one gateway: only the quotes team allows the header.
    orders = resources(FastAPI(), check, "orders").router
    strict = cors(FastAPI(), allow_headers=["content-type"])
    strict.include_router(orders)
    api = cors(resources(FastAPI(), check, "quotes", "portfolios"))

    async def gateway(scope, receive, send):
        path = scope.get("path", "")
        if scope.get("method") == "OPTIONS" and path.startswith("/api/v1/portfolios"):
            answer = Response("OK", headers={"Access-Control-Allow-Origin": PAGES, "Access-Control-Allow-Methods": "GET, POST",
                                             "Access-Control-Allow-Headers": "content-type", "Vary": "Origin"})
            return await answer(scope, receive, send)
        await (strict if path.startswith("/api/v1/orders") else api)(scope, receive, send)
    return {3000: with_pages(FastAPI(), "preflight"), 4100: provider(lambda _: mint()), 8000: gateway}


def storm():
    # The refresh token dies before the access token does: nothing can be renewed.
    api = login_routes(resources(FastAPI(), verifier(), "profile", "notifications"), access_life=5, refresh_life=3)
    return {3000: with_pages(FastAPI(), "storm"), 8000: cors(api)}


HERD = ("alerts", "messages", "orders", "profile", "stats", "tasks")


def herd():
    api = login_routes(resources(FastAPI(), verifier(), *HERD), access_life=5, think=0.25)
    return {3000: with_pages(FastAPI(), "herd"), 8000: cors(api)}


def redirect():
    api = login_routes(resources(FastAPI(), verifier(), "portfolios", "profile"), access_life=900)
    backend = cors(with_pages(api, "redirect"), allow_origins=["http://localhost:8000"])

    async def proxy(scope, receive, send):
        # What a reverse proxy does that forwards its upstream's Host: the backend builds redirects from it.
        if scope["type"] == "http":
            scope = scope | {"headers": [(k, b"localhost:8001" if k == b"host" else v) for k, v in scope["headers"]]}
        await backend(scope, receive, send)
    return {8000: proxy, 8001: backend}


def issuer():
    # Both environments' keys are in the API's key set; only staging's issuer is accepted.
    keys = {"staging-2026-11": "lab-staging-key-for-samples-only-00001", "dev-2026-11": "lab-dev-key-for-samples-only-000000001"}

    def tenant(name, session_id=SESSION):
        kid = f"{name}-2026-11"
        return provider(lambda _: mint(keys[kid], kid=kid, iss=f"https://id.{name}.example.test/"), session_id=session_id)
    check = verifier(keys, issuer="https://id.staging.example.test/")
    return {3000: with_pages(FastAPI(), "issuer"), 4100: tenant("staging"), 4101: tenant("dev", "sess_labDev8kQ3vN7tZ1xL5cJ9mB2"),
            8000: cors(resources(FastAPI(), check, "accounts", "reports"))}


SAMPLES = {
    "healthy": healthy, "race": race, "race-rejected": lambda: race("race-rejected"), "bypass": bypass, "bypass-401": bypass,
    "secret-mismatch": lambda: chat("JWT_SECRET_KEY", "secret-mismatch", lambda _: True),
    "websocket-403": lambda: chat("JWT_SECRET_STAGING", "websocket-403", lambda origin: origin == "https://chat.example.test"),
    "wrong-token": wrong_token, "preflight": preflight, "storm": storm, "herd": herd, "redirect": redirect, "issuer": issuer,
}


def witnessed(app, port: int, log):
    """Writes down what really arrived and was answered, so that check.py need not take the browser's word for it."""
    async def wrap(scope, receive, send):
        answered = []

        async def watch(message):
            # An ASGI server answers a WebSocket that is closed before it is accepted with 403.
            status = {"http.response.start": message.get("status"), "websocket.accept": 101, "websocket.close": 403}
            answered.append(status.get(message["type"]))
            await send(message)
        await app(scope, receive, watch)
        if scope["type"] != "lifespan":
            sent = {name: value.decode() for name, value in scope["headers"]}
            row = [scope.get("method", "GET"), port, scope["path"], answered[0], sent.get(b"authorization", ""), b"cookie" in sent]
            print(json.dumps(row), file=log, flush=True)
    return wrap


async def main(sample: str):
    log = open(SCRATCH / "wire" / f"{sample}.jsonl", "w")
    apps = {port: witnessed(app, port, log) for port, app in SAMPLES[sample]().items()}
    print(json.dumps(list(apps)), flush=True)
    # Only loopback, and IPv4 only: the browser is told the same.
    await asyncio.gather(*(
        uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning")).serve() for port, app in apps.items()))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
