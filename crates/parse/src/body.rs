//! Message bodies: counted always, kept only where the caller's policy says that a fact needs them.

use crate::secret::Secret;

/// What is known of a message body.
#[derive(Clone, Default)]
pub struct Body {
    /// Media type as stated, parameters included (`application/json; charset=utf-8`).
    pub mime: Option<Box<str>>,
    /// Decoded size in bytes, where the input states or shows it.
    pub size: Option<u64>,
    /// The content itself, or why it is not here.
    pub content: Content,
}

/// The content of a body, or why it is not here. Unknown, absent and empty are three things.
#[derive(Clone, Default)]
pub enum Content {
    /// The input does not say whether there was a body.
    #[default]
    Unknown,
    /// There was none.
    Empty,
    /// There was one, and the capture does not hold it.
    NotCaptured,
    /// The capture holds it; the policy did not ask for it.
    Skipped,
    /// Text, content coding removed. `cut` when only a prefix is here.
    Text {
        /// The decoded text.
        text: Secret,
        /// Whether `text` ends before the body did.
        cut: bool,
    },
}

impl Body {
    /// The text, whole or cut, where it was kept.
    pub fn text(&self) -> Option<&Secret> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Media type without parameters, lower case.
    pub fn essence(&self) -> Option<String> {
        let mime = self.mime.as_deref()?;
        Some(mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }
}

/// What a [`BodyPolicy`] is asked about one body before it is decoded.
#[derive(Clone, Copy)]
pub struct BodyQuestion<'a> {
    /// Whether it belongs to the response.
    pub response: bool,
    /// Request method.
    pub method: &'a str,
    /// Response status; `None` for request bodies and unanswered requests.
    pub status: Option<u16>,
    /// Media type as stated.
    pub mime: Option<&'a str>,
    /// Bytes as stored in the input, before decoding.
    pub stored: usize,
}

/// Decides how many decoded bytes of a body are kept; 0 skips it. Set by whoever knows which facts are drawn;
/// several threads may ask.
pub trait BodyPolicy: Sync {
    /// The most bytes of this body to keep.
    fn keep(&self, question: &BodyQuestion<'_>) -> usize;
}

impl<F: Fn(&BodyQuestion<'_>) -> usize + Sync> BodyPolicy for F {
    fn keep(&self, question: &BodyQuestion<'_>) -> usize {
        self(question)
    }
}
