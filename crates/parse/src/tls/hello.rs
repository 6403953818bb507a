//! ClientHello and ServerHello: the fields that say who is called and what is spoken.

/// What a hello message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Versions offered (ClientHello), or the one chosen (ServerHello), newest first.
    pub(crate) versions: Vec<u16>,
    /// `server_name` (RFC 6066 §3).
    pub(crate) server_name: Option<Box<str>>,
    /// Application protocols offered or chosen (RFC 7301).
    pub(crate) alpn: Vec<Box<str>>,
}

/// Handshake types (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// Extension types.
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// What the start of a handshake stream is.
pub(crate) enum Reading {
    /// A hello message.
    Hello(Hello),
    /// More bytes are needed.
    Partial,
    /// Something else.
    Other,
}

/// Reads the handshake message at the start of `bytes`.
pub(crate) fn read(bytes: &[u8]) -> Reading {
    let Some((kind, length)) =
        bytes.first_chunk::<4>().map(|&[kind, a, b, c]| (kind, u32::from_be_bytes([0, a, b, c])))
    else {
        return Reading::Partial;
    };
    if !matches!(kind, CLIENT_HELLO | SERVER_HELLO) {
        return Reading::Other;
    }
    match bytes[4..].get(..length as usize) {
        None => Reading::Partial,
        Some(body) => hello(kind == CLIENT_HELLO, body).map_or(Reading::Other, Reading::Hello),
    }
}

fn hello(client: bool, body: &[u8]) -> Option<Hello> {
    let mut body = Cursor(body);
    let version = body.u16()?;
    body.take(32)?;
    body.vector8()?;
    if client {
        body.vector16()?;
        body.vector8()?;
    } else {
        body.take(3)?;
    }
    let mut hello = Hello { versions: vec![version], ..Hello::default() };
    // Extensions may be missing altogether (RFC 5246 §7.4.1.2).
    let mut extensions = Cursor(body.vector16().unwrap_or_default());
    while let (Some(kind), Some(content)) = (extensions.u16(), extensions.vector16()) {
        extension(client, kind, Cursor(content), &mut hello);
    }
    Some(hello)
}

fn extension(client: bool, kind: u16, mut content: Cursor<'_>, hello: &mut Hello) {
    match kind {
        SERVER_NAME if client => hello.server_name = server_name(content),
        ALPN => {
            let mut names = Cursor(content.vector16().unwrap_or_default());
            while let Some(name) = names.vector8() {
                hello.alpn.push(String::from_utf8_lossy(name).into());
            }
        }
        SUPPORTED_VERSIONS if client => {
            let versions = content.vector8().unwrap_or_default();
            let offered = versions.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            // Reserved values keep servers honest and mean nothing (RFC 8701).
            hello.versions = offered.filter(|version| version & 0x0f0f != 0x0a0a).collect();
            hello.versions.sort_unstable_by(|a, b| b.cmp(a));
        }
        SUPPORTED_VERSIONS => hello.versions = content.u16().into_iter().collect(),
        _ => {}
    }
}

fn server_name(mut content: Cursor<'_>) -> Option<Box<str>> {
    let mut names = Cursor(content.vector16()?);
    let host_name = names.u8()? == 0;
    let name = std::str::from_utf8(names.vector16()?).ok()?;
    (host_name && !name.is_empty()).then(|| name.to_ascii_lowercase().into())
}

/// Bytes read from the front; every read is `None` at the end.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A vector with a length of one byte.
    fn vector8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// A vector with a length of two bytes.
    fn vector16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }
}
