//! What `redact` and `convert` share: the first look at a capture, the file that grows beside its final name, the receipt.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use authtrace_analyze::{Analysis, Analyzer, BodyNeeds, Settings};
use authtrace_capture::{Container, InputPath, InputReport, Plan, read_input};
use authtrace_parse::{Exchange, KeyLog};
use authtrace_redact::{About, Preparation, Redactor, Sweep};
use regex::Regex;
use zeroize::Zeroizing;

use crate::{
    args::{OutputArgs, ShareArgs},
    interrupt::Interrupt,
    keylog,
    load::{self, Seen},
    output::{self, Output, complain},
    progress::Progress,
};

/// A capture that was looked through once.
pub(super) struct Look {
    /// What is in it.
    pub(super) analysis: Analysis,
    /// Who takes its secrets out.
    pub(super) redactor: Redactor,
    /// What it is.
    pub(super) container: Container,
    /// Secrets of its TLS connections.
    pub(super) keys: Arc<KeyLog>,
    /// Its connections that speak plain HTTP/1, by their first frame, with their exchanges.
    pub(super) plain: BTreeMap<u32, u64>,
    key_given: bool,
}

/// Reads the capture to its end and learns what must go; `None` where it gave nothing, which was said.
pub(super) fn look(args: &ShareArgs, interrupt: &Interrupt) -> anyhow::Result<Option<Look>> {
    let patterns = args.pattern.iter().map(|spec| pattern(spec)).collect::<anyhow::Result<Vec<_>>>()?;
    let given = load::fingerprint_key(args.fingerprint_key.as_deref())?;
    let keys = Arc::new(keylog::read(&args.keylog)?);
    let mut analyzer = Analyzer::new(Settings::default());
    let (mut preparation, mut seen) = (Preparation::default(), Seen::default());
    let plan = Plan { keys: Arc::clone(&keys), ..Plan::new(&BodyNeeds) };
    let read = read(args, &plan, interrupt, &mut |exchange| {
        seen.note(&exchange);
        preparation.note(&exchange);
        analyzer.push(&exchange);
    })?;
    let Some(report) = read else { return Ok(None) };
    let container = report.format.container;
    let analysis = analyzer.finish(vec![seen.input(report)]);
    let mut random = Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *random).map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    let key = given.as_ref().map_or(&random[..], |key| key.expose().as_bytes());
    let plain = preparation.plain_connections();
    let mut redactor = preparation.redactor(key, &analysis, patterns);
    // The copy may not show what the capture could not: a cut file is whole in it.
    for coverage in &analysis.coverage {
        redactor
            .receipt
            .remark(&format!("of the original, {} {}: {}", coverage.rule.code, coverage.rule.id, coverage.says));
    }
    Ok(Some(Look { analysis, redactor, container, keys, plain, key_given: given.is_some() }))
}

/// Reads the capture; `None` where it gave nothing, which was said.
pub(super) fn read(
    args: &ShareArgs,
    plan: &Plan<'_>,
    interrupt: &Interrupt,
    sink: &mut dyn FnMut(Exchange),
) -> anyhow::Result<Option<InputReport>> {
    let path = args.path()?;
    let shown = path.display().to_string();
    let shown = authtrace_report::visible(&shown, 1000);
    let mut progress = Progress::new(args.quiet);
    let read = read_input(&InputPath::File(path.to_owned()), plan, &mut |exchange| {
        if !interrupt.is_set() {
            progress.tick(&shown);
            sink(exchange);
        }
    });
    progress.clear();
    Ok(read.map_err(|error| complain(&format!("cannot read {error}"))).ok())
}

fn pattern(spec: &str) -> anyhow::Result<(String, Regex)> {
    let (name, pattern) = spec.split_once('=').context("--pattern: write NAME=REGEX")?;
    let sound =
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if !sound {
        bail!("--pattern: the name in NAME=REGEX has letters, digits, _ and -");
    }
    // The message would repeat the expression, which may hold what is to be hidden.
    let regex = Regex::new(pattern).map_err(|_| anyhow::anyhow!("--pattern {name}: no regular expression"))?;
    Ok((name.to_owned(), regex))
}

