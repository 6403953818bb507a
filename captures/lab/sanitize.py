#!/usr/bin/env python3
"""Makes a sanitised sample from a recorded one: what DevTools' sanitised HAR export (the default since Chrome 130) leaves out.
usage: sanitize.py IN.har OUT.har
Removes the Authorization, Cookie and Set-Cookie headers and empties the cookie lists; nothing else changes, so tokens in
bodies stay and headersSize still counts what was removed."""
import json
import sys

SECRET = {"authorization", "cookie", "set-cookie"}


def main(source: str, target: str) -> None:
    out = []
    for line in open(source, encoding="utf-8"):
        # The recorder writes one entry a line; everything else is copied as it is.
        body, comma = (line.rstrip().rstrip(","), "," if line.rstrip().endswith(",") else "")
        if '"startedDateTime"' not in body or '"request"' not in body:
            out.append(line)
            continue
        entry = json.loads(body)
        for message in (entry["request"], entry["response"]):
            message["headers"] = [h for h in message["headers"] if h["name"].lower() not in SECRET]
            message["cookies"] = []
        out.append("   " + json.dumps(entry, separators=(",", ":"), ensure_ascii=False) + comma + "\n")
    open(target, "w", encoding="utf-8").writelines(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
