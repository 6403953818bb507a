//! `judge`: a dataset that is judged in parts, each apart from the others, gives the findings of the whole.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests write files and may panic")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, StructArray, new_null_array};
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use support::{root, shared};

fn authtrace(args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authtrace"));
    let mut child = command
        .args(args)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    output
}

/// What the program writes where all goes well.
#[track_caller]
fn said(args: &[&str], input: &[u8]) -> Vec<u8> {
    let output = authtrace(args, input);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn table(dataset: &Path, name: &str) -> Vec<RecordBatch> {
    let files = files(&dataset.join(name)).into_iter();
    let readers = files.map(|path| ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap());
    readers.flat_map(|reader| reader.build().unwrap()).map(Result::unwrap).collect()
}

fn texts<'b>(batch: &'b RecordBatch, column: &str) -> impl Iterator<Item = String> + 'b {
    let cells: &StringArray = batch.column_by_name(column).unwrap().as_any().downcast_ref().unwrap();
    cells.iter().map(|cell| cell.unwrap().to_owned()).collect::<Vec<_>>().into_iter()
}

/// For every client the one that names its group, by the ties of the dataset.
fn groups(dataset: &Path) -> BTreeMap<String, String> {
    let mut by_what: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for batch in table(dataset, "ties") {
        for ((client, what), way) in texts(&batch, "client").zip(texts(&batch, "what")).zip(texts(&batch, "way")) {
            by_what.entry(what).or_default().entry(way).or_default().insert(client);
        }
    }
    let clients =
        table(dataset, "exchanges").iter().flat_map(|b| texts(b, "client").collect::<Vec<_>>()).collect::<Vec<_>>();
    let mut groups: BTreeMap<String, String> = clients.into_iter().map(|client| (client.clone(), client)).collect();
    for ways in by_what.values() {
        let mut tied = ways.get("both").cloned().unwrap_or_default();
        if let (Some(goes), Some(comes)) = (ways.get("goes"), ways.get("comes")) {
            tied.extend(goes.iter().chain(comes).cloned());
        }
        let labels: BTreeSet<String> = tied.iter().map(|client| groups[client].clone()).collect();
        if let Some(least) = labels.first().cloned() {
            groups.values_mut().filter(|label| labels.contains(*label)).for_each(|label| label.clone_from(&least));
        }
    }
    groups
}

/// The columns of the table that `judge` reads, of the types that this dataset has.
fn schema(exchanges: &RecordBatch, tokens: &RecordBatch) -> (SchemaRef, Vec<usize>) {
    let names = tokens.schema();
    let own: Vec<usize> = (0..names.fields().len())
        .filter(|&at| !["part", "number"].contains(&names.field(at).name().as_str()))
        .collect();
    let token = names.project(&own).unwrap().fields().clone();
    let field = |name: &str, kind: DataType| Field::new(name, kind, true);
    let fields = vec![
        field("part", DataType::Utf8),
        field("client_address", DataType::Utf8),
        field("fact", exchanges.column_by_name("fact").unwrap().data_type().clone()),
        field("number", DataType::Int64),
        field("token", DataType::Struct(token)),
    ];
    (Arc::new(Schema::new(fields)), own)
}

/// `columns` in the shape of `schema`, null where there is none.
fn shaped(schema: &SchemaRef, columns: &[(&str, ArrayRef)], rows: usize) -> RecordBatch {
    let cells = schema.fields().iter().map(|field| {
        let known = columns.iter().find(|(name, _)| name == field.name());
        known.map_or_else(|| new_null_array(field.data_type(), rows), |(_, column)| column.clone())
    });
    RecordBatch::try_new(schema.clone(), cells.collect()).unwrap()
}

/// The stream of the exchanges that `is_mine` takes, with the credentials of all: a worker may get more than it needs.
fn stream(dataset: &Path, is_mine: impl Fn(&str) -> bool) -> Vec<u8> {
    let (exchanges, tokens) = (table(dataset, "exchanges"), table(dataset, "tokens"));
    let (schema, own) = schema(&exchanges[0], &tokens[0]);
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    for batch in &exchanges {
        let mine: BooleanArray = texts(batch, "client").map(|client| Some(is_mine(&client))).collect();
        let batch = filter_record_batch(batch, &mine).unwrap();
        let columns =
            ["part", "client_address", "fact"].map(|name| (name, batch.column_by_name(name).unwrap().clone()));
        writer.write(&shaped(&schema, &columns, batch.num_rows())).unwrap();
    }
    for batch in &tokens {
        let token: ArrayRef = Arc::new(StructArray::from(batch.project(&own).unwrap()));
        let column = |name| batch.column_by_name(name).unwrap().clone();
        let columns = [("part", column("part")), ("number", column("number")), ("token", token)];
        writer.write(&shaped(&schema, &columns, batch.num_rows())).unwrap();
    }
    writer.into_inner().unwrap()
}

/// The rows of a stream of Arrow, each as text.
fn rows(stream: &[u8]) -> Vec<String> {
    let batches = StreamReader::try_new(Cursor::new(stream), None).unwrap().map(Result::unwrap);
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<String> = batch.columns().iter().map(|column| format!("{:?}", column.data_type())).collect();
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| format!("{:?}", column.slice(row, 1)));
            rows.push(format!("{columns:?} {}", cells.collect::<String>()));
        }
    }
    rows.sort();
    rows
}

