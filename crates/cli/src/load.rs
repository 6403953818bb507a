//! Named inputs become an analysis: every input is read, and one that fails does not keep the others from being reported.

use std::{
    collections::BTreeMap,
    num::NonZero,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use authtrace_analyze::{
    Analysis, Analyzer, BodyNeeds, Settings,
    coverage::{Input, InputFormat},
    token::classify,
};
use authtrace_capture::{Container, DetailSource, InputPath, InputReport, Plan, expand, read_input};
use authtrace_parse::{Exchange, Secret, SecretStr, Timestamp};
use authtrace_report::visible;

use crate::{
    args::InspectArgs,
    details::Details,
    expectations,
    interrupt::Interrupt,
    keylog, keys,
    progress::Progress,
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
    load_for(args, false)
}

/// The same for what will be `shared`: it tells less of secrets.
pub(crate) fn load_for(args: &InspectArgs, shared: bool) -> anyhow::Result<Loaded> {
    read_all(args, shared, &Interrupt::listen(), &mut Progress::new(args.output.quiet))
}

/// Reads what `args` names, until `interrupt`, before the eyes of `watch`.
pub(crate) fn load_watched(args: &InspectArgs, interrupt: &Interrupt, watch: &mut dyn Watch) -> anyhow::Result<Loaded> {
    read_all(args, false, interrupt, watch)
}

fn read_all(args: &InspectArgs, shared: bool, interrupt: &Interrupt, watch: &mut dyn Watch) -> anyhow::Result<Loaded> {
    let settings = settings(args, shared)?;
    let key_log = Arc::new(keylog::read(&args.keylog)?);
    let (inputs, mut failed) = inputs(&args.paths()?, watch);
    let mut analyzer = Analyzer::new(settings);
    let threads = threads(args)?;
    let (mut read, mut details) = (Vec::new(), Details::default());
    let mut first_id = 0;
    for path in &inputs {
        if interrupt.is_set() {
            break;
        }
        let index = u16::try_from(read.len()).context("more than 65536 inputs; name fewer")?;
        let plan = Plan { index, first_id, threads, keys: Arc::clone(&key_log), ..Plan::new(&BodyNeeds) };
        match read_one(path, &plan, &mut analyzer, watch, interrupt) {
            Ok((input, next)) => {
                first_id = next;
                read.push(input);
                details.push(DetailSource::new(path.clone()).with_keys(Arc::clone(&key_log)));
            }
            Err(error) => {
                failed = true;
                watch.complain(&format!("cannot read {error}"));
            }
        }
    }
    watch.done();
    let nothing = read.is_empty();
    let began = Instant::now();
    let analysis = analyzer.finish(read);
    if !nothing {
        for document in analysis.capture.idle_documents() {
            watch.complain(&format!("{document} describes no call of this capture"));
        }
    }
    tracing::debug!("judged {first_id} exchanges in {:.3} s", began.elapsed().as_secs_f64());
    Ok(Loaded { analysis, details, failed, nothing, interrupted: interrupt.is_set() })
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

/// How many threads may be busy, told to whoever judges.
pub(crate) fn threads(args: &InspectArgs) -> anyhow::Result<usize> {
    let Some(threads) = args.threads.map(NonZero::get) else { return Ok(Plan::new(&BodyNeeds).threads) };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .with_context(|| format!("--threads {threads}: the threads cannot be started"))?;
    Ok(threads)
}

/// What the paths stand for, and whether any stands for nothing.
fn inputs(paths: &[PathBuf], watch: &mut dyn Watch) -> (Vec<InputPath>, bool) {
    let mut inputs = Vec::new();
    let mut failed = false;
    for path in paths {
        if is_token(path) {
            watch.complain("a token was given where a file is needed; use `authtrace token -` and paste it");
            failed = true;
            continue;
        }
        match expand(std::slice::from_ref(path)) {
            Ok(found) => inputs.extend(found),
            Err(error) => {
                watch.complain(&format!("cannot read {error}"));
                failed = true;
            }
        }
    }
    (inputs, failed)
}

/// Whether the path is a token in truth: an error that repeats it would put it on the screen.
fn is_token(path: &std::path::Path) -> bool {
    let Some(text) = path.to_str().filter(|text| text.len() > 40 && !text.contains('/')) else { return false };
    !path.exists() && classify(SecretStr::new(text), None).kind.is_jose()
}

fn read_one(
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
        Input { anomalies: self.anomalies.clone(), first: self.first, last: self.last, ..Input::default() }
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
            anomalies: self.anomalies,
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
