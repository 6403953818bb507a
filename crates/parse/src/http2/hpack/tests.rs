//! HPACK against the examples of RFC 7541 and against another implementation.

use fluke_hpack::decoder::{DecoderError, IntegerDecodingError};
use proptest::prelude::*;

use super::{Broken, Decoder, Field, huffman};

/// A field as text; `?` where it is unknown.
fn show(field: Field<'_>) -> String {
    match field {
        Field::Known { name, value } => {
            format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        }
        Field::Unknown => "?".to_owned(),
    }
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> (Vec<String>, Result<(), Broken>) {
    let mut fields = Vec::new();
    let result = decoder.decode(block, false, &mut |field| fields.push(show(field)));
    (fields, result)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[track_caller]
fn check(decoder: &mut Decoder, block: &str, expected: &[&str]) {
    let (fields, result) = decode(decoder, &hex(block));
    assert_eq!((fields.iter().map(String::as_str).collect::<Vec<_>>(), result), (expected.to_vec(), Ok(())));
}

const REQUESTS: [&[&str]; 3] = [
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
    &[":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
    &[
        ":method: GET",
        ":scheme: https",
        ":path: /index.html",
        ":authority: www.example.com",
        "custom-key: custom-value",
    ],
];

const RESPONSES: [&[&str]; 3] = [
    &[
        ":status: 302",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:21 GMT",
        "location: https://www.example.com",
    ],
    &[
        ":status: 307",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:21 GMT",
        "location: https://www.example.com",
    ],
    &[
        ":status: 200",
        "cache-control: private",
        "date: Mon, 21 Oct 2013 20:13:22 GMT",
        "location: https://www.example.com",
        "content-encoding: gzip",
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ],
];

/// RFC 7541 appendix C.2.
#[test]
fn single_fields() {
    let fresh = Decoder::new;
    check(&mut fresh(), "400a637573746f6d2d6b65790d637573746f6d2d686561646572", &["custom-key: custom-header"]);
    check(&mut fresh(), "040c2f73616d706c652f70617468", &[":path: /sample/path"]);
    check(&mut fresh(), "100870617373776f726406736563726574", &["password: secret"]);
    check(&mut fresh(), "82", &[":method: GET"]);
}

/// RFC 7541 appendix C.3.
#[test]
fn requests() {
    let mut decoder = Decoder::new();
    check(&mut decoder, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", REQUESTS[0]);
    check(&mut decoder, "8286 84be 5808 6e6f 2d63 6163 6865", REQUESTS[1]);
    check(&mut decoder, "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", REQUESTS[2]);
}

/// RFC 7541 appendix C.4.
#[test]
fn requests_in_huffman_code() {
    let mut decoder = Decoder::new();
    check(&mut decoder, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", REQUESTS[0]);
    check(&mut decoder, "8286 84be 5886 a8eb 1064 9cbf", REQUESTS[1]);
    check(&mut decoder, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", REQUESTS[2]);
}

/// RFC 7541 §5.2: what follows the last symbol is shorter than a byte and all ones, and EOS stands in no string.
#[test]
fn huffman_code_ends_as_it_must() {
    let check = |coded: &str, expected: Option<&str>| {
        let mut out = Vec::new();
        let result = huffman::decode(&hex(coded), &mut out);
        assert_eq!(result.ok().map(|()| String::from_utf8(out).unwrap()).as_deref(), expected, "{coded}");
    };
    check("", Some(""));
    check("07", Some("0"));
    check("00000000 00", Some("00000000"));
    check("07 ff", None);
    check("00", None);
    check("ff", None);
    check("ff ff ff ff", None);
    check("ff ff ff fc", None);
    // A code of 28 bits, alone and cut.
    check("ff ff fe 2f", Some("\u{2}"));
    check("ff ff fe", None);
}

/// A decoder whose table holds 256 bytes, as in appendices C.5 and C.6.
fn small() -> Decoder {
    let mut decoder = Decoder::new();
    check(&mut decoder, "3fe101", &[]);
    decoder
}

/// RFC 7541 appendix C.5: entries are evicted.
#[test]
fn responses() {
    let mut decoder = small();
    check(
        &mut decoder,
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32
         3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        RESPONSES[0],
    );
    check(&mut decoder, "4803 3330 37c1 c0bf", RESPONSES[1]);
    check(
        &mut decoder,
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970
         7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61
         6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        RESPONSES[2],
    );
    // What was evicted is gone: the table holds three entries.
    assert_eq!(decode(&mut decoder, &[0xc0]).1, Ok(()));
    assert_eq!(decode(&mut decoder, &[0xc1]).1, Err(Broken));
}

/// RFC 7541 appendix C.6.
#[test]
fn responses_in_huffman_code() {
    let mut decoder = small();
    check(
        &mut decoder,
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad
         1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        RESPONSES[0],
    );
    check(&mut decoder, "4883 640e ffc1 c0bf", RESPONSES[1]);
    check(
        &mut decoder,
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2
         e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
        RESPONSES[2],
    );
}

#[test]
fn what_came_before_is_unknown_not_wrong() {
    let mut decoder = Decoder::new();
    decoder.forget();
    // Index 62 was inserted before; then `a: b` takes its place and it becomes 63.
    check(&mut decoder, "be 82", &["?", ":method: GET"]);
    check(&mut decoder, "40 0161 0162 be bf", &["a: b", "a: b", "?"]);
    // A value whose name is unknown takes a place, and stays unknown.
    check(&mut decoder, "7f00 0163 be bf", &["?", "?", "a: b"]);
    // A table of no size holds nothing, so from here on all is known.
    check(&mut decoder, "20 3fe11f 40 0164 0165 be", &["d: e", "d: e"]);
    assert_eq!(decode(&mut decoder, &[0xbf]).1, Err(Broken));
}

#[test]
fn a_cut_block_gives_what_is_there_and_spoils_the_table() {
    let mut decoder = Decoder::new();
    check(&mut decoder, "40 0161 0162", &["a: b"]);
    let mut fields = Vec::new();
    let result = decoder.decode(&hex("82 be 4003"), true, &mut |field| fields.push(show(field)));
    assert_eq!((fields, result), (vec![":method: GET".to_owned(), "a: b".to_owned()], Ok(())));
    check(&mut decoder, "be 82", &["?", ":method: GET"]);
}

#[test]
fn rules_are_kept() {
    let broken = |block: &str| assert_eq!(decode(&mut Decoder::new(), &hex(block)).1, Err(Broken), "{block}");
    // Index 0, an index beyond the table, integers without end, strings beyond the block.
    ["80", "be", "ffffffffffffffff01", "ffffffffff", "4001", "4081", "00"].into_iter().for_each(broken);
    // A larger table than the peer allows.
    broken("3fe21f");
    let mut decoder = Decoder::new();
    decoder.allow(65536);
    check(&mut decoder, "3fe1ff03", &[]);
    // EOS in a string, padding of zeros, padding of eight bits.
    ["0084ffffffff00", "00810000", "008207ff00"].into_iter().for_each(broken);
}

#[test]
fn a_table_larger_than_what_is_kept_turns_unknown() {
    let mut decoder = Decoder::new();
    decoder.allow(1 << 20);
    // Size 2^20, then three entries of some 30,000 bytes.
    check(&mut decoder, "3fe1ff3f", &[]);
    for letter in [b'a', b'b', b'c'] {
        let mut block = vec![0x40, 1, letter, 0x7f, 0xb1, 0xe9, 0x01];
        block.extend_from_slice(&[b'x'; 30_000]);
        assert_eq!(decode(&mut decoder, &block).1, Ok(()));
    }
    let (fields, result) = decode(&mut decoder, &[0xbe, 0xbf, 0xc0]);
    let starts: Vec<&str> = fields.iter().map(|field| &field[..1]).collect();
    assert_eq!((starts, result), (vec!["c", "b", "?"], Ok(())));
}

/// Ours and the other's view of some blocks: the same fields, and an error in the same block.
fn agree(blocks: &[Vec<u8>]) {
    let mut ours = Decoder::new();
    let mut theirs = fluke_hpack::Decoder::new();
    theirs.set_max_allowed_table_size(4096);
    for block in blocks {
        let (fields, result) = decode(&mut ours, block);
        let mut expected = Vec::new();
        // It panics at a table size that it cannot read.
        let verdict = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            theirs.decode_with_cb(block, |name, value| {
                expected.push(show(Field::Known { name: &name, value: &value }));
            })
        }));
        match (&result, &verdict) {
            (Ok(()), Ok(Ok(()))) | (Err(Broken), Ok(Err(_)) | Err(_)) => {}
            // It stops at size updates that nothing follows, and at integers of five bytes that mean less.
            (Ok(()), Ok(Err(DecoderError::SizeUpdateAtEnd))) => return,
            (_, Ok(Err(DecoderError::IntegerDecodingError(IntegerDecodingError::TooManyOctets)))) => return,
            _ => panic!("{block:02x?}: {result:?}, {verdict:?}"),
        }
        assert_eq!(fields, expected, "{block:02x?}");
        if result.is_err() {
            return;
        }
    }
}

/// An integer with a prefix of `bits` bits behind `pattern`.
fn integer(value: usize, bits: u8, pattern: u8) -> Vec<u8> {
    let most = (1 << bits) - 1;
    if value < most {
        return vec![pattern | u8::try_from(value).unwrap()];
    }
    let mut bytes = vec![pattern | u8::try_from(most).unwrap()];
    let mut rest = value - most;
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    (prop::collection::vec(any::<u8>(), 0..40), any::<bool>()).prop_map(|(text, coded)| {
        let (text, pattern) = if coded { (huffman::encode(&text), 0x80) } else { (text, 0) };
        [integer(text.len(), 7, pattern), text].concat()
    })
}

/// An instruction that is sound, except that its index may mean nothing.
fn instruction() -> impl Strategy<Value = Vec<u8>> {
    let index = 0_usize..80;
    let literal = |bits: u8, pattern: u8| {
        (index.clone(), text(), text()).prop_map(move |(index, name, value)| {
            let name = if index == 0 { name } else { Vec::new() };
            [integer(index, bits, pattern), name, value].concat()
        })
    };
    prop_oneof![
        3 => (1_usize..70).prop_map(|index| integer(index, 7, 0x80)),
        5 => literal(6, 0x40),
        1 => literal(4, 0x00),
        1 => literal(4, 0x10),
        1 => (0_usize..4200).prop_map(|size| integer(size, 5, 0x20)),
        4 => (text(), text()).prop_map(|(name, value)| [vec![0x40], name, value].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_another_encodes_is_decoded(
        lists in prop::collection::vec(prop::collection::vec(("[a-d]{1,3}", "[ -~]{0,20}"), 0..12), 1..8),
        limit in 0_usize..300,
    ) {
        let mut encoder = fluke_hpack::Encoder::new();
        let mut decoder = Decoder::new();
        encoder.set_max_table_size(limit);
        prop_assert_eq!(decode(&mut decoder, &integer(limit, 5, 0x20)).1, Ok(()));
        for list in lists {
            let block = encoder.encode(list.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
            let expected: Vec<String> = list.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            prop_assert_eq!(decode(&mut decoder, &block), (expected, Ok(())));
        }
    }

    #[test]
    fn sound_instructions_are_read_as_another_reads_them(
        blocks in prop::collection::vec(prop::collection::vec(instruction(), 0..12), 1..8),
    ) {
        agree(&blocks.iter().map(|block| block.concat()).collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_read_as_another_reads_them(
        blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..6),
    ) {
        agree(&blocks);
    }

    #[test]
    fn the_huffman_code_gives_back_what_it_took(text in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut out = Vec::new();
        prop_assert_eq!(huffman::decode(&huffman::encode(&text), &mut out), Ok(()));
        prop_assert_eq!(out, text);
    }

    /// A decoder that starts later knows less, and nothing else.
    #[test]
    fn a_late_start_is_never_wrong(
        blocks in prop::collection::vec(prop::collection::vec(instruction(), 0..8), 2..8),
        start in 1_usize..6,
    ) {
        let (mut whole, mut late) = (Decoder::new(), Decoder::new());
        late.forget();
        for (number, block) in blocks.iter().enumerate() {
            let block = block.concat();
            let (expected, result) = decode(&mut whole, &block);
            if result.is_err() {
                break;
            }
            if number >= start {
                let (fields, result) = decode(&mut late, &block);
                prop_assert_eq!(result, Ok(()));
                prop_assert_eq!(fields.len(), expected.len());
                for (field, expected) in fields.iter().zip(&expected) {
                    prop_assert!(field == "?" || field == expected, "{field} for {expected}");
                }
            }
        }
    }
}