/// The sums of several streams of measures, as one.
fn summed(streams: &[Vec<u8>]) -> Vec<u8> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for stream in streams {
        for batch in StreamReader::try_new(Cursor::new(stream), None).unwrap().map(Result::unwrap) {
            let counts: &Int64Array = batch.column_by_name("count").unwrap().as_any().downcast_ref().unwrap();
            for (measure, count) in texts(&batch, "measure").zip(counts) {
                *sums.entry(measure).or_default() += count.unwrap();
            }
        }
    }
    let columns: [(&str, ArrayRef); 2] = [
        ("measure", Arc::new(StringArray::from_iter_values(sums.keys()))),
        ("count", Arc::new(sums.values().copied().map(Some).collect::<Int64Array>())),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Judged in one part, in two and in a part a group, the captures say the same.
#[track_caller]
fn check(captures: &[PathBuf], least_groups: usize) {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("facts");
    let at = dataset.to_str().unwrap();
    let paths: Vec<&str> = captures.iter().map(|path| path.to_str().unwrap()).collect();
    said(&[&["extract", "-q", "-o", at], &paths[..]].concat(), b"");
    let groups = groups(&dataset);
    let labels: Vec<&String> = groups.values().collect::<BTreeSet<_>>().into_iter().collect();
    assert!(labels.len() >= least_groups, "{} groups of {} clients", labels.len(), groups.len());
    let mut answers = Vec::new();
    for count in [1, 2, labels.len()] {
        let place = |client: &str| labels.binary_search(&&groups[client]).unwrap() % count;
        let streams: Vec<Vec<u8>> = (0..count).map(|n| stream(&dataset, |client| place(client) == n)).collect();
        let judge = ["judge", "--arrow", "--dataset", at];
        let profile = folder.path().join("profile.arrow");
        fs::write(&profile, summed(&streams.iter().map(|s| said(&judge, s)).collect::<Vec<_>>())).unwrap();
        let judge = [&judge[..], &["--profile", profile.to_str().unwrap()]].concat();
        let mut findings: Vec<String> = streams.iter().flat_map(|s| rows(&said(&judge, s))).collect();
        findings.sort();
        answers.push(findings);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{captures:?}");
    let counted = said(&["query", at, "SELECT COUNT(*) AS n FROM findings", "-T", "csv"], b"");
    assert_eq!(String::from_utf8(counted).unwrap(), format!("n\n{}\n", answers[0].len()));
    assert!(!answers[0].is_empty());
    assert_eq!(document(at, &["--at-once", "1"]), document(at, &[]), "{captures:?} in rounds of one group");
}

/// What `analyze` prints of the dataset at `at` but for lists of what is in order, too: in rounds, that is only counted.
fn document(at: &str, flags: &[&str]) -> serde_json::Value {
    let text = said(&[&["analyze", at, "-T", "json", "--exit-zero", "--no-config"], flags].concat(), b"");
    let mut document: serde_json::Value = serde_json::from_slice(&text).unwrap();
    for list in ["sessions", "tokens"] {
        document.as_object_mut().unwrap().remove(list);
    }
    document
}

fn ending(folder: &Path, end: &str) -> Vec<PathBuf> {
    files(folder).into_iter().filter(|path| path.extension().is_some_and(|found| found == end)).collect()
}

#[test]
fn samples_that_are_judged_apart_are_judged_the_same() {
    let samples: Vec<PathBuf> = ending(&root().join("captures"), "har")
        .into_iter()
        .filter(|p| p.parent() == Some(&root().join("captures")))
        .collect();
    check(&samples, 3);
}

#[test]
fn lab_captures_that_are_judged_apart_are_judged_the_same() {
    let Some(lab) = shared("lab") else { return };
    check(&ending(&lab, "har"), 3);
    check(&ending(&lab, "pcapng"), 1);
}

/// The same stream with something missing: one line that says what.
#[test]
fn what_is_not_whole_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = folder.path().join("facts");
    let at = dataset.to_str().unwrap();
    said(&["extract", "-q", "-o", at, "captures/race.har"], b"");
    let whole = stream(&dataset, |_| true);
    let judge = ["judge", "--arrow", "--dataset", at];
    let refused = |args: &[&str], input: &[u8], why: &str| {
        let output = authtrace(args, input);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains(why), "{said}");
        assert!(output.stdout.is_empty());
    };
    refused(&judge, b"", "standard input");
    refused(&judge, &whole[..whole.len() / 2], "standard input");
    for at in (0..whole.len().min(4000)).step_by(97) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        let output = authtrace(&judge, &damaged);
        let said = String::from_utf8(output.stderr).unwrap();
        let sound = matches!((output.status.code(), said.lines().count()), (Some(0), 0) | (Some(2), 1));
        assert!(sound, "byte {at}: {said}");
    }
    refused(&["judge", "--dataset", at], &whole, "--arrow");
    refused(&[&judge[..], &["--profile", "captures/race.har"]].concat(), &whole, "race.har is no profile");
    let other = folder.path().join("other");
    said(&["extract", "-q", "-o", other.to_str().unwrap(), "captures/storm.har"], b"");
    refused(&["judge", "--arrow", "--dataset", other.to_str().unwrap()], &whole, "is not in");
}
