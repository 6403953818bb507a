//! `extract`: the facts of captures, kept as Parquet.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use authtrace_analyze::{Analyzer, BodyNeeds, token::Fingerprinter};
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
    watch::Watch as _,
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
    let mut extraction = Extraction { writer, names, analyzer: Analyzer::new(settings), replace: args.replace };
    let mut lines = String::new();
    for (path, digest) in &captures {
        match extraction.extract(path, digest, &plan, &mut progress, &interrupt) {
            Ok(Some(said)) => lines.push_str(&format!("{}: {said}\n", visible(&path.display(), 1000))),
            Ok(None) => break,
            Err(error) => {
                failed = true;
                progress.complain(&format!("cannot extract {error}"));
            }
        }
    }
    progress.done();
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

/// Captures on their way into a dataset.
struct Extraction {
    writer: Writer,
    names: Fingerprinter,
    analyzer: Analyzer,
    replace: bool,
}

impl Extraction {
    /// What became of one capture, in words; `None` where the user does not want to wait.
    fn extract(
        &mut self,
        path: &InputPath,
        digest: &[u8; 32],
        plan: &Plan<'_>,
        progress: &mut Progress,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Option<String>> {
        if interrupt.is_set() {
            return Ok(None);
        }
        if !self.replace && self.writer.has(digest) {
            return Ok(Some("there already".to_owned()));
        }
        let (input, ids) = load::read_one(path, plan, &mut self.analyzer, progress, interrupt)?;
        let part = self.analyzer.take_part(&self.names);
        // What was cut short by the user, or changed while it was read, is no capture to be kept.
        if interrupt.is_set() {
            return Ok(None);
        }
        if input.sha256 != *digest {
            bail!("{}: it was changed while it was read; extract it again", path.display());
        }
        let said = format!("{} exchanges, {} credentials", part.facts.len(), part.tokens.len());
        self.writer.add(&part, input, ids)?;
        Ok(Some(said))
    }
}
