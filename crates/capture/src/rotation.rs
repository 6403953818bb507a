//! Files that one capturing program began one after the other: a connection may cross from one into the next, so they are
//! read as one capture.
//!
//! They are told by their names (the rings of dumpcap, tshark and `authtrace capture -b`; `tcpdump -C` and `-G`) and by what
//! they begin with; their order is that of their first packets, since a ring begins again with its first name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    path::{Path, PathBuf},
};

use authtrace_parse::Timestamp;

use crate::{
    expand::InputPath,
    packets::{FILE_HEADER, PacketFormat, PacketReader},
    pump,
    sniff::Compression,
    unpack,
};

/// Puts the files of one capture together, in its order; every other input stays what and where it is.
pub fn join_rotated(inputs: Vec<InputPath>) -> Vec<InputPath> {
    let mut named: BTreeMap<(PathBuf, String), Vec<usize>> = BTreeMap::new();
    for (place, input) in inputs.iter().enumerate() {
        if let InputPath::File(path) = input
            && let Some(series) = series(path)
        {
            named.entry(series).or_default().push(place);
        }
    }
    // Where a capture stands first, all of it stands.
    let mut joined: BTreeMap<usize, Vec<PathBuf>> = BTreeMap::new();
    let mut gone = BTreeSet::new();
    for places in named.into_values().filter(|places| places.len() > 1) {
        let files = places.iter().filter_map(|place| path(&inputs[*place]));
        if let Some(files) = in_order(files) {
            joined.insert(places[0], files);
            gone.extend(places);
        }
    }
    let keep = |(place, input)| match joined.remove(&place) {
        Some(files) => Some(InputPath::Rotated(files)),
        None => (!gone.contains(&place)).then_some(input),
    };
    inputs.into_iter().enumerate().filter_map(keep).collect()
}

fn path(input: &InputPath) -> Option<&Path> {
    match input {
        InputPath::File(path) => Some(path),
        InputPath::Stdin | InputPath::Rotated(_) => None,
    }
}

/// The files in the order of their first packets; `None` where they are no parts of one capture.
fn in_order<'p>(files: impl Iterator<Item = &'p Path>) -> Option<Vec<PathBuf>> {
    let mut begun: Vec<(Option<Timestamp>, &Path)> = Vec::new();
    let mut header: Option<Vec<u8>> = None;
    for path in files {
        let start = Start::of(path).ok().flatten()?;
        if header.get_or_insert_with(|| start.header.clone()) != &start.header {
            return None;
        }
        begun.push((start.time, path));
    }
    // A file that was only just begun holds no packet yet.
    begun.sort_by_key(|(time, path)| (time.is_none(), *time, *path));
    let copies = begun.windows(2).any(|pair| pair[0].0.is_some() && pair[0].0 == pair[1].0);
    (!copies).then(|| begun.into_iter().map(|(_, path)| path.to_owned()).collect())
}

/// What a file begins with.
struct Start {
    /// What is the same in all files of one capture.
    header: Vec<u8>,
    /// When its first packet was captured.
    time: Option<Timestamp>,
}

impl Start {
    /// `None` where it is no packet capture.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        // A pipe would wait, and give what it gave only once.
        if !path.is_file() {
            return Ok(None);
        }
        let head = pump::first_bytes(&mut File::open(path)?)?;
        let head = unpack::head(Compression::sniff(&head), head);
        let header = match PacketFormat::sniff(&head) {
            Some(PacketFormat::Pcap) => &head[..head.len().min(FILE_HEADER)],
            Some(PacketFormat::Pcapng) => &head[..4],
            None => return Ok(None),
        };
        let mut time = None;
        let mut reader = PacketReader::new();
        let mut note = |time_of: Option<Timestamp>| time = time.or(time_of);
        reader.push(&head, &mut |placed| note(placed.frame.time));
        reader.finish(&mut |placed| note(placed.frame.time));
        Ok(Some(Self { header: header.to_vec(), time }))
    }
}

/// Endings of packed files.
const PACKED: [&str; 3] = [".gz", ".zst", ".zz"];
/// Endings of captures, behind which `tcpdump -C` counts.
const ENDINGS: [&str; 4] = [".pcapng", ".pcap", ".cap", ".dmp"];

