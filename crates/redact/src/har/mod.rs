//! A HAR in, the same HAR without a secret out, one entry at a time.
//!
//! Entries keep their order and their number. The document around them is written anew: version, creator, browser and
//! pages are kept, anything else at its top is not.

mod entry;

use authtrace_parse::har::{Ending, HarPieces, Part, Piece};

pub use entry::redact as redact_entry;

use crate::{
    json::{self, Edit, Step},
    names::Sort,
    redactor::Redactor,
};

/// Rewrites one HAR that is pushed in pieces of any size.
pub struct HarRedactor<'r> {
    pieces: HarPieces,
    state: State<'r>,
}

struct State<'r> {
    redactor: &'r mut Redactor,
    pages: Vec<String>,
    about: Vec<String>,
    entries: u64,
}

impl<'r> HarRedactor<'r> {
    /// A rewriter that replaces what `redactor` says.
    pub fn new(redactor: &'r mut Redactor) -> Self {
        Self {
            pieces: HarPieces::default(),
            state: State { redactor, pages: Vec::new(), about: Vec::new(), entries: 0 },
        }
    }

    /// What stands before the first entry.
    pub fn head() -> &'static str {
        "{\"log\":{\"version\":\"1.2\",\"entries\":["
    }

    /// Takes the next bytes, hands on what they complete.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(&str)) {
        let Self { pieces, state } = self;
        pieces.push(bytes, &mut |piece: Piece<'_>| state.piece(&piece, out));
    }

    /// Hands on the rest; gives the number of entries.
    pub fn finish(self, out: &mut dyn FnMut(&str)) -> u64 {
        let Self { pieces, mut state } = self;
        let notes = pieces.finish(&mut |piece: Piece<'_>| state.piece(&piece, out));
        if notes.truncated {
            state.redactor.receipt.remark("the HAR ends in the middle; what was whole of it is here");
        }
        let pages = state.pages.join(",");
        let about: String = state.about.iter().map(|part| format!(",{part}")).collect();
        out(&format!("\n],\"pages\":[{pages}]{about}}}}}\n"));
        state.entries
    }
}

impl State<'_> {
    fn piece(&mut self, piece: &Piece<'_>, out: &mut dyn FnMut(&str)) {
        let text = String::from_utf8_lossy(piece.text);
        match piece.part {
            // The element before ended too early: it has its number already.
            Part::Entry if text.is_empty() && piece.ending == Ending::Damaged => {}
            Part::Entry => {
                let made = (piece.ending == Ending::Complete).then(|| redact_entry(self.redactor, &text)).flatten();
                if made.is_none() {
                    self.redactor
                        .receipt
                        .not_understood("entry that is no JSON: left out, an empty one keeps its place", 1);
                }
                out(if self.entries == 0 { "\n" } else { ",\n" });
                out(made.as_deref().unwrap_or("null"));
                self.entries += 1;
            }
            Part::Page => {
                let page = self.loose(&text);
                self.pages.extend(page);
            }
            Part::Creator => {
                let creator = self.loose(&text).map(|text| format!("\"creator\":{text}"));
                self.about.extend(creator);
            }
            Part::Browser => {
                let browser = self.loose(&text).map(|text| format!("\"browser\":{text}"));
                self.about.extend(browser);
            }
        }
    }

    /// A part of the document that is not an entry.
    fn loose(&mut self, text: &str) -> Option<String> {
        self.redactor.at("pages");
        let sound = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        sound.then(|| json::rewrite(text, &mut Loose(self.redactor)))
    }
}

/// The policy for pages and products.
struct Loose<'r>(&'r mut Redactor);

impl Edit for Loose<'_> {
    fn string(&mut self, path: &[Step], text: &str) -> Option<String> {
        Some(match (json::name(path), json::sort(path)) {
            ("title", _) => self.0.link(text),
            ("startedDateTime" | "id" | "version", _) => self.0.kept(text),
            ("name", _) => self.0.free(text),
            (_, Sort::Private | Sort::Personal) => self.0.value("content", text),
            (_, Sort::Url) => self.0.link(text),
            _ => self.0.free(text),
        })
    }
}
