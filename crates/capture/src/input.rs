//! Reads one input from its first byte to its last.

use std::{
    fs::File,
    io::{self, Read},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    thread,
};

use authtrace_parse::{
    Anomaly, AnomalyKind, BodyPolicy, Exchange, KeyLog, QuicSummary, Segment, TlsConnection, Worker,
    har::{HarReader, HarSummary, Page, SideFiles},
};

use crate::{
    buffers::{Reusable, Spent, way_back},
    chunk::Chunk,
    error::InputError,
    expand::InputPath,
    packets::{self, Drops, KeySource, PacketFormat, PacketReport},
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
    /// Packet records of a packet capture.
    pub frames: u32,
    /// What the capturing side of a packet capture lost.
    pub drops: Drops,
    /// TLS connections that could not be decrypted: the first ones, in order of their first frame.
    pub opaque: Vec<TlsConnection>,
    /// TLS connections that could not be decrypted, in all.
    pub opaque_count: u64,
    /// QUIC connections, which are not decrypted.
    pub quic: QuicSummary,
    /// TLS connections that were decrypted as a whole.
    pub decrypted_count: u64,
}

impl InputReport {
    /// What a packet capture says of itself, but for the digest and size of its bytes.
    pub(crate) fn of_packets(path: String, packets: PacketReport, first_id: u32, compression: Compression) -> Self {
        let container = match packets.format {
            Some(PacketFormat::Pcapng) => Container::Pcapng,
            Some(PacketFormat::Pcap) | None => Container::Pcap,
        };
        Self {
            exchanges: packets.exchanges,
            next_id: packets.next_id,
            creator: packets.application,
            anomalies: packets.anomalies,
            truncated: packets.truncated,
            frames: packets.frames,
            drops: packets.drops,
            opaque: packets.opaque,
            opaque_count: packets.opaque_count,
            quic: packets.quic,
            decrypted_count: packets.decrypted_count,
            ..Self::blank(path, Format { container, compression }, first_id)
        }
    }

    fn blank(path: String, format: Format, first_id: u32) -> Self {
        Self {
            path,
            format,
            sha256: [0; 32],
            bytes: 0,
            exchanges: 0,
            entries: 0,
            next_id: first_id,
            creator: None,
            browser: None,
            pages: Vec::new(),
            anomalies: Vec::new(),
            truncated: false,
            frames: 0,
            drops: Drops::default(),
            opaque: Vec::new(),
            opaque_count: 0,
            quic: QuicSummary::default(),
            decrypted_count: 0,
        }
    }
}

/// How an input is read.
#[derive(Clone)]
pub struct Plan<'p> {
    /// Number of the input, in the order given.
    pub index: u16,
    /// Number of its first exchange: a HAR's entries become `first_id`, `first_id + 1`, … in order, and the requests of
    /// a packet capture in the order in which they are complete.
    pub first_id: u32,
    /// Which bodies are kept.
    pub policy: &'p dyn BodyPolicy,
    /// Of packets, only those between these two ends, either way.
    pub only: Option<[SocketAddr; 2]>,
    /// Secrets of TLS connections, beside those that the input itself may hold.
    pub keys: Arc<KeyLog>,
    /// Threads that may be busy at a time. The result does not depend on it.
    pub threads: usize,
    /// Bounds of unpacking.
    pub limits: Limits,
}

impl<'p> Plan<'p> {
    /// The first input of a run, read with the threads of this machine.
    pub fn new(policy: &'p dyn BodyPolicy) -> Self {
        let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let keys = Arc::clone(KeyLog::none());
        Self { index: 0, first_id: 0, policy, only: None, keys, threads, limits: Limits::default() }
    }

    /// Whether `segment` is to be read.
    pub(crate) fn wants(&self, segment: &Segment<'_>) -> bool {
        let (from, to) = (segment.source, segment.destination);
        self.only.is_none_or(|ends| ends == [from, to] || ends == [to, from])
    }

