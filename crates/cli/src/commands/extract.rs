//! `extract`: the facts of captures, kept as Parquet.

use std::{
    fs::File,
    io::{self, Read as _},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, ScopedJoinHandle},
};

use anyhow::{Context as _, bail};
use authtrace_analyze::{Analyzer, BodyNeeds, Settings, coverage::Input, token::Fingerprinter};
use authtrace_capture::{InputPath, Plan};
use authtrace_dataset::Writer;
use authtrace_report::visible;
use sha2::{Digest, Sha256};

use super::start_logging;
use crate::{
    args::{ExtractArgs, InspectArgs, OutputArgs},
    exit::{self, Verdict},
    interrupt::Interrupt,
    keylog,
    load::{self, Given},
    output::{Output, complain},
    progress::Progress,
    watch::Watch,
};

/// Runs the verb.
pub(super) fn run(args: &ExtractArgs) -> anyhow::Result<u8> {
    let inspect = &args.inspect;
    start_logging(&inspect.output);
    refuse_focus(inspect)?;
    let root = inspect.output.output.as_deref().context("name the folder of the dataset: -o DATASET")?;
    let interrupt = Interrupt::listen();
    let mut progress = Progress::new(inspect.output.quiet);
    let (captures, mut failed) = captures(inspect, &mut progress)?;
    let settings = load::settings(inspect, false)?;
    let digests: Vec<[u8; 32]> = captures.iter().map(|(_, digest)| *digest).collect();
    let names = Fingerprinter::of_run(settings.fingerprint_key.as_ref(), &digests);
    if captures.is_empty() {
        return Ok(exit::USAGE);
    }
    let mut writer = Writer::open(root, &names, args.buckets)?;
    args.place.into_iter().for_each(|place| writer.place(place));
    let threads = load::threads(inspect)?;
    let keys = Arc::new(keylog::read(&inspect.keylog)?);
    let plan = Plan { threads, keys, ..Plan::new(&BodyNeeds) };
    let settings = Arc::new(settings);
    let mut extraction = Extraction { writer, names, taught: Analyzer::new(Arc::clone(&settings)), settings };
    let mut lines = String::new();
    let progress = Mutex::new(progress);
    // Reading keeps two threads busy, so half as many captures are read side by side; they go in one after the other.
    for captures in captures.chunks(threads.div_ceil(2)) {
        let wanted = |digest| args.replace || !extraction.writer.has(digest);
        let read = thread::scope(|scope| {
            let reading = captures.iter().map(|(path, digest)| {
                let reader = Reader { settings: &extraction.settings, plan: &plan, interrupt: &interrupt };
                let progress = &progress;
                wanted(digest).then(|| scope.spawn(move || reader.read(path, progress)))
            });
            // All are begun before any is waited for.
            let reading: Vec<_> = reading.collect();
            reading.into_iter().map(|reading| reading.map(joined)).collect::<Vec<_>>()
        });
        if interrupt.is_set() {
            break;
        }
        for ((path, digest), read) in captures.iter().zip(read) {
            let done = match read {
                None => Ok("there already".to_owned()),
                Some(read) => read.and_then(|read| extraction.keep(path, digest, read)),
            };
            match done {
                Ok(said) => lines.push_str(&format!("{}: {said}\n", visible(&path.display(), 1000))),
                Err(error) => {
                    failed = true;
                    Shared(&progress).complain(&format!("cannot extract {error}"));
                }
            }
        }
    }
    Shared(&progress).done();
    if !inspect.output.quiet {
        // `-o` names the dataset; what was done is told where data goes.
        Output::new(&OutputArgs { output: None, ..inspect.output.clone() }).write(&lines)?;
    }
    let interrupted = interrupt.is_set();
    Ok(Verdict { usage: failed, interrupted, ..Verdict::default() }.code())
}

