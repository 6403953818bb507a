//! Reads one input from its first byte to its last.

use std::{
    fs::File,
    io::{self, Read},
    sync::mpsc,
    thread,
};

use authtrace_parse::{
    Anomaly, AnomalyKind, BodyPolicy, Exchange,
    har::{HarReader, HarSummary, Page, SideFiles},
};

use crate::{
    error::InputError,
    expand::InputPath,
    pump::{self, Outcome},
    side_files::Folder,
    sniff::{Compression, Container, Format, Guess, HEAD, guess},
    unpack::{Limits, Stop},
};

/// What was read of one input, beside its exchanges.
pub struct InputReport {
    /// As given, `-` for standard input.
    pub path: String,
    /// What it is.
    pub format: Format,
    /// SHA-256 of the raw bytes, packed as they are.
    pub sha256: [u8; 32],
    /// Number of raw bytes.
    pub bytes: u64,
    /// Exchanges handed out.
    pub exchanges: u32,
    /// Entries met; those that gave no exchange have an anomaly.
    pub entries: u32,
    /// First exchange id that the next input may use.
    pub next_id: u32,
    /// Name and version of the program that wrote it.
    pub creator: Option<String>,
    /// Name and version of the browser that was recorded.
    pub browser: Option<String>,
    /// Pages of the recording.
    pub pages: Vec<Page>,
    /// Oddities of the input as a whole and of entries that were skipped.
    pub anomalies: Vec<Anomaly>,
    /// Whether it ends in the middle.
    pub truncated: bool,
}

/// Reads input number `index`; its entries become exchanges `first_id`, `first_id + 1`, … in the input's order.
///
/// # Errors
///
/// Where nothing could be read: see [`InputError`]. Once an exchange or a HAR's head was read, a failure is an anomaly.
pub fn read_input(
    input: &InputPath,
    index: u16,
    first_id: u32,
    policy: &dyn BodyPolicy,
    sink: &mut dyn FnMut(Exchange),
) -> Result<InputReport, InputError> {
    let path = input.display();
    let job = Job { path: &path, index, first_id, policy, side_files: None, limits: Limits::default() };
    match input {
        InputPath::Stdin => job.run(io::stdin(), sink),
        InputPath::File(file) => {
            let opened = File::open(file).map_err(|error| InputError::from_io(&path, error))?;
            let folder = Folder::of(file);
            let open = |name: &str, most: usize| folder.as_ref().and_then(|folder| folder.read(name, most));
            Job { side_files: Some(&open), ..job }.run(opened, sink)
        }
    }
}

/// Reads an input from any reader; `path` is what messages call it.
///
/// # Errors
///
/// As [`read_input`].
pub fn read_from(
    reader: impl Read + Send,
    path: &str,
    index: u16,
    first_id: u32,
    policy: &dyn BodyPolicy,
    limits: Limits,
    sink: &mut dyn FnMut(Exchange),
) -> Result<InputReport, InputError> {
    Job { path, index, first_id, policy, side_files: None, limits }.run(reader, sink)
}

/// One input and how to read it.
struct Job<'j> {
    path: &'j str,
    index: u16,
    first_id: u32,
    policy: &'j dyn BodyPolicy,
    side_files: Option<&'j SideFiles<'j>>,
    limits: Limits,
}

/// What the parsing side saw.
struct Parsed {
    /// What the first unpacked bytes look like; `None` where there were none.
    guess: Option<Guess>,
    summary: HarSummary,
}