    /// Workers for packets: one thread reads ahead, and one draws facts from what is read.
    pub(crate) fn workers(&self) -> usize {
        self.threads.saturating_sub(2).clamp(1, Worker::MOST)
    }
}

/// Reads an input.
///
/// # Errors
///
/// Where nothing could be read: see [`InputError`]. Once an exchange or a HAR's head was read, a failure is an anomaly.
pub fn read_input(
    input: &InputPath,
    plan: &Plan<'_>,
    sink: &mut dyn FnMut(Exchange),
) -> Result<InputReport, InputError> {
    let path = input.display();
    let job = Job { path: &path, plan, side_files: None, keys: KeySource::passing_by(&plan.keys) };
    match input {
        InputPath::Stdin => job.run(io::stdin(), sink),
        InputPath::Rotated(files) => job.run_files(files, sink),
        InputPath::File(file) => {
            let mut opened = File::open(file).map_err(|error| InputError::from_io(&path, error))?;
            let keys = KeySource::of_file(&mut opened, &plan.keys);
            let folder = Folder::of(file);
            let open = |name: &str, most: usize| folder.as_ref().and_then(|folder| folder.read(name, most));
            Job { side_files: Some(&open), keys, ..job }.run(opened, sink)
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
    plan: &Plan<'_>,
    sink: &mut dyn FnMut(Exchange),
) -> Result<InputReport, InputError> {
    Job { path, plan, side_files: None, keys: KeySource::passing_by(&plan.keys) }.run(reader, sink)
}

/// One input and how to read it.
struct Job<'j> {
    path: &'j str,
    plan: &'j Plan<'j>,
    side_files: Option<&'j SideFiles<'j>>,
    keys: KeySource,
}

/// What the parsing side saw.
struct Parsed {
    /// What the first unpacked bytes look like; `None` where there were none.
    guess: Option<Guess>,
    content: Content,
}

/// What an input turned out to hold.
enum Content {
    Har(HarSummary),
    Packets(PacketReport),
    /// Nothing that is read, or nothing at all.
    Nothing,
}

impl Job<'_> {
    fn run(&self, mut reader: impl Read + Send, sink: &mut dyn FnMut(Exchange)) -> Result<InputReport, InputError> {
        let head = pump::first_bytes(&mut reader).map_err(|error| InputError::from_io(self.path, error))?;
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

    /// Reads the files of one capture, one after the other.
    fn run_files(&self, files: &[PathBuf], sink: &mut dyn FnMut(Exchange)) -> Result<InputReport, InputError> {
        let opened = files.first().map(|path| File::open(path).and_then(|mut file| pump::first_bytes(&mut file)));
        let head = opened.unwrap_or_else(|| Ok(Vec::new())).map_err(|error| InputError::from_io(self.path, error))?;
        let limits = self.plan.limits;
        let (read, outcome) = self.ahead(|sender, reusable| pump::run_files(files, limits, sender, reusable), sink);
        self.report(read, outcome, Compression::sniff(&head))
    }

    /// Parses on this thread, and reads ahead on a second one where two may be busy.
    fn read(
        &self,
        reader: impl Read + Send,
        compression: Compression,
        sink: &mut dyn FnMut(Exchange),
    ) -> (Parsed, Outcome) {
        let (limits, before) = (self.plan.limits, Outcome::default());
        if self.plan.threads == 1 {
            let (spent, reusable) = way_back(pump::AHEAD);
            let parse = |chunks: &mut pump::Chunks<'_>| self.parse(chunks, &spent, sink);
            return pump::alone(reader, compression, limits, before, &reusable, parse);
        }
        self.ahead(|sender, reusable| pump::run(reader, compression, limits, before, sender, reusable), sink)
    }

    /// Parses what `pump` sends from a thread of its own.
    fn ahead(
        &self,
        pump: impl FnOnce(&SyncSender<Chunk>, &Reusable) -> Outcome + Send,
        sink: &mut dyn FnMut(Exchange),
    ) -> (Parsed, Outcome) {
        let (spent, reusable) = way_back(pump::AHEAD);
        let (sender, chunks) = mpsc::sync_channel(pump::AHEAD);
        thread::scope(|scope| {
            let pump = scope.spawn(move || pump(&sender, &reusable));
            let read = self.parse(chunks.into_iter(), &spent, sink);
            let outcome = pump.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (read, outcome)
        })
    }

    fn parse(&self, chunks: impl Iterator<Item = Chunk>, spent: &Spent, sink: &mut dyn FnMut(Exchange)) -> Parsed {
        let mut chunks = chunks.peekable();
        let looks = chunks.peek().and_then(Chunk::bytes).map(|bytes| guess(&bytes[..bytes.len().min(HEAD)]));
        let content = match looks {
            Some(Guess::Json) => Content::Har(self.entries(chunks, spent, sink)),
            Some(Guess::PacketCapture) => Content::Packets(packets::read(self.plan, &self.keys, chunks, spent, sink)),
            Some(Guess::Other(_)) | None => Content::Nothing,
        };
        Parsed { guess: looks, content }
    }

    fn entries(
        &self,
        chunks: impl Iterator<Item = Chunk>,
        spent: &Spent,
        sink: &mut dyn FnMut(Exchange),
    ) -> HarSummary {
        let mut reader = HarReader::new(self.plan.index, self.plan.first_id, self.plan.policy);
        if let Some(side_files) = self.side_files {
            reader = reader.with_side_files(side_files);
        }
        for chunk in chunks {
            if let Chunk::Bytes(bytes) = chunk {
                reader.push(&bytes, sink);
                spent.give_back(bytes);
            }
        }
        reader.finish(sink)
    }

    /// Refuses what is no capture.
    fn accept(&self, guess: Guess) -> Result<(), InputError> {
        let path = self.path.to_owned();
        match guess {
            Guess::Json | Guess::PacketCapture => Ok(()),
            Guess::Other(guess) => Err(InputError::UnknownFormat { path, guess }),
        }
    }

    fn report(&self, read: Parsed, outcome: Outcome, compression: Compression) -> Result<InputReport, InputError> {
        let path = self.path.to_owned();
        let Some(guess) = read.guess else {
            return Err(self.nothing_unpacked(outcome, compression));
        };
        self.accept(guess)?;
        let interrupted = interruption(&outcome);
        let mut report = match read.content {
            Content::Har(summary) if summary.recognised => self.har(summary, compression),
            Content::Packets(packets) => self.packets(packets, compression),
            Content::Har(_) | Content::Nothing => {
                return Err(outcome.failure.map_or(InputError::NotHar { path }, |e| InputError::from_io(self.path, e)));
            }
        };
        let known = |kind: &AnomalyKind| report.anomalies.iter().any(|anomaly| anomaly.kind == *kind);
        if let Some(kind) = interrupted.filter(|kind| !known(kind)) {
            report.anomalies.push(Anomaly { kind, at: None });
        }
        report.sha256 = outcome.sha256();
        report.bytes = outcome.bytes;
        report.truncated |= interrupted.is_some();
        Ok(report)
    }

    /// What a HAR says of itself.
    fn har(&self, summary: HarSummary, compression: Compression) -> InputReport {
        InputReport {
            exchanges: summary.exchanges,
            entries: summary.entries,
            next_id: self.plan.first_id.saturating_add(summary.entries),
            creator: summary.creator,
            browser: summary.browser,
            pages: summary.pages,
            anomalies: summary.anomalies,
            truncated: summary.truncated,
            ..self.blank(Format { container: Container::Har, compression })
        }
    }

    /// What a packet capture says of itself.
    fn packets(&self, packets: PacketReport, compression: Compression) -> InputReport {
        InputReport::of_packets(self.path.to_owned(), packets, self.plan.first_id, compression)
    }

    fn blank(&self, format: Format) -> InputReport {
        InputReport::blank(self.path.to_owned(), format, self.plan.first_id)
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