/// A dataset holds whole captures: what is looked at is decided by whoever reads it.
fn refuse_focus(args: &InspectArgs) -> anyhow::Result<()> {
    let focus = [&args.filter, &args.since, &args.until, &args.host, &args.session];
    if focus.into_iter().any(Option::is_some) {
        bail!(
            "extract keeps whole captures; give --filter, --since, --until, --host and --session to the verb that reads the dataset"
        );
    }
    if args.profile.is_some() {
        bail!("extract judges nothing; give --profile to the verb that reads the dataset");
    }
    Ok(())
}

/// A capture with its SHA-256.
type Digested = (InputPath, [u8; 32]);

/// The captures to be extracted, and whether any cannot be read.
fn captures(args: &InspectArgs, progress: &mut Progress) -> anyhow::Result<(Vec<Digested>, bool)> {
    let (given, mut failed) = load::inputs(&args.paths()?, progress);
    let mut captures = Vec::new();
    for given in given {
        let input = match given {
            Given::Capture(input) => input,
            Given::Dataset(path) => bail!("{}: a dataset already; name captures", path.display()),
        };
        let digest = match &input {
            InputPath::File(path) => digest(std::slice::from_ref(path)),
            InputPath::Rotated(files) => digest(files),
            InputPath::Stdin => {
                bail!("extract reads captures twice, and standard input goes by once; write it to a file")
            }
        };
        match digest {
            Ok(digest) => captures.push((input, digest)),
            Err(error) => {
                failed = true;
                progress.clear();
                complain(&format!("cannot read {}: {error}", visible(&input.display(), 1000)));
            }
        }
    }
    Ok((captures, failed))
}

/// SHA-256 of the files of one capture: its name in the dataset, and what fingerprints are keyed by where nobody gives a key.
fn digest(files: &[PathBuf]) -> io::Result<[u8; 32]> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 17]);
    for path in files {
        let mut file = File::open(path)?;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    Ok(hash.finalize().into())
}

/// The progress line, for several who read at once.
struct Shared<'p>(&'p Mutex<Progress>);

impl Shared<'_> {
    fn with(&self, tell: impl FnOnce(&mut Progress)) {
        tell(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Watch for Shared<'_> {
    fn tick(&mut self, path: &str) {
        self.with(|progress| progress.tick(path));
    }

    fn complain(&mut self, message: &str) {
        self.with(|progress| Watch::complain(progress, message));
    }

    fn done(&mut self) {
        self.with(Watch::done);
    }
}

/// Reads one capture.
struct Reader<'r> {
    settings: &'r Arc<Settings>,
    plan: &'r Plan<'r>,
    interrupt: &'r Interrupt,
}

/// What was read of one capture: its facts, what it is, and the ids that it takes.
type Read = (Analyzer, Input, u32);

impl Reader<'_> {
    fn read(&self, path: &InputPath, progress: &Mutex<Progress>) -> anyhow::Result<Read> {
        let mut analyzer = Analyzer::new(Arc::clone(self.settings));
        let (input, ids) = load::read_one(path, self.plan, &mut analyzer, &mut Shared(progress), self.interrupt)?;
        Ok((analyzer, input, ids))
    }
}

/// What a thread came to; its panic goes on in whoever waits for it.
fn joined<T>(reading: ScopedJoinHandle<'_, T>) -> T {
    reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Captures on their way into a dataset.
struct Extraction {
    writer: Writer,
    names: Fingerprinter,
    settings: Arc<Settings>,
    /// Knows the keys that the captures so far publish.
    taught: Analyzer,
}

impl Extraction {
    /// Puts in what was read of a capture, and says what became of it.
    fn keep(
        &mut self,
        path: &InputPath,
        digest: &[u8; 32],
        (mut analyzer, input, ids): Read,
    ) -> anyhow::Result<String> {
        if input.sha256 != *digest {
            bail!("{}: it was changed while it was read; extract it again", path.display());
        }
        analyzer.learn_keys(&self.taught);
        let part = analyzer.take_part(&self.names);
        self.taught = analyzer;
        let said = format!("{} exchanges, {} credentials", part.facts.len(), part.tokens.len());
        self.writer.add(&part, input, ids)?;
        Ok(said)
    }
}
