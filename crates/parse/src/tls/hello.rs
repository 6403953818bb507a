//! ClientHello, ServerHello and EncryptedExtensions: who is called, what is spoken, and what secrets are named by.

use super::{cursor::Cursor, keylog::Random, messages::kind};

/// What a hello message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Versions offered (ClientHello), or the one chosen (ServerHello), newest first.
    pub(super) versions: Vec<u16>,
    pub(super) random: Random,
    pub(super) session_id: Box<[u8]>,
    /// The suite chosen (ServerHello).
    pub(super) suite: Option<u16>,
    /// What a server may agree to.
    pub(crate) extensions: Extensions,
}

/// The extensions that are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    /// `server_name` (RFC 6066 §3).
    pub(crate) server_name: Option<Box<str>>,
    /// Application protocols offered or chosen (RFC 7301).
    pub(crate) alpn: Vec<Box<str>>,
    /// RFC 7366.
    pub(super) encrypt_then_mac: bool,
    /// RFC 7627.
    pub(super) extended_master_secret: bool,
    /// The ticket that a client presents (RFC 5077).
    pub(super) ticket: Option<Box<[u8]>>,
    /// RFC 8446 §4.2.10: the client sends early data, or the server takes it.
    pub(super) early_data: bool,
    /// `supported_versions`, which overrules the version field.
    versions: Vec<u16>,
}

/// Extension types.
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const ENCRYPT_THEN_MAC: u16 = 22;
const EXTENDED_MASTER_SECRET: u16 = 23;
const SESSION_TICKET: u16 = 35;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// The random of a ServerHello that asks for another ClientHello (RFC 8446 §4.1.3).
#[rustfmt::skip]
const RETRY: Random = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

impl Hello {
    /// Reads the body of a ClientHello (RFC 8446 §4.1.2).
    pub(super) fn client(body: &[u8]) -> Option<Self> {
        let (version, random, session_id, mut body) = start(body)?;
        body.vector16()?;
        body.vector8()?;
        let extensions = Extensions::read(true, body);
        let versions = if extensions.versions.is_empty() { vec![version] } else { extensions.versions.clone() };
        Some(Self { versions, random, session_id, suite: None, extensions })
    }

    /// Reads the body of a ServerHello (RFC 8446 §4.1.3).
    pub(super) fn server(body: &[u8]) -> Option<Self> {
        let (version, random, session_id, mut body) = start(body)?;
        let suite = Some(body.u16()?);
        body.u8()?;
        let extensions = Extensions::read(false, body);
        let versions = if extensions.versions.is_empty() { vec![version] } else { extensions.versions.clone() };
        Some(Self { versions, random, session_id, suite, extensions })
    }

    /// Reads a ClientHello in the form of SSL 2.0 (RFC 5246 §E.2).
    pub(super) fn old_client(body: &[u8]) -> Option<Self> {
        let mut body = Cursor(body);
        body.u8()?;
        let version = body.u16()?;
        let (suites, session_id, challenge) = (body.u16()?, body.u16()?, usize::from(body.u16()?));
        body.take(usize::from(suites))?;
        body.take(usize::from(session_id))?;
        let challenge = body.take(challenge).filter(|challenge| challenge.len() <= 32)?;
        let mut random = [0; 32];
        // The challenge becomes the end of the random.
        random[32 - challenge.len()..].copy_from_slice(challenge);
        Some(Self { versions: vec![version], random, ..Self::default() })
    }

    /// Whether it asks for another ClientHello.
    pub(super) fn is_retry(&self) -> bool {
        self.random == RETRY
    }
}

/// What both hello messages begin with: version, random, session id.
fn start(body: &[u8]) -> Option<(u16, Random, Box<[u8]>, Cursor<'_>)> {
    let mut body = Cursor(body);
    let version = body.u16()?;
    let random = body.take(32)?.try_into().ok()?;
    let session_id = body.vector8()?.into();
    Some((version, random, session_id, body))
}

/// What the start of a handshake stream is.
pub(crate) enum Reading {
    /// A ClientHello.
    Hello(Box<Hello>),
    /// More bytes are needed.
    Partial,
    /// Something else.
    Other,
}

/// Reads the ClientHello at the start of `bytes`, its header included.
pub(crate) fn read(bytes: &[u8]) -> Reading {
    let Some(&[message, a, b, c]) = bytes.first_chunk() else { return Reading::Partial };
    if message != kind::CLIENT_HELLO {
        return Reading::Other;
    }
    match bytes[4..].get(..u32::from_be_bytes([0, a, b, c]) as usize) {
        None => Reading::Partial,
        Some(body) => Hello::client(body).map_or(Reading::Other, |hello| Reading::Hello(Box::new(hello))),
    }
}

impl Extensions {
    /// Reads the body of EncryptedExtensions (RFC 8446 §4.3.1).
    pub(super) fn encrypted(body: &[u8]) -> Self {
        Self::read(false, Cursor(body))
    }

    /// Reads a list of extensions, which may be missing altogether (RFC 5246 §7.4.1.2).
    fn read(client: bool, mut body: Cursor<'_>) -> Self {
        let mut all = Self::default();
        let mut extensions = Cursor(body.vector16().unwrap_or_default());
        while let (Some(kind), Some(content)) = (extensions.u16(), extensions.vector16()) {
            all.add(client, kind, Cursor(content));
        }
        all
    }

    fn add(&mut self, client: bool, kind: u16, mut content: Cursor<'_>) {
        match kind {
            SERVER_NAME if client => self.server_name = server_name(content),
            ALPN => {
                let mut names = Cursor(content.vector16().unwrap_or_default());
                while let Some(name) = names.vector8() {
                    self.alpn.push(String::from_utf8_lossy(name).into());
                }
            }
            SUPPORTED_VERSIONS if client => {
                let versions = content.vector8().unwrap_or_default();
                let offered = versions.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
                // Reserved values keep servers honest and mean nothing (RFC 8701).
                self.versions = offered.filter(|version| version & 0x0f0f != 0x0a0a).collect();
                self.versions.sort_unstable_by(|a, b| b.cmp(a));
            }
            SUPPORTED_VERSIONS => self.versions = content.u16().into_iter().collect(),
            ENCRYPT_THEN_MAC => self.encrypt_then_mac = true,
            EXTENDED_MASTER_SECRET => self.extended_master_secret = true,
            SESSION_TICKET if client && !content.0.is_empty() => self.ticket = Some(content.0.into()),
            EARLY_DATA => self.early_data = true,
            _ => {}
        }
    }
}

fn server_name(mut content: Cursor<'_>) -> Option<Box<str>> {
    let mut names = Cursor(content.vector16()?);
    let host_name = names.u8()? == 0;
    let name = std::str::from_utf8(names.vector16()?).ok()?;
    (host_name && !name.is_empty()).then(|| name.to_ascii_lowercase().into())
}
