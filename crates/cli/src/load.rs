//! Named inputs become an analysis: every input is read, and one that fails does not keep the others from being reported.

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufReader,
    num::NonZero,
    panic,
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use authtrace_analyze::{
    Analysis, Analyzer, BodyNeeds, Settings,
    coverage::{Input, InputFormat},
    profile::{Profile, Sums},
    text::Text,
    token::classify,
};
use authtrace_capture::{Container, DetailSource, InputPath, InputReport, Plan, expand, join_rotated, read_input};
use authtrace_dataset::{Dataset, ReadPart, read_measures};
use authtrace_parse::{Exchange, Secret, SecretStr, Timestamp};
use authtrace_report::visible;

use crate::{
    args::InspectArgs,
    details::Details,
    expectations,
    interrupt::Interrupt,
    keylog, keys,
    progress::Progress,
    rounds,
    watch::{Arrivals, Watch},
};

/// What loading came to.
pub(crate) struct Loaded {
    /// The analysis of every input that could be read.
    pub(crate) analysis: Analysis,
    /// Where its exchanges can be read again.
    pub(crate) details: Details,
    /// Whether a named input gave nothing.
    pub(crate) failed: bool,
    /// Whether no input at all could be read.
    pub(crate) nothing: bool,
    /// Whether reading was cut short by the user.
    pub(crate) interrupted: bool,
}

/// Reads what `args` names, until Ctrl-C; progress goes to standard error.
pub(crate) fn load(args: &InspectArgs) -> anyhow::Result<Loaded> {
    read_all(args, false, &Interrupt::listen(), &mut Progress::new(args.output.quiet))
}

/// The same for those who ask what was found, and for what will be `shared`: it tells less of secrets. A dataset of more than
/// `at_once` exchanges is judged in rounds, where that comes to the same; then exchanges that are in order are counted only.
pub(crate) fn load_findings(args: &InspectArgs, shared: bool, at_once: Option<u64>) -> anyhow::Result<Loaded> {
    let (interrupt, mut progress) = (Interrupt::listen(), Progress::new(args.output.quiet));
    match rounds::load(args, shared, at_once, &interrupt, &mut progress)? {
        Some(loaded) => Ok(loaded),
        None => read_all(args, shared, &interrupt, &mut progress),
    }
}

/// Reads what `args` names, until `interrupt`, before the eyes of `watch`.
pub(crate) fn load_watched(args: &InspectArgs, interrupt: &Interrupt, watch: &mut dyn Watch) -> anyhow::Result<Loaded> {
    read_all(args, false, interrupt, watch)
}

fn read_all(args: &InspectArgs, shared: bool, interrupt: &Interrupt, watch: &mut dyn Watch) -> anyhow::Result<Loaded> {
    let settings = settings(args, shared)?;
    let key_log = Arc::new(keylog::read(&args.keylog)?);
    let (inputs, failed) = inputs(&args.paths()?, watch);
    let mut reading = Reading {
        analyzer: Analyzer::new(settings),
        read: Vec::new(),
        details: Details::default(),
        first_id: 0,
        failed,
    };
    let threads = threads(args)?;
    for given in &inputs {
        if interrupt.is_set() {
            break;
        }
        match given {
            Given::Dataset(path) => reading.dataset(path, watch)?,
            Given::Capture(path) => {
                let keys = Arc::clone(&key_log);
                let plan = Plan {
                    index: reading.index()?,
                    first_id: reading.first_id,
                    threads,
                    keys,
                    ..Plan::new(&BodyNeeds)
                };
                reading.capture(path, &plan, watch, interrupt);
            }
        }
    }
    watch.done();
    let Reading { analyzer, read, details, first_id, failed } = reading;
    let nothing = read.is_empty();
    let began = Instant::now();
    let analysis = match &args.profile {
        Some(path) => analyzer.finish_against(read, profile(path)?),
        None => analyzer.finish(read),
    };
    if !nothing {
        for document in analysis.capture.idle_documents() {
            watch.complain(&format!("{document} describes no call of this capture"));
        }
    }
    tracing::debug!("judged {first_id} exchanges in {:.3} s", began.elapsed().as_secs_f64());
    Ok(Loaded { analysis, details, failed, nothing, interrupted: interrupt.is_set() })
}

