//! Every dialect of key logs, and lines that are none.

use super::*;

const RANDOM: &str = "0001020304050607080910111213141516171819202122232425262728293031";
const MASTER: &str = "AbCdEf0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243";

fn read(text: &str) -> (KeyLog, KeyLogNotes) {
    let mut log = KeyLog::new();
    let notes = log.read(text.as_bytes());
    (log, notes)
}

#[track_caller]
fn check(text: &str, added: usize, secrets: usize, bad: usize) {
    let (_, notes) = read(text);
    assert_eq!((notes.added, notes.secrets, notes.bad), (added, secrets, bad), "{text}");
}

#[test]
fn dialects() {
    let long = &MASTER[..94];
    let master = format!("{long}ff");
    let short = &MASTER[..64];
    check(&format!("CLIENT_RANDOM {RANDOM} {master}"), 1, 1, 0);
    check(&format!("client_random {RANDOM} {master}"), 0, 0, 1);
    check(&format!("  CLIENT_RANDOM\t{}   {}\r\n", RANDOM.to_uppercase(), master.to_lowercase()), 1, 1, 0);
    check(&format!("CLIENT_RANDOM {RANDOM} {short}"), 0, 0, 1);
    for label in SecretLabel::ALL {
        check(&format!("{} {RANDOM} {short}", label.name()), 1, 1, 0);
        check(&format!("{} {RANDOM} {master}", label.name()), 1, 1, 0);
        check(&format!("{} {RANDOM} {}", label.name(), &short[..40]), 0, 0, 1);
    }
    for label in ["EXPORTER_SECRET", "EARLY_EXPORTER_SECRET", "QUIC_CLIENT_TRAFFIC_SECRET_0", "ECH_SECRET"] {
        check(&format!("{label} {RANDOM} {short}"), 0, 1, 0);
    }
    check(&format!("RSA 0011223344556677 {master}"), 1, 1, 0);
    check(&format!("RSA 00112233445566 {master}"), 0, 0, 1);
    check(&format!("RSA Session-ID:00112233 Master-Key:{master}"), 1, 1, 0);
    check(&format!("RSA Session-ID: Master-Key:{master}"), 0, 1, 0);
    check("# a comment\n\n \r\n#", 0, 0, 0);
    check("\u{feff}# a comment", 0, 0, 0);
    check("not a key log\nCLIENT_RANDOM\nCLIENT_RANDOM zz zz\n\0\0\0", 0, 0, 4);
}

#[test]
fn bad_lines_are_located_and_spoil_nothing() {
    let text = format!("# log\nrubbish\nCLIENT_TRAFFIC_SECRET_0 {RANDOM} {}\nmore", &MASTER[..64]);
    let (log, notes) = read(&text);
    assert_eq!((notes.added, notes.bad, notes.first_bad), (1, 2, Some(2)));
    let random = std::array::from_fn(|i| (i / 10 * 16 + i % 10) as u8);
    assert!(log.of(&random).is_some_and(|secrets| secrets.traffic(SecretLabel::ClientTraffic).is_some()));
    assert!(log.of(&[0; 32]).is_none());
}

#[test]
fn what_is_given_twice_is_new_once() {
    let line = format!("CLIENT_TRAFFIC_SECRET_0 {RANDOM} {}\n", &MASTER[..64]);
    let (mut log, _) = read(&line);
    let generation = log.generation();
    assert_eq!(log.read(line.as_bytes()).added, 0);
    assert_eq!(log.generation(), generation);
}
