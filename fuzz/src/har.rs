//! HAR text: the same entries in whatever pieces it comes.

use authtrace_parse::{BodyQuestion, har::HarReader};

/// Reads `bytes` as a HAR, whole and in pieces.
pub fn run(bytes: &[u8]) {
    let piece = bytes.iter().fold(0, |sum: usize, byte| sum.wrapping_add(usize::from(*byte))) % 997 + 1;
    assert_eq!(read(bytes, bytes.len().max(1)), read(bytes, piece), "in pieces of {piece}");
}

fn read(bytes: &[u8], piece: usize) -> (Vec<String>, String) {
    let keep = |_: &BodyQuestion<'_>| 1 << 12;
    let mut reader = HarReader::new(0, 0, &keep);
    let mut exchanges = Vec::new();
    for chunk in bytes.chunks(piece) {
        reader.push(chunk, &mut |exchange| exchanges.push(exchange));
    }
    let summary = reader.finish(&mut |exchange| exchanges.push(exchange));
    let words = exchanges.iter().map(|exchange| {
        let status = exchange.response.as_ref().map(|response| response.status);
        format!("{:?} {} {} {status:?}", exchange.id, exchange.request.method, exchange.request.headers.len())
    });
    let told = format!("{} {} {:?}", summary.recognised, summary.entries, summary.anomalies);
    (words.collect(), told)
}