/// What has been read so far.
struct Reading {
    analyzer: Analyzer,
    read: Vec<Input>,
    details: Details,
    first_id: u32,
    failed: bool,
}

impl Reading {
    /// Number of the next input.
    fn index(&self) -> anyhow::Result<u16> {
        u16::try_from(self.read.len()).context("more than 65536 inputs; name fewer")
    }

    fn capture(&mut self, path: &InputPath, plan: &Plan<'_>, watch: &mut dyn Watch, interrupt: &Interrupt) {
        match read_one(path, plan, &mut self.analyzer, watch, interrupt) {
            Ok((input, next)) => {
                self.first_id = next;
                self.read.push(input);
                self.details.push(DetailSource::new(path.clone()).with_keys(Arc::clone(&plan.keys)));
            }
            Err(error) => self.complain(&format!("cannot read {error}"), watch),
        }
    }

    fn dataset(&mut self, path: &Path, watch: &mut dyn Watch) -> anyhow::Result<()> {
        let parts = match Dataset::open(path) {
            Ok(dataset) => dataset.parts(),
            Err(error) => {
                self.complain(&format!("cannot read {error}"), watch);
                return Ok(());
            }
        };
        let shown = path.display().to_string();
        let shown = visible(&shown, 1000);
        for part in parts {
            let ReadPart { part, input, ids } = match part {
                Ok(part) => part,
                Err(error) => {
                    self.complain(&format!("cannot read {error}"), watch);
                    continue;
                }
            };
            watch.tick(&shown);
            let index = self.index()?;
            self.analyzer.add(part, self.first_id, index);
            self.first_id = self.first_id.saturating_add(ids);
            self.details.push(DetailSource::of_dataset(&input.path, input.bytes));
            self.read.push(input);
        }
        Ok(())
    }

    fn complain(&mut self, message: &str, watch: &mut dyn Watch) {
        self.failed = true;
        watch.complain(message);
    }
}

/// What the flags and the settings file decide; less is told of secrets in what will be `shared`.
pub(crate) fn settings(args: &InspectArgs, shared: bool) -> anyhow::Result<Settings> {
    Ok(Settings {
        keys: keys::ring(&args.keys)?,
        fingerprint_key: fingerprint_key(args.fingerprint_key.as_deref())?,
        shared,
        expectations: expectations::expectations(args)?,
        thresholds: args.judgement.thresholds.clone(),
        severities: args.judgement.severities.clone(),
        own_rules: args.judgement.own_rules.clone(),
        source_maps: expectations::source_maps(args)?,
    })
}

/// What all clients add up to, out of the file at `path`.
pub(crate) fn profile(path: &Path) -> anyhow::Result<Profile> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let measures =
        told_once(|| read_measures(BufReader::new(file))).with_context(|| format!("{shown} is no profile"))?;
    let mut sums = Sums::default();
    sums.extend(measures);
    Ok(sums.profile())
}

/// Reads a stream of Arrow. Where it is damaged, the library may panic, which is an error by then and is told as one.
pub(crate) fn told_once<T>(read: impl FnOnce() -> T) -> T {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let read = read();
    panic::set_hook(hook);
    read
}

