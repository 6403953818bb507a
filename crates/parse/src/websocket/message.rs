//! One direction's messages: fragments put together, compression removed (RFC 6455 §5.4, RFC 7692).

use super::{
    Message,
    frame::{Frames, Header},
    inflate::Inflater,
};
use crate::secret::Secret;

/// A text message (RFC 6455 §11.8).
const TEXT: u8 = 1;
/// A frame that goes on with a message.
const CONTINUATION: u8 = 0;
/// A close frame.
const CLOSE: u8 = 8;

/// What one direction said.
pub(super) enum Said {
    /// A data message, with its text where it is one and can be read.
    Message(Option<Secret>),
    /// A close frame, with its code and reason where it states them.
    Close(Option<(u16, Secret)>),
}

/// Puts the messages of one direction together.
pub(super) struct Assembly {
    draft: Option<Draft>,
    /// Payload of the control frame under way.
    control: Vec<u8>,
    /// Whether bytes of it are missing, so that it says nothing.
    control_cut: bool,
    inflater: Option<Inflater>,
    /// Whether nothing more is kept: messages are only counted.
    full: bool,
    said: Vec<Said>,
}

/// A message under way.
struct Draft {
    text: bool,
    compressed: bool,
    kept: Vec<u8>,
    /// Whether `kept` ends before the message does.
    cut: bool,
    /// Whether what comes next can still be put behind `kept`.
    open: bool,
}

impl Draft {
    fn keep(&mut self, bytes: &[u8]) {
        let room = Message::KEPT_BYTES - self.kept.len();
        self.cut |= bytes.len() > room;
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The text, as far as it was kept; a character that the cut split is left out.
    fn text(self) -> Option<Secret> {
        // Nothing of a text that should have had some could be read.
        if !self.text || (self.cut && self.kept.is_empty()) {
            return None;
        }
        let text = String::from_utf8(self.kept).unwrap_or_else(|error| {
            let valid = error.utf8_error();
            let split = self.cut && valid.error_len().is_none();
            let bytes = &error.as_bytes()[..if split { valid.valid_up_to() } else { error.as_bytes().len() }];
            String::from_utf8_lossy(bytes).into_owned()
        });
        Some(Secret::new(text))
    }
}

impl Assembly {
    /// For a direction whose messages are compressed as `no_context` says, if at all.
    pub(super) fn new(no_context: Option<bool>) -> Self {
        let inflater = no_context.map(Inflater::new);
        Self { draft: None, control: Vec::new(), control_cut: false, inflater, full: false, said: Vec::new() }
    }

    /// What was said since the last call.
    pub(super) fn take(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// Nothing more needs to be kept.
    pub(super) fn fill(&mut self) {
        self.full = true;
        self.inflater = None;
    }

    /// A message without an end: what was seen of it counts.
    pub(super) fn cut(&mut self) {
        if let Some(draft) = self.draft.take() {
            self.said.push(Said::Message(Draft { cut: true, ..draft }.text()));
        }
    }

    /// The start of a data message.
    fn begin_message(&mut self, header: &Header) {
        self.cut();
        let text = header.opcode == TEXT;
        // A binary message is unpacked, too, for what later ones refer to.
        let open = !self.full && (text || header.compressed);
        let mut draft = Draft { text, compressed: header.compressed, kept: Vec::new(), cut: self.full, open };
        if header.compressed {
            match &mut self.inflater {
                Some(inflater) => inflater.begin(),
                None => (draft.open, draft.cut) = (false, true),
            }
        }
        self.draft = Some(draft);
    }

    fn end_message(&mut self) {
        let Some(mut draft) = self.draft.take() else { return };
        if let Some(inflater) = self.inflater.as_mut().filter(|_| draft.compressed && draft.open) {
            let whole = inflater.end(&mut |bytes| draft.keep(bytes));
            draft.cut |= !whole;
        }
        self.said.push(Said::Message(draft.text()));
    }

    fn close(&mut self) {
        let stated = self
            .control
            .split_first_chunk()
            .filter(|_| !self.control_cut)
            .map(|(code, reason)| (u16::from_be_bytes(*code), Secret::new(String::from_utf8_lossy(reason))));
        self.said.push(Said::Close(stated));
    }
}

impl Frames for Assembly {
    fn begin(&mut self, header: &Header) {
        if header.is_control() {
            self.control.clear();
            self.control_cut = false;
        } else if header.opcode != CONTINUATION {
            self.begin_message(header);
        }
    }

    fn payload(&mut self, header: &Header, bytes: &[u8]) {
        if header.is_control() {
            self.control.extend_from_slice(bytes);
            return;
        }
        let Some(draft) = self.draft.as_mut().filter(|draft| draft.open) else { return };
        match &mut self.inflater {
            Some(inflater) if draft.compressed => {
                draft.open = inflater.feed(bytes, &mut |bytes| draft.keep(bytes));
                draft.cut |= !draft.open;
            }
            _ => draft.keep(bytes),
        }
    }

    fn payload_gap(&mut self, header: &Header) {
        if header.is_control() {
            self.control_cut = true;
            return;
        }
        if let Some(draft) = &mut self.draft {
            (draft.open, draft.cut) = (false, true);
        }
        if let Some(inflater) = &mut self.inflater {
            inflater.lose();
        }
    }

    fn end(&mut self, header: &Header) {
        if header.opcode == CLOSE {
            self.close();
        } else if !header.is_control() && header.last {
            self.end_message();
        }
    }

    fn lost(&mut self) {
        self.cut();
        if let Some(inflater) = &mut self.inflater {
            inflater.lose();
        }
    }
}