/// A file that has its name only when it is whole and holds no known secret.
pub(super) struct Draft {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    /// What must not be written; `None` where everything may.
    sweep: Option<Sweep>,
    /// The end of what was written, where a secret may have begun.
    tail: Vec<u8>,
    failure: Option<io::Error>,
    leaks: bool,
}

impl Draft {
    /// Begins the file at `path`.
    pub(super) fn new(args: &ShareArgs, sweep: Option<Sweep>) -> anyhow::Result<Self> {
        let path = args.output.clone();
        let same =
            |other: &Path| fs::canonicalize(other).ok().zip(fs::canonicalize(&path).ok()).is_some_and(|(a, b)| a == b);
        if same(args.path()?) {
            bail!("-o names the capture itself; name another file");
        }
        if path.is_dir() {
            bail!("-o: {} is a directory; name a file", path.display());
        }
        let mut part = path.clone().into_os_string();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = output::create(&part).map_err(|error| unwritable(&path, &error))?;
        Ok(Self { path, part, file: BufWriter::new(file), sweep, tail: Vec::new(), failure: None, leaks: false })
    }

    /// Writes the next bytes; what goes wrong is said at the end.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if let Some(sweep) = &self.sweep {
            self.tail.extend_from_slice(bytes);
            self.leaks |= sweep.finds(&self.tail);
            let keep = sweep.longest().min(self.tail.len());
            self.tail.drain(..self.tail.len() - keep);
        }
        if self.failure.is_none()
            && !self.leaks
            && let Err(error) = self.file.write_all(bytes)
        {
            self.failure = Some(error);
        }
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let flushed = self.failure.take().map_or_else(|| self.file.flush(), Err);
        let (path, part) = (self.path.clone(), self.part.clone());
        if self.leaks {
            self.discard();
            bail!(
                "what was to be written still holds a secret of the capture, so nothing was written; this is a defect, report it"
            );
        }
        if let Err(error) = flushed.and_then(|()| fs::rename(&part, &path)) {
            self.discard();
            return Err(unwritable(&path, &error));
        }
        Ok(())
    }

    /// Leaves nothing.
    pub(super) fn discard(self) {
        // It may never have been written.
        let _ = fs::remove_file(&self.part);
    }
}

fn unwritable(path: &Path, error: &io::Error) -> anyhow::Error {
    anyhow::anyhow!("cannot write {}: {error}; check -o", path.display())
}

/// Writes the receipt beside the capture, and for a person to standard output.
pub(super) fn receipt(args: &ShareArgs, look: &Look) -> anyhow::Result<()> {
    let format = match look.container {
        Container::Har => "HAR",
        Container::Pcap => "pcap",
        Container::Pcapng => "pcapng",
    };
    let about = About {
        version: env!("CARGO_PKG_VERSION"),
        format,
        exchanges: look.analysis.capture.facts.len() as u64,
        key_given: look.key_given,
        distinct: look.redactor.distinct(),
        misshapen: look.redactor.misshapen(),
    };
    let path = args.receipt.clone().unwrap_or_else(|| {
        let mut path = args.output.clone().into_os_string();
        path.push(".receipt.json");
        path.into()
    });
    let json = look.redactor.receipt.json(&about);
    output::to_file(&path, json.as_bytes())
        .map_err(|e| anyhow::anyhow!("cannot write {}: {e}; check --receipt", path.display()))?;
    if args.quiet {
        return Ok(());
    }
    let text = look.redactor.receipt.text(&about);
    // Names of fields in it are ordinary ones; nothing else of the capture is.
    Output::new(&OutputArgs::default()).write(&text)
}