/// How many threads may be busy, told to whoever judges.
pub(crate) fn threads(args: &InspectArgs) -> anyhow::Result<usize> {
    let Some(threads) = args.threads.map(NonZero::get) else { return Ok(Plan::new(&BodyNeeds).threads) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .with_context(|| format!("--threads {threads}: the threads cannot be started"))?;
    Ok(threads)
}

/// What a path stands for.
pub(crate) enum Given {
    /// A capture.
    Capture(InputPath),
    /// A folder of facts.
    Dataset(PathBuf),
}

/// What the paths stand for, and whether any stands for nothing.
pub(crate) fn inputs(paths: &[PathBuf], watch: &mut dyn Watch) -> (Vec<Given>, bool) {
    let mut inputs = Vec::new();
    let mut captures = Vec::new();
    let mut failed = false;
    for path in paths {
        if is_token(path) {
            watch.complain("a token was given where a file is needed; use `authtrace token -` and paste it");
            failed = true;
            continue;
        }
        if Dataset::is_at(path) {
            inputs.extend(join_rotated(std::mem::take(&mut captures)).into_iter().map(Given::Capture));
            inputs.push(Given::Dataset(path.clone()));
            continue;
        }
        match expand(std::slice::from_ref(path)) {
            Ok(found) => captures.extend(found),
            Err(error) => {
                watch.complain(&format!("cannot read {error}"));
                failed = true;
            }
        }
    }
    inputs.extend(join_rotated(captures).into_iter().map(Given::Capture));
    (inputs, failed)
}

/// Whether the path is a token in truth: an error that repeats it would put it on the screen.
fn is_token(path: &std::path::Path) -> bool {
    let Some(text) = path.to_str().filter(|text| text.len() > 40 && !text.contains('/')) else { return false };
    !path.exists() && classify(SecretStr::new(text), None).kind.is_jose()
}

/// Reads one capture into `analyzer`: what it is, and the first id that the next one may use.
pub(crate) fn read_one(
    path: &InputPath,
    plan: &Plan<'_>,
    analyzer: &mut Analyzer,
    watch: &mut dyn Watch,
    interrupt: &Interrupt,
) -> Result<(Input, u32), authtrace_capture::InputError> {
    let path_shown = path.display();
    let shown = visible(&path_shown, 1000);
    let mut seen = Seen::default();
    // What still comes out of a pipe was written before its writer was interrupted, too.
    let piped = *path == InputPath::Stdin;
    let arrivals = watch.arrivals();
    let report = thread::scope(|scope| {
        let mut facts = Facts::new(scope, plan, analyzer, arrivals);
        read_input(path, plan, &mut |exchange| {
            if interrupt.is_set() && !piped {
                return;
            }
            watch.tick(&shown);
            seen.note(&exchange);
            facts.push(exchange);
        })
    })?;
    tracing::info!(
        "{shown}: {} exchanges of {} entries and {} frames, {} bytes",
        report.exchanges,
        report.entries,
        report.frames,
        report.bytes
    );
    let next = report.next_id;
    Ok((seen.input(report), next))
}

/// Draws the facts of what arrives, and says how long that took.
fn draw_facts(batches: &mpsc::Receiver<Vec<Exchange>>, analyzer: &mut Analyzer, mut arrivals: Option<Arrivals>) {
    let mut busy = Duration::ZERO;
    for batch in batches {
        let began = Instant::now();
        batch.iter().for_each(|exchange| draw(exchange, analyzer, arrivals.as_mut()));
        drop(batch);
        busy += began.elapsed();
    }
    tracing::debug!("drew facts in {:.3} s", busy.as_secs_f64());
}

fn draw(exchange: &Exchange, analyzer: &mut Analyzer, arrivals: Option<&mut Arrivals>) {
    analyzer.push(exchange);
    if let (Some(arrivals), Some(fact)) = (arrivals, analyzer.last()) {
        arrivals(fact);
    }
}

/// Exchanges handed over at a time, and batches under way: enough to keep both sides busy, little enough to hold in memory.
const BATCH: usize = 64;
const BATCHES: usize = 16;

/// Where facts are drawn: on a thread of its own, or, where only one may be busy, at once.
enum Facts<'a> {
    Here(&'a mut Analyzer, Option<Arrivals>),
    Beside(Batch),
}

impl<'a> Facts<'a> {
    fn new<'scope>(
        scope: &'scope thread::Scope<'scope, 'a>,
        plan: &Plan<'_>,
        analyzer: &'a mut Analyzer,
        arrivals: Option<Arrivals>,
    ) -> Self {
        if plan.threads == 1 {
            return Self::Here(analyzer, arrivals);
        }
        let (sender, receiver) = mpsc::sync_channel::<Vec<Exchange>>(BATCHES);
        scope.spawn(move || draw_facts(&receiver, analyzer, arrivals));
        Self::Beside(Batch { sender, exchanges: Vec::with_capacity(BATCH) })
    }

    fn push(&mut self, exchange: Exchange) {
        match self {
            Self::Here(analyzer, arrivals) => draw(&exchange, analyzer, arrivals.as_mut()),
            Self::Beside(batch) => batch.push(exchange),
        }
    }
}

