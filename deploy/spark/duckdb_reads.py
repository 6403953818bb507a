#!/usr/bin/env python3
"""Reads a dataset with DuckDB and compares its counts with those of `authtrace query --stored`: duckdb_reads.py DATASET COUNTS.csv"""

import csv, sys

import duckdb


def main():
    dataset, counts = sys.argv[1:]
    rows = duckdb.execute(
        "SELECT route, status, COUNT(*) FROM read_parquet(? || '/exchanges/*/*/*.parquet', hive_partitioning = true) GROUP BY ALL",
        [dataset],
    ).fetchall()
    theirs = sorted((route, "" if status is None else str(status), str(count)) for route, status, count in rows)
    with open(counts, newline="") as file:
        ours = sorted(tuple(row) for row in list(csv.reader(file))[1:])
    print(f"DuckDB: {len(theirs)} routes by status, {len(ours)} by authtrace, {'the same' if theirs == ours else 'others'}")
    sys.exit(theirs != ours)


if __name__ == "__main__":
    main()
