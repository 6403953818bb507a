#!/usr/bin/env python3
"""Judges the captures of a whole fleet on Apache Spark: the findings that `authtrace analyze` gives, over many machines.

usage: spark-submit fleet.py --dataset DIR --output DIR [--key FILE CAPTURE…] [--partitions N] [--authtrace PATH]

Captures, where there are any, are extracted into the dataset first, one a task; the rest reads the dataset alone. The folders
must lie where all workers see them, and so must authtrace. What is written to --output:

  findings/     every finding, Parquet, as the table `findings` of `authtrace query` has it
  incidents/    what shares one cause, over all clients
  profile.arrow what all clients add up to
  report/       incident reports in Markdown, HTML and JSON about the clients that the incidents are about

The steps are those of docs/dataset.md, "Many machines": link, profile, judge, merge.
"""

import argparse, json, pathlib, shutil, subprocess, tempfile, time

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, functions as F

# Rounds after which linking gives up: each at least doubles how far a label has come, so a chain of a million clients is done.
MOST_ROUNDS = 40


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="*", metavar="CAPTURE")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--key", help="file that keys the fingerprints of secrets, so that they join over captures")
    parser.add_argument("--partitions", type=int, default=None, help="[default: two a core]")
    parser.add_argument("--authtrace", default="authtrace")
    parser.add_argument("--no-report", action="store_true")
    return parser.parse_args()


def extract(spark, args):
    """Every capture becomes a part of the dataset; its place among them is that in the arguments."""
    if not args.key:
        raise SystemExit("fleet.py: captures need --key FILE: without it, no credential has the same name in two of them")
    command = [args.authtrace, "extract", "--quiet", "-o", args.dataset, "--fingerprint-key", f"@{args.key}"]

    def one(numbered):
        place, capture = numbered
        subprocess.run([*command, "--place", str(place), capture], check=True)

    # The first one begins the dataset; then many may add to it at once.
    numbered = list(enumerate(args.captures))
    one(numbered[0])
    if numbered[1:]:
        spark.sparkContext.parallelize(numbered[1:], len(numbered) - 1).foreach(one)


def link(ties: DataFrame, clients: DataFrame) -> DataFrame:
    """For every client the group of clients that it must be judged with: connected components, by spreading least labels."""
    ways = ties.groupBy("what").agg(
        F.countDistinct("client").alias("clients"),
        F.max((F.col("way") == "both").cast("int")).alias("both"),
        F.max((F.col("way") == "goes").cast("int")).alias("goes"),
        F.max((F.col("way") == "comes").cast("int")).alias("comes"),
    )
    joining = ways.where("clients > 1 AND (both = 1 OR (goes = 1 AND comes = 1))").select("what")
    edges = ties.join(joining, "what").select("client", "what").distinct().localCheckpoint()
    labels = clients.select("client", F.col("client").alias("label")).distinct().localCheckpoint()
    for _ in range(MOST_ROUNDS):
        least = edges.join(labels, "client").groupBy("what").agg(F.min("label").alias("least"))
        near = edges.join(least, "what").groupBy("client").agg(F.min("least").alias("near"))
        spread = labels.join(near, "client", "left").select(
            "client", F.col("label").alias("before"), F.least("label", F.coalesce("near", "label")).alias("label")
        )
        # A label is a client, which may have found a lesser one: jumping there halves the way.
        further = spread.select(F.col("client").alias("label"), F.col("label").alias("further"))
        jumped = spread.join(further, "label").select("client", "before", F.col("further").alias("label")).localCheckpoint()
        changed = jumped.where("before <> label").count()
        labels = jumped.select("client", "label")
        if not changed:
            return labels.withColumnRenamed("label", "group")
    raise SystemExit(f"fleet.py: clients are not linked after {MOST_ROUNDS} rounds")


def rows(exchanges: DataFrame, tokens: DataFrame, groups: DataFrame) -> DataFrame:
    """What is judged, as one table: exchanges, and with each group of clients the credentials that its exchanges name."""
    own = [F.col(name) for name in tokens.columns if name not in ("part", "number")]
    grouped = exchanges.join(groups, "client").select("group", "part", "client_address", "fact")
    lists = [F.col(f"fact.{name}.token") for name in ("credentials", "url_credentials", "delivered")]
    named = F.concat(*[F.coalesce(column, F.array().cast("array<bigint>")) for column in lists],
                     F.array(F.col("fact.request.refresh_token")))
    uses = grouped.select("group", "part", F.explode(named).alias("number")).where("number IS NOT NULL").distinct()
    needed = tokens.select("part", "number", F.struct(*own).alias("token")).join(uses, ["part", "number"])
    return grouped.unionByName(needed, allowMissingColumns=True)