/// The folder and what the names of all files of the capture have in common; `None` where the name is none of a capture.
fn series(path: &Path) -> Option<(PathBuf, String)> {
    let name = path.file_name()?.to_str()?;
    let plain = PACKED.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    let uncounted = plain.trim_end_matches(|c: char| c.is_ascii_digit());
    let (stem, ending) = ENDINGS.iter().find_map(|ending| Some((uncounted.strip_suffix(ending)?, *ending)))?;
    Some((path.parent()?.to_owned(), format!("{}{ending}", undated(stem))))
}

/// Forms of a date and time in names: letters stand for digits, `?` for a mark between them.
const DATED: [&str; 8] = [
    "YYYYMMDDhhmmss",
    "YYYYMMDD?hhmmss",
    "YYYY?MM?DD?hh?mm?ss",
    "YYYY?MM?DD?hhmmss",
    "YYYYMMDDhhmm",
    "YYYYMMDD?hhmm",
    "YYYY?MM?DD?hh?mm",
    "EEEEEEEEEE",
];

/// Digits of the number that a ring counts its files with.
const COUNT: usize = 5;

/// `stem` without the date and time, and without the number of a ring beside it.
fn undated(stem: &str) -> String {
    let starts = (0..stem.len()).filter(|at| stem.is_char_boundary(*at));
    let starts = starts.filter(|at| !stem[..*at].ends_with(|c: char| c.is_ascii_digit()));
    // The last one: a name may begin with the date of an incident.
    let found = starts.rev().find_map(|at| {
        let len = DATED.iter().filter(|form| fits(form, &stem[at..])).map(|form| form.len()).max()?;
        Some((&stem[..at], &stem[at + len..]))
    });
    let Some((before, after)) = found else { return stem.to_owned() };
    let is_count = |text: &str| text.len() == COUNT && text.bytes().all(|b| b.is_ascii_digit());
    let counted = before.strip_suffix('_').and_then(|text| text.rsplit_once('_')).filter(|(_, count)| is_count(count));
    match counted {
        // A capture that was only later told to begin another file has a first one without number and date.
        Some((name, _)) => format!("{name}{after}"),
        None if after.strip_prefix('_').is_some_and(is_count) => before.trim_end_matches('_').to_owned(),
        None => format!("{before}*{after}"),
    }
}

/// Whether `text` starts with a date and time of this form that there can be.
fn fits(form: &str, text: &str) -> bool {
    let Some(text) = text.get(..form.len()).filter(|part| part.is_ascii()) else { return false };
    if !text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
        b'?' => b"-_T:.".contains(&byte),
        _ => byte.is_ascii_digit(),
    }) {
        return false;
    }
    let number = |unit: char| {
        let digits = form.chars().zip(text.chars()).filter(|(wanted, _)| *wanted == unit).map(|(_, digit)| digit);
        digits.fold(0u64, |number, digit| number * 10 + u64::from(digit.to_digit(10).unwrap_or_default()))
    };
    if form.starts_with('E') {
        return (1_000_000_000..2_000_000_000).contains(&number('E'));
    }
    (2000..2100).contains(&number('Y'))
        && (1..=12).contains(&number('M'))
        && (1..=31).contains(&number('D'))
        && number('h') < 24
        && number('m') < 60
        && number('s') <= 60
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<&str>) {
        assert_eq!(series(Path::new(name)).map(|(_, pattern)| pattern).as_deref(), expected, "{name}");
    }

    #[test]
    fn names_tell_what_belongs_together() {
        check("ring_00001_20261127051200.pcapng", Some("ring.pcapng"));
        check("ring_20261127051200_00001.pcapng", Some("ring.pcapng"));
        check("ring.pcapng", Some("ring.pcapng"));
        check("trace.pcap", Some("trace.pcap"));
        check("trace.pcap12", Some("trace.pcap"));
        check("trace.pcap1.gz", Some("trace.pcap"));
        check("eth0-20261127-051200.pcap", Some("eth0-*.pcap"));
        check("eth0-2026-11-27T05:12:00.pcap3", Some("eth0-*.pcap"));
        check("dump.1795758394.cap", Some("dump.*.cap"));
        check("pod-10.12.133.144.pcap", Some("pod-10.12.133.144.pcap"));
        check("pod-1.pcap", Some("pod-1.pcap"));
        check("201102133144.pcap", Some("201102133144.pcap"));
        check("session.har", None);
    }
}
