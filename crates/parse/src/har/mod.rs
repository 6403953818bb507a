//! HAR text in, exchanges out (HAR 1.2, <http://www.softwareishard.com/blog/har-12-spec/>, and what tools make of it).
//!
//! [`HarReader`] takes bytes in chunks of any size. Inside it, three steps that can also be used apart:
//! transcoding (byte-order marks, UTF-16), [`Splitter`] (text → one slice per entry, nothing parsed) and
//! [`PieceReader`] (slice → [`Exchange`]). Memory does not grow with the file: one entry is held at a time,
//! of at most [`ENTRY_LIMIT`] bytes. The same bytes give the same exchanges, however they were chunked.

#[macro_use]
mod record;

mod body;
mod date;
mod entry;
mod exchange;
mod fields;
mod initiator;
mod landmark;
mod lenient;
mod piece;
mod reader;
mod repair;
mod scan;
mod split;
mod timing;
mod transcode;
mod unescape;
mod websocket;

pub use piece::{Ending, Notes, Part, Piece, Pieces};
pub use reader::{ANOMALIES_KEPT, PAGES_KEPT, PieceReader};
pub use split::{ENTRY_LIMIT, Splitter};

use serde_json::de::StrRead;

use self::transcode::Transcoder;
use crate::{anomaly::Anomaly, body::BodyPolicy, exchange::Exchange, secret::Secret, time::Timestamp};

/// Finds a body that stands in a file beside the HAR: name as the HAR gives it, and the most bytes to return.
pub type SideFiles<'a> = dyn Fn(&str, usize) -> Option<Vec<u8>> + 'a;

/// Reads one HAR from bytes.
pub struct HarReader<'p> {
    transcoder: Transcoder,
    splitter: Splitter,
    pieces: PieceReader<'p>,
}

/// What a HAR says of itself, and what was odd in it.
#[derive(Default)]
pub struct HarSummary {
    /// Whether it looked like a HAR at all: a `log` object with a field of its own, or an entry with a request URL.
    pub recognised: bool,
    /// Elements of `log.entries` met, over all logs of the input; each has used up one exchange id.
    pub entries: u32,
    /// Exchanges handed out.
    pub exchanges: u32,
    /// Name and version of the program that wrote it.
    pub creator: Option<String>,
    /// Name and version of the browser that was recorded.
    pub browser: Option<String>,
    /// Pages in order; the first [`PAGES_KEPT`].
    pub pages: Vec<Page>,
    /// Oddities of the document and of entries that were skipped; the first [`ANOMALIES_KEPT`].
    pub anomalies: Vec<Anomaly>,
    /// Whether the text ends in the middle.
    pub truncated: bool,
}

/// A page (document) of a browser's recording.
#[derive(Clone)]
pub struct Page {
    /// What entries call it in `pageref`.
    pub id: Box<str>,
    /// When it began to load.
    pub started: Option<Timestamp>,
    /// Its title; Chrome writes the URL, query included.
    pub title: Option<Secret>,
}

impl<'p> HarReader<'p> {
    /// A reader for input number `input`, whose first entry becomes exchange `first_id`.
    pub fn new(input: u16, first_id: u32, policy: &'p dyn BodyPolicy) -> Self {
        Self {
            transcoder: Transcoder::default(),
            splitter: Splitter::default(),
            pieces: PieceReader::new(input, first_id, policy),
        }
    }

    /// Resolves bodies that stand in files of their own (Playwright's `_file`).
    pub fn with_side_files(mut self, side_files: &'p SideFiles<'p>) -> Self {
        self.pieces = self.pieces.with_side_files(side_files);
        self
    }

    /// Reads the next chunk and hands out every exchange that it completes, in the order of `log.entries`.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Exchange)) {
        let Self { transcoder, splitter, pieces } = self;
        transcoder.push(bytes, &mut |text| splitter.push(text, &mut Feed { pieces, sink }));
    }

    /// Says what the document was like.
    pub fn finish(self, sink: &mut dyn FnMut(Exchange)) -> HarSummary {
        let Self { transcoder, mut splitter, mut pieces } = self;
        let marked = transcoder.finish(&mut |text| splitter.push(text, &mut Feed { pieces: &mut pieces, sink }));
        let mut notes = splitter.finish(&mut Feed { pieces: &mut pieces, sink });
        notes.wrapped |= marked;
        pieces.finish(notes)
    }
}

/// Cuts one HAR into its pieces, for whoever wants its text and not its exchanges.
#[derive(Default)]
pub struct HarPieces {
    transcoder: Transcoder,
    splitter: Splitter,
}

impl HarPieces {
    /// Takes the next chunk and hands out every piece that it completes, as UTF-8 whatever the encoding is.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn Pieces) {
        let Self { transcoder, splitter } = self;
        transcoder.push(bytes, &mut |text| splitter.push(text, out));
    }

    /// Hands out what the end of the text cut, and says what the document was like.
    pub fn finish(self, out: &mut dyn Pieces) -> Notes {
        let Self { transcoder, mut splitter } = self;
        let marked = transcoder.finish(&mut |text| splitter.push(text, out));
        let mut notes = splitter.finish(out);
        notes.wrapped |= marked;
        notes
    }
}

/// Hands what the splitter finds to the reader, on the same thread.
struct Feed<'f, 'p> {
    pieces: &'f mut PieceReader<'p>,
    sink: &'f mut dyn FnMut(Exchange),
}

impl Pieces for Feed<'_, '_> {
    fn piece(&mut self, piece: Piece<'_>) {
        self.pieces.read(&piece, self.sink);
    }

    fn entry(&mut self, text: &str) -> Option<usize> {
        self.pieces.read_first(StrRead::new(text), self.sink)
    }
}
