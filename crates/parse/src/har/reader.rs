//! Pieces of a HAR in, exchanges out: numbers the entries, keeps the summary, recovers entries from damaged pieces.

use serde_json::de::{Read, SliceRead};

use super::{
    HarSummary, Page, SideFiles, date,
    entry::{self, Entry},
    exchange::{self, Context},
    landmark::Landmark,
    piece::{Ending, Notes, Part, Piece},
    record::Shape,
    repair,
};
use crate::{
    anomaly::{Anomaly, AnomalyKind},
    body::BodyPolicy,
    exchange::{Exchange, ExchangeId, Locator, Source},
    secret::Secret,
};

/// Anomalies kept of one input: a file of junk must not fill memory with complaints.
pub const ANOMALIES_KEPT: usize = 10_000;
/// Pages kept of one input.
pub const PAGES_KEPT: usize = 100_000;

/// Turns the pieces of one input into exchanges, in order.
pub struct PieceReader<'p> {
    input: u16,
    first_id: u32,
    policy: &'p dyn BodyPolicy,
    side_files: Option<&'p SideFiles<'p>>,
    summary: HarSummary,
}

impl<'p> PieceReader<'p> {
    /// A reader for input number `input`, whose first entry becomes exchange `first_id`.
    pub fn new(input: u16, first_id: u32, policy: &'p dyn BodyPolicy) -> Self {
        Self { input, first_id, policy, side_files: None, summary: HarSummary::default() }
    }

    /// Resolves bodies that stand in files of their own.
    pub fn with_side_files(mut self, side_files: &'p SideFiles<'p>) -> Self {
        self.side_files = Some(side_files);
        self
    }

    /// Reads one piece.
    pub fn read(&mut self, piece: &Piece<'_>, sink: &mut dyn FnMut(Exchange)) {
        match piece.part {
            Part::Entry => self.entry(piece, sink),
            Part::Page => self.page(piece.text),
            Part::Creator => self.summary.creator = product(piece.text).or(self.summary.creator.take()),
            Part::Browser => self.summary.browser = product(piece.text).or(self.summary.browser.take()),
        }
    }

    /// Reads the entry that `text` begins with, whatever follows it, and says how long it is; `None` where it is not
    /// whole or not JSON.
    pub fn read_first<'t>(&mut self, text: impl Read<'t>, sink: &mut dyn FnMut(Exchange)) -> Option<usize> {
        let mut values = serde_json::Deserializer::new(text).into_iter::<Entry<'_>>();
        let entry = values.next()?.ok()?;
        let len = values.byte_offset();
        self.deliver(&entry, None, sink);
        Some(len)
    }

    /// The summary, given what the splitter learned of the document.
    pub fn finish(mut self, notes: Notes) -> HarSummary {
        self.summary.recognised |= notes.recognised;
        self.summary.truncated = notes.truncated;
        if notes.wrapped {
            self.note(AnomalyKind::WrappedDocument, None);
        }
        if notes.truncated {
            self.note(AnomalyKind::Truncated, Some(Locator::Entry(self.summary.entries)));
        }
        self.summary
    }

    fn entry(&mut self, piece: &Piece<'_>, sink: &mut dyn FnMut(Exchange)) {
        if piece.text.is_empty() && piece.ending == Ending::Damaged {
            self.note(AnomalyKind::UnreadableEntry, Some(Locator::Entry(self.summary.entries.saturating_sub(1))));
            return;
        }
        if piece.text.is_empty() {
            self.skip(AnomalyKind::UnreadableEntry);
            return;
        }
        let whole = piece.ending == Ending::Complete;
        if whole
            && (self.read_first(SliceRead::new(piece.text), sink).is_some() || self.read_repaired(piece.text, sink))
        {
            return;
        }
        self.salvage(piece, sink);
    }

    /// A piece that is not one sound entry may hold several: each is tried at its landmark, up to the next one.
    fn salvage(&mut self, piece: &Piece<'_>, sink: &mut dyn FnMut(Exchange)) {
        let starts = Landmark::all(piece.text.get(1..).unwrap_or_default());
        let starts = std::iter::once(0).chain(starts.iter().map(|start| start + 1)).collect::<Vec<_>>();
        let last = starts.len() - 1;
        for (n, &start) in starts.iter().enumerate() {
            let end = starts.get(n + 1).copied().unwrap_or(piece.text.len());
            let unfinished = n == last && piece.ending == Ending::Cut;
            if self.read_first(SliceRead::new(&piece.text[start..end]), sink).is_some() || unfinished {
                continue;
            }
            let oversized = n == last && piece.ending == Ending::Oversized;
            self.skip(if oversized { AnomalyKind::OversizedEntry } else { AnomalyKind::UnreadableEntry });
        }
    }

    /// Reads an entry after replacing characters that JSON or Unicode forbids; `false` where that is not the trouble.
    fn read_repaired(&mut self, text: &[u8], sink: &mut dyn FnMut(Exchange)) -> bool {
        let Some(repaired) = repair::repaired(text) else { return false };
        let Ok(entry) = serde_json::from_slice::<Entry<'_>>(&repaired) else { return false };
        self.deliver(&entry, Some(AnomalyKind::InvalidUtf8), sink);
        true
    }

    fn deliver(&mut self, entry: &Entry<'_>, also: Option<AnomalyKind>, sink: &mut dyn FnMut(Exchange)) {
        self.summary.recognised |= entry.request.shape == Shape::Object && entry.request.url.filled().is_some();
        let context = Context {
            id: ExchangeId(self.first_id.saturating_add(self.summary.entries)),
            source: Source { input: self.input, locator: Locator::Entry(self.summary.entries) },
            policy: self.policy,
            side_files: self.side_files,
        };
        match exchange::build(entry, &context) {
            Ok(mut exchange) => {
                exchange.anomalies.extend(also);
                self.summary.entries = self.summary.entries.saturating_add(1);
                self.summary.exchanges += 1;
                sink(exchange);
            }
            Err(kind) => self.skip(kind),
        }
    }

    /// An entry that gives no exchange still has its index.
    fn skip(&mut self, kind: AnomalyKind) {
        self.note(kind, Some(Locator::Entry(self.summary.entries)));
        self.summary.entries = self.summary.entries.saturating_add(1);
    }

    fn note(&mut self, kind: AnomalyKind, at: Option<Locator>) {
        if self.summary.anomalies.len() < ANOMALIES_KEPT {
            self.summary.anomalies.push(Anomaly { kind, at });
        }
    }

    fn page(&mut self, text: &[u8]) {
        let Ok(page) = serde_json::from_slice::<entry::Page<'_>>(text) else { return };
        let Some(id) = page.id.text() else { return };
        if self.summary.pages.len() < PAGES_KEPT {
            self.summary.pages.push(Page {
                id: id.into(),
                started: date::timestamp(&page.started),
                title: page.title.filled().map(Secret::new),
            });
        }
    }
}

/// `name version` of the creator or browser.
fn product(text: &[u8]) -> Option<String> {
    let product: entry::Product<'_> = serde_json::from_slice(text).ok()?;
    let words = [product.name.filled(), product.version.filled()];
    let words: Vec<_> = words.iter().flatten().map(|word| word.trim()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}