def through(command, columns):
    """A function for mapInArrow: what a partition holds goes through a program, as a stream of Arrow both ways."""

    def run(batches):
        # A file between the two: neither side waits for the other, and memory holds a batch at a time.
        with tempfile.TemporaryFile() as stream:
            writer = None
            for batch in batches:
                batch = batch.drop_columns(["group"])
                writer = writer or pa.ipc.new_stream(stream, batch.schema)
                writer.write_batch(batch)
            if writer is None:
                return
            writer.close()
            stream.seek(0)
            program = subprocess.Popen(command, stdin=stream, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = program.communicate()
            if program.returncode:
                raise RuntimeError(err.decode(errors="replace"))
            for batch in pa.ipc.open_stream(out):
                yield batch.select(columns)

    return run


def clocks(spark) -> DataFrame:
    """The range that most bounds of each server's clock share (Marzullo), from the view `measures`."""
    return spark.sql("""
        WITH bounds AS (
            SELECT get_json_object(measure, '$.origin') AS origin, CAST(get_json_object(measure, '$.low') AS BIGINT) AS low,
                   CAST(get_json_object(measure, '$.high') AS BIGINT) AS high, count
            FROM measures WHERE get_json_object(measure, '$.of') = 'clock'),
        edges AS (
            SELECT origin, at, edge, SUM(count) AS count
            FROM (SELECT origin, low AS at, -1 AS edge, count FROM bounds
                  UNION ALL SELECT origin, high AS at, 1 AS edge, count FROM bounds) GROUP BY origin, at, edge),
        depths AS (
            SELECT origin, at, edge,
                   -SUM(edge * count) OVER (PARTITION BY origin ORDER BY at, edge
                                            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS depth,
                   COALESCE(LEAD(at) OVER (PARTITION BY origin ORDER BY at, edge), at) AS next
            FROM edges),
        best AS (
            SELECT *, ROW_NUMBER() OVER (PARTITION BY origin ORDER BY depth DESC, at, edge) AS place FROM depths),
        samples AS (SELECT origin, SUM(count) AS count FROM bounds GROUP BY origin)
        SELECT to_json(named_struct('of', 'offset', 'origin', best.origin, 'low', best.at, 'high', best.next,
                                    'consistent', best.depth = samples.count)) AS measure, samples.count AS count
        FROM best JOIN samples ON best.origin = samples.origin WHERE place = 1""")


def profile(spark, measures: DataFrame, path: pathlib.Path):
    """Adds up what the partitions counted, and writes it."""
    measures.groupBy("measure").agg(F.sum("count").alias("count")).localCheckpoint().createOrReplaceTempView("measures")
    others = spark.sql("SELECT measure, count FROM measures WHERE get_json_object(measure, '$.of') <> 'clock'")
    table = others.unionByName(clocks(spark)).orderBy("measure").toArrow()
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)


def incidents(findings: DataFrame) -> DataFrame:
    """Findings of one root cause, over all partitions."""
    rank = F.expr("CASE severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' THEN 2 WHEN 'low' THEN 1 ELSE 0 END")
    roots = F.when(F.expr("code = root_rule AND cause = root_cause"), F.struct(rank, "exchanges", -F.col("first_exchange"), "title",
                                                                     "severity", "confidence"))
    return findings.where("root_rule IS NOT NULL").groupBy("root_rule", "root_cause").agg(
        F.count("*").alias("findings"), F.min("first_exchange").alias("first_exchange"), F.max(roots).alias("root")
    ).select("root_rule", "root_cause", "root.severity", "root.confidence", "root.title", "findings", "first_exchange")


