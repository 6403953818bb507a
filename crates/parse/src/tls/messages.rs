//! Handshake messages of one direction, put together from records (RFC 8446 §4).

/// Handshake types that are read.
pub(super) mod kind {
    pub(in crate::tls) const CLIENT_HELLO: u8 = 1;
    pub(in crate::tls) const SERVER_HELLO: u8 = 2;
    pub(in crate::tls) const NEW_SESSION_TICKET: u8 = 4;
    pub(in crate::tls) const END_OF_EARLY_DATA: u8 = 5;
    pub(in crate::tls) const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub(in crate::tls) const CERTIFICATE_VERIFY: u8 = 15;
    pub(in crate::tls) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(in crate::tls) const FINISHED: u8 = 20;
    pub(in crate::tls) const KEY_UPDATE: u8 = 24;

    /// Whether the whole message is needed.
    pub(super) fn is_read(kind: u8) -> bool {
        matches!(
            kind,
            CLIENT_HELLO
                | SERVER_HELLO
                | NEW_SESSION_TICKET
                | END_OF_EARLY_DATA
                | ENCRYPTED_EXTENSIONS
                | CERTIFICATE_VERIFY
                | CLIENT_KEY_EXCHANGE
                | FINISHED
                | KEY_UPDATE
        )
    }
}

/// The longest message that is read; a hello with every known extension takes a few thousand bytes.
const MOST: usize = 1 << 16;
const HEADER: usize = 4;

/// A message that is read, with its header.
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn kind(&self) -> u8 {
        self.0[0]
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Gathers messages.
#[derive(Default)]
pub(super) struct Messages {
    buffer: Vec<u8>,
    /// Bytes of a message that go by unread.
    skip: usize,
    /// Out of step: where a message begins is unknown.
    lost: bool,
}

impl Messages {
    /// Takes the content of a handshake record.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.lost {
            return;
        }
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.buffer.extend_from_slice(&bytes[skipped..]);
    }

    /// The next message that is read, once it is whole.
    pub(super) fn next(&mut self) -> Option<Message> {
        loop {
            let &[kind, a, b, c] = self.buffer.first_chunk()?;
            let end = HEADER + u32::from_be_bytes([0, a, b, c]) as usize;
            if !kind::is_read(kind) || end > MOST {
                let there = end.min(self.buffer.len());
                self.buffer.drain(..there);
                self.skip = end - there;
                continue;
            }
            if end > self.buffer.len() {
                return None;
            }
            let rest = self.buffer.split_off(end);
            return Some(Message(std::mem::replace(&mut self.buffer, rest)));
        }
    }

    /// Bytes that stand behind the last message.
    pub(super) fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Something is missing: no message can be told until [`Messages::restart`].
    pub(super) fn lose_step(&mut self) {
        *self = Self { lost: true, ..Self::default() };
    }

    /// A message begins next: messages do not reach over a change of keys (RFC 8446 §5.1).
    pub(super) fn restart(&mut self) {
        *self = Self::default();
    }
}