impl Job<'_> {
    fn run(&self, mut reader: impl Read + Send, sink: &mut dyn FnMut(Exchange)) -> Result<InputReport, InputError> {
        let head = first_bytes(&mut reader).map_err(|error| InputError::from_io(self.path, error))?;
        if head.is_empty() {
            return Err(InputError::Empty { path: self.path.to_owned() });
        }
        let compression = Compression::sniff(&head);
        if compression == Compression::None {
            // Before a thread waits on a pipe that may never end.
            self.accept(guess(&head))?;
        }
        let (read, outcome) = self.read(head.as_slice().chain(reader), compression, sink);
        self.report(read, outcome, compression)
    }

    /// Reads ahead on a second thread and parses on this one.
    fn read(
        &self,
        reader: impl Read + Send,
        compression: Compression,
        sink: &mut dyn FnMut(Exchange),
    ) -> (Parsed, Outcome) {
        let (chunks_in, chunks) = mpsc::sync_channel(pump::AHEAD);
        let (spent, spent_out) = mpsc::channel();
        let limits = self.limits;
        thread::scope(|scope| {
            let pump = scope.spawn(move || pump::run(reader, compression, limits, &chunks_in, &spent_out));
            let read = self.parse(&chunks, &spent, sink);
            drop(chunks);
            let outcome = pump.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (read, outcome)
        })
    }

    fn parse(
        &self,
        chunks: &mpsc::Receiver<Vec<u8>>,
        spent: &mpsc::Sender<Vec<u8>>,
        sink: &mut dyn FnMut(Exchange),
    ) -> Parsed {
        let mut reader = HarReader::new(self.index, self.first_id, self.policy);
        if let Some(side_files) = self.side_files {
            reader = reader.with_side_files(side_files);
        }
        let mut seen = None;
        for chunk in chunks {
            let looks = *seen.get_or_insert_with(|| guess(&chunk[..chunk.len().min(HEAD)]));
            if looks != Guess::Json {
                break;
            }
            reader.push(&chunk, sink);
            // The other side may be done already.
            let _ = spent.send(chunk);
        }
        Parsed { guess: seen, summary: reader.finish(sink) }
    }

    /// Refuses what is not a HAR.
    fn accept(&self, guess: Guess) -> Result<(), InputError> {
        let path = self.path.to_owned();
        match guess {
            Guess::Json => Ok(()),
            Guess::PacketCapture => Err(InputError::PacketCapture { path }),
            Guess::Other(guess) => Err(InputError::UnknownFormat { path, guess }),
        }
    }

    fn report(&self, read: Parsed, outcome: Outcome, compression: Compression) -> Result<InputReport, InputError> {
        let path = self.path.to_owned();
        let Some(guess) = read.guess else {
            return Err(self.nothing_unpacked(outcome, compression));
        };
        self.accept(guess)?;
        let summary = read.summary;
        if !summary.recognised {
            return Err(outcome.failure.map_or(InputError::NotHar { path }, |e| InputError::from_io(self.path, e)));
        }
        let mut anomalies = summary.anomalies;
        let interrupted = interruption(&outcome);
        let known = |kind: &AnomalyKind| anomalies.iter().any(|anomaly| anomaly.kind == *kind);
        if let Some(kind) = interrupted.filter(|kind| !known(kind)) {
            anomalies.push(Anomaly { kind, at: None });
        }
        Ok(InputReport {
            path,
            format: Format { container: Container::Har, compression },
            sha256: outcome.sha256,
            bytes: outcome.bytes,
            exchanges: summary.exchanges,
            entries: summary.entries,
            next_id: self.first_id.saturating_add(summary.entries),
            creator: summary.creator,
            browser: summary.browser,
            pages: summary.pages,
            anomalies,
            truncated: summary.truncated || interrupted.is_some(),
        })
    }

    fn nothing_unpacked(&self, outcome: Outcome, compression: Compression) -> InputError {
        let path = self.path.to_owned();
        let reason = match (outcome.failure, outcome.stop) {
            (Some(error), _) => return InputError::from_io(self.path, error),
            (None, None | Some(Stop::Unwanted)) => return InputError::Empty { path },
            (None, Some(Stop::Cut)) => "it ends before its first block does",
            (None, Some(Stop::Damaged)) => "it is damaged in its first block",
            (None, Some(Stop::Limit)) => "it unpacks to too much",
        };
        InputError::Decompression { path, compression: compression.name(), reason }
    }
}

/// What kept the rest of the input from being read.
fn interruption(outcome: &Outcome) -> Option<AnomalyKind> {
    match (&outcome.failure, &outcome.stop) {
        (Some(_), _) => Some(AnomalyKind::ReadFailed),
        (None, Some(Stop::Cut)) => Some(AnomalyKind::Truncated),
        (None, Some(Stop::Damaged)) => Some(AnomalyKind::DamagedCompression),
        (None, Some(Stop::Limit)) => Some(AnomalyKind::DecompressionLimit),
        (None, None | Some(Stop::Unwanted)) => None,
    }
}

/// Enough bytes to tell the format, or all that there are.
fn first_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(HEAD as u64).read_to_end(&mut head)?;
    Ok(head)
}
