#!/usr/bin/env python3
"""Compares what Spark found with what authtrace found by itself: compare.py NAME OUTPUT FINDINGS.parquet report.json.

Findings must be the same, row by row, and so must incidents. Of the reports' incidents everything must be the same but what
is compared with clients that no incident is about. Ends with 1 where anything differs.
"""

import collections, json, pathlib, sys

import pyarrow.dataset as dataset
import pyarrow.parquet as parquet

# Other clients are looked at for these; the report of a fleet looks at those of its incidents.
COMPARED = {"contrast", "compared", "hypotheses"}


def counted(table):
    return collections.Counter(json.dumps(row, sort_keys=True) for row in table.to_pylist())


def main():
    name, output, whole, analysis = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], json.loads(pathlib.Path(sys.argv[4]).read_text())
    ours = dataset.dataset(output / "findings").to_table()
    alone = parquet.read_table(whole).select(ours.column_names)
    differ = (counted(ours) - counted(alone)) + (counted(alone) - counted(ours))
    merged = dataset.dataset(output / "incidents").to_table()
    incidents = analysis["incidents"]
    page = output / "report" / "report.json"
    reported = json.loads(page.read_text())["incidents"] if page.exists() else []
    plain = lambda incident: {key: value for key, value in incident.items() if key not in COMPARED}
    other = [a["id"] for a, b in zip(incidents, reported) if numberless(plain(a)) != numberless(plain(b))]
    print(f"{name}: {len(alone)} findings alone, {len(ours)} on Spark, {sum(differ.values())} differ; "
          f"{len(incidents)} incidents alone, {len(merged)} merged, {len(reported)} reported, {len(other)} differ")
    for a, b in zip(incidents, reported):
        for key in plain(a):
            if a["id"] in other and a[key] != b.get(key):
                print(f"  {a['id']} {key}: {json.dumps(a[key])[:300]} and {json.dumps(b.get(key))[:300]}")
    sys.exit(bool(differ or other or len(incidents) != len(merged) or len(reported) != len(incidents)))


def numberless(incident):
    """Sessions and credentials are numbered over what is read, so a report about some clients calls them otherwise."""
    return {key: value for key, value in incident.items() if key not in ("sessions", "tokens")}


if __name__ == "__main__":
    main()
