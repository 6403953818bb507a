//! What the splitter hands out: pieces of HAR text, and a few notes on the document.

/// Which value of the HAR a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An element of `log.entries`.
    Entry,
    /// An element of `log.pages`.
    Page,
    /// `log.creator`.
    Creator,
    /// `log.browser`.
    Browser,
}

/// Why a piece ends where it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its brackets close.
    Complete,
    /// A byte that JSON does not allow there follows; the piece may hold several entries.
    Damaged,
    /// It reached the limit of one entry; the piece may hold several entries.
    Oversized,
    /// The input ends.
    Cut,
}

/// One JSON value of the HAR, as it stands in the text.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    /// Which value.
    pub part: Part,
    /// Its text. Empty for an array element that is neither object nor array, and, with [`Ending::Damaged`], where the
    /// piece before turns out to have ended too early.
    pub text: &'a [u8],
    /// Why it ends.
    pub ending: Ending,
}

/// Takes what a splitter finds.
pub trait Pieces {
    /// Takes a piece.
    fn piece(&mut self, piece: Piece<'_>);

    /// Reads the whole entry that stands at the start of `text`, if there is one, and says how long it is.
    ///
    /// A short cut that spares the splitter the search for the entry's end. `None` leaves it to the splitter.
    fn entry(&mut self, _text: &str) -> Option<usize> {
        None
    }
}

impl<F: FnMut(Piece<'_>)> Pieces for F {
    fn piece(&mut self, piece: Piece<'_>) {
        self(piece);
    }
}

/// What the splitter learned of the document as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// A `log` object with one of its own fields was met.
    pub recognised: bool,
    /// Text outside the JSON document was ignored.
    pub wrapped: bool,
    /// The text ended inside a container.
    pub truncated: bool,
}