def concerned(args, exchanges: DataFrame, groups: DataFrame, findings: DataFrame) -> pathlib.Path:
    """A dataset of the clients that incidents are about: small enough for one machine, numbered as the whole."""
    first = findings.where("root_rule IS NOT NULL").select("first_exchange").distinct()
    parts = [(path.stem, json.loads(path.read_text())) for path in pathlib.Path(args.dataset, "parts").glob("*.json")]
    parts.sort(key=lambda part: part[1]["sequence"])
    begins, at = [], 0
    for name, part in parts:
        begins.append((name, at))
        at += part["ids"]
    numbered = exchanges.join(F.broadcast(exchanges.sparkSession.createDataFrame(begins, "part string, begins bigint")), "part")
    hit = numbered.join(first, F.expr("begins + fact.id = first_exchange"), "left_semi").select("client").distinct()
    whose = groups.join(groups.join(hit, "client").select("group").distinct(), "group").select("client")
    folder = pathlib.Path(args.output, "concerned")
    shutil.rmtree(folder, ignore_errors=True)
    kept = exchanges.join(whose, "client", "left_semi")
    kept.write.partitionBy("part").parquet(str(folder / "exchanges"))
    (folder / "parts").mkdir()
    shutil.copy(pathlib.Path(args.dataset, "dataset.json"), folder)
    (folder / "tokens").mkdir()
    for name, part in parts:
        files = sorted((folder / "exchanges" / f"part={name}").glob("*.parquet"))
        tokens = pathlib.Path(args.dataset, "tokens", f"{name}.parquet")
        shutil.copy(tokens, folder / "tokens")
        part["files"] = [{"path": str(f.relative_to(folder)), "rows": pq.read_metadata(f).num_rows} for f in files]
        part["files"].append({"path": f"tokens/{name}.parquet", "rows": pq.read_metadata(tokens).num_rows})
        (folder / "parts" / f"{name}.json").write_text(json.dumps(part))
    return folder


class Clock:
    """Says how long each step took."""

    def __init__(self):
        self.began = time.monotonic()

    def step(self, name, more=""):
        now = time.monotonic()
        print(f"{name}: {now - self.began:.1f} s{more}", flush=True)
        self.began = now


def main():
    args = arguments()
    spark = SparkSession.builder.appName("authtrace fleet").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    output = pathlib.Path(args.output)
    output.mkdir(parents=True, exist_ok=True)
    clock = Clock()
    if args.captures:
        extract(spark, args)
        clock.step("extract")
    exchanges = spark.read.parquet(f"{args.dataset}/exchanges")
    tokens = spark.read.parquet(f"{args.dataset}/tokens")
    groups = link(spark.read.parquet(f"{args.dataset}/ties"), exchanges.select("client"))
    clock.step("link", f", {groups.select('group').distinct().count()} groups of clients")
    count = args.partitions or 2 * spark.sparkContext.defaultParallelism
    # Looked at twice, and dear to make.
    partitions = rows(exchanges, tokens, groups).repartition(count, "group").persist(StorageLevel.DISK_ONLY)

    judge = [args.authtrace, "judge", "--arrow", "--dataset", args.dataset]
    counted = partitions.mapInArrow(through(judge, ["measure", "count"]), "measure string, count bigint")
    profile(spark, counted, output / "profile.arrow")
    clock.step("profile")

    columns = [line.split() for line in COLUMNS.strip().splitlines()]
    judged = partitions.mapInArrow(
        through([*judge, "--profile", str(output / "profile.arrow")], [name for name, _ in columns]),
        ", ".join(f"{name} {kind}" for name, kind in columns),
    )
    judged.write.mode("overwrite").parquet(str(output / "findings"))
    findings = spark.read.parquet(str(output / "findings"))
    merged = incidents(findings)
    merged.write.mode("overwrite").parquet(str(output / "incidents"))
    clock.step("judge", f", {findings.count()} findings, {merged.count()} incidents")
    if not args.no_report and merged.count():
        folder = concerned(args, exchanges, groups, findings)
        done = subprocess.run([args.authtrace, "report", str(folder), "--profile", str(output / "profile.arrow"),
                               "-o", str(output / "report"), "--exit-zero"])
        if done.returncode:
            raise SystemExit(done.returncode)
        clock.step("report")
    spark.stop()


# Columns of a finding that mean the same in every partition; `authtrace query --schema` says what each is.
COLUMNS = """
code string
rule string
variant string
severity string
confidence double
title string
message string
origin string
route string
call_site string
first_exchange bigint
exchanges bigint
fingerprint string
cause string
root_rule string
root_cause string
session_first bigint
"""

if __name__ == "__main__":
    main()
