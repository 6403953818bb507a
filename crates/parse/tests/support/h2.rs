//! HTTP/2 in the making: frames, and an encoder that puts every field into its dynamic table.
#![allow(dead_code, reason = "each test binary uses its own part")]

/// The client connection preface.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;
pub(crate) const PRIORITY: u8 = 32;

/// One frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[a, b, c, kind, flags], &stream.to_be_bytes()[..], payload].concat()
}

/// A DATA frame.
pub(crate) fn data(stream: u32, ends: bool, text: &str) -> Vec<u8> {
    frame(DATA, u8::from(ends), stream, text)
}

/// SETTINGS with nothing to say.
pub(crate) fn settings() -> Vec<u8> {
    frame(SETTINGS, 0, 0, [])
}

/// What one peer encodes its fields with.
#[derive(Default)]
pub(crate) struct Encoder {
    /// Newest first.
    table: Vec<(String, String)>,
}

impl Encoder {
    /// A field block: each `name: value` goes into the table, or is referred to where it is there already.
    pub(crate) fn block(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            if let Some(at) = self.table.iter().position(|(n, v)| n == name && v == value) {
                let index = 62 + at;
                if index < 127 {
                    block.push(0x80 | u8::try_from(index).unwrap());
                } else {
                    block.extend([0xff, u8::try_from(index - 127).unwrap()]);
                }
                continue;
            }
            block.push(0x40);
            for text in [name, value] {
                assert!(text.len() < 127);
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.bytes());
            }
            self.table.insert(0, ((*name).to_owned(), (*value).to_owned()));
        }
        block
    }

    /// HEADERS that hold a whole block.
    pub(crate) fn headers(&mut self, stream: u32, ends: bool, fields: &[(&str, &str)]) -> Vec<u8> {
        frame(HEADERS, END_HEADERS | u8::from(ends), stream, self.block(fields))
    }

    /// A request.
    pub(crate) fn request(
        &mut self,
        stream: u32,
        ends: bool,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
    ) -> Vec<u8> {
        let start = [(":method", method), (":scheme", "http"), (":authority", "h"), (":path", path)];
        self.headers(stream, ends, &[&start[..], more].concat())
    }

    /// A response.
    pub(crate) fn response(&mut self, stream: u32, ends: bool, status: &str, more: &[(&str, &str)]) -> Vec<u8> {
        self.headers(stream, ends, &[&[(":status", status)], more].concat())
    }
}
