//! Published records, opened.

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// RFC 8448 §3: the client's application data.
const SECRET: &str = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
const RECORD: &str =
    "a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a62
                      92a2977014bd1e3deae63aeebb21694915e4";

fn opener() -> Opener {
    let suite = Suite::of(0x1301).unwrap_or_else(|| panic!("AES-128-GCM is read"));
    Opener::tls13(suite, &Key::new(bytes(SECRET))).unwrap_or_else(|| panic!("a secret of the right length"))
}

#[test]
fn rfc_8448_keys() {
    let secret = Key::new(bytes(SECRET));
    let key = expand_label(Hash::Sha256, &secret, "key", 16);
    let iv = expand_label(Hash::Sha256, &secret, "iv", 12);
    assert!(key.is_some_and(|key| key.expose() == bytes("17422dda596ed5d9acd890e3c63f5051")));
    assert!(iv.is_some_and(|iv| iv.expose() == bytes("5b78923dee08579033e523d9")));
}

#[test]
fn rfc_8448_record() {
    let body = bytes(RECORD);
    let record = Sealed { kind: 23, version: 0x0303, body: &body };
    let mut out = Vec::new();
    assert_eq!(opener().open(record, &mut out), Some(23));
    assert_eq!(out, (0..50).collect::<Vec<u8>>());
}

#[test]
fn the_tag_tells_how_many_records_are_missing() {
    let body = bytes(RECORD);
    let record = Sealed { kind: 23, version: 0x0303, body: &body };
    let mut out = Vec::new();
    // The record is number 0: whoever expects another one does not find it behind that.
    let mut ahead = opener();
    ahead.miss();
    assert_eq!(ahead.open_later(record, 100, &mut out), None);
    assert_eq!(opener().open_later(record, 100, &mut out), Some((23, 0)));
    // What does not authenticate changes nothing.
    let mut patient = opener();
    let damaged: Vec<u8> = body.iter().map(|byte| byte ^ 1).collect();
    assert_eq!(patient.open_later(Sealed { body: &damaged, ..record }, 9, &mut out), None);
    assert_eq!(patient.open(record, &mut out), Some(23));
}