/// Hands exchanges in order to the thread that draws their facts; the last ones when it is dropped.
struct Batch {
    sender: mpsc::SyncSender<Vec<Exchange>>,
    exchanges: Vec<Exchange>,
}

impl Batch {
    fn push(&mut self, exchange: Exchange) {
        self.exchanges.push(exchange);
        if self.exchanges.len() == BATCH {
            self.send();
        }
    }

    fn send(&mut self) {
        let full = std::mem::replace(&mut self.exchanges, Vec::with_capacity(BATCH));
        // The receiver ends only when its thread panics, and then the scope passes the panic on.
        let _ = self.sender.send(full);
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.send();
    }
}

/// What the exchanges of one input say about it.
#[derive(Clone, Default)]
pub(crate) struct Seen {
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    anomalies: BTreeMap<&'static str, u64>,
}

impl Seen {
    /// Notes one more of them.
    pub(crate) fn note(&mut self, exchange: &Exchange) {
        if let Some(at) = exchange.timing.started.or(exchange.timing.sent) {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
        for kind in &exchange.anomalies {
            *self.anomalies.entry(kind.name()).or_default() += 1;
        }
    }

    /// What an input that is not over yet has shown.
    #[cfg(feature = "live")]
    pub(crate) fn so_far(&self) -> Input {
        Input { anomalies: named(&self.anomalies), first: self.first, last: self.last, ..Input::default() }
    }

    /// The input that they came from.
    pub(crate) fn input(mut self, report: InputReport) -> Input {
        for anomaly in &report.anomalies {
            *self.anomalies.entry(anomaly.kind.name()).or_default() += 1;
        }
        Input {
            path: report.path,
            format: match report.format.container {
                Container::Har => InputFormat::Har,
                Container::Pcap => InputFormat::Pcap,
                Container::Pcapng => InputFormat::Pcapng,
            },
            sha256: report.sha256,
            bytes: report.bytes,
            exchanges: report.exchanges,
            creator: report.creator.as_deref().map(Into::into),
            truncated: report.truncated,
            anomalies: named(&self.anomalies),
            first: self.first,
            last: self.last,
            opaque: report.opaque,
            opaque_count: report.opaque_count,
            quic: report.quic,
            decrypted_count: report.decrypted_count,
            dropped: report.drops.total(),
            forgotten: 0,
        }
    }
}

/// Counts by name, as an input keeps them.
fn named(counts: &BTreeMap<&'static str, u64>) -> BTreeMap<Text, u64> {
    counts.iter().map(|(name, count)| (Text::from(*name), *count)).collect()
}

/// The key that the file behind `--fingerprint-key` holds.
pub(crate) fn fingerprint_key(spec: Option<&str>) -> anyhow::Result<Option<Secret>> {
    let Some(spec) = spec else { return Ok(None) };
    let Some(path) = spec.strip_prefix('@') else {
        bail!(
            "--fingerprint-key: give a file as @FILE; a key in the arguments is visible to every user of this machine"
        );
    };
    let key = std::fs::read(path).map_err(|e| anyhow::anyhow!("--fingerprint-key: cannot read {path}: {e}"))?;
    if key.trim_ascii().is_empty() {
        bail!("--fingerprint-key: {path} is empty");
    }
    Ok(Some(Secret::new(String::from_utf8_lossy(key.trim_ascii()).into_owned())))
}
