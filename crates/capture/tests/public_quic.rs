//! The public packet captures: every QUIC connection that tshark names is counted with its name, and nothing else is
//! taken for one.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout, reason = "a test reads and reports")]

use std::path::{Path, PathBuf};

use authtrace_capture::{InputPath, Plan, read_input};
use authtrace_parse::{BodyQuestion, QuicConnection};

/// Connections by file, as tshark 4.0 shows them: host, offered protocols, version. `-` where it shows no name.
const EXPECTED: &[(&str, &[&str])] = &[
    ("arkime__quicietfooo.pcap", &["ssl.gstatic.com h3 QUIC v1"]),
    ("nDPI__google_meet.pcapng", &["meet.google.com h3 QUIC v1"]),
    (
        "nDPI__quic-forcing-vn-with-data.pcapng",
        &["- h3,h3-29,h3-28,h3-27,hq-interop,hq-29,hq-28,hq-27,http/0.9 QUIC v1"],
    ),
    ("nDPI__quic_0RTT.pcap", &["abcd h3-32 QUIC draft 28", "ssl.gstatic.com h3 QUIC v1"]),
    ("retina__quic_kyber.pcapng", &["encrypted-tbn0.gstatic.com h3 QUIC v1"]),
    ("suricata-verify__quic-ack3.pcap", &["tether.edge.apple h3 QUIC v1"]),
    ("suricata-verify__quic-frag-unordered.pcap", &["mastodon.social h3 QUIC v1"]),
    (
        "wireshark__quic-fragmented-handshakes.pcapng.gz",
        &[
            "localhost h3-29 QUIC draft 29",
            "- h3-34,hq-34,h3-33,hq-33,h3-32,hq-32,h3-31,hq-31,h3-29,hq-29,h3-30,hq-30,h3-28,hq-28,h3-27,hq-27,h3,hq-interop QUIC v1",
            "r2---sn-vh5ouxa-hjuk.googlevideo.com h3-29 QUIC draft 29",
            "icon.techgus.com h3-29 QUIC draft 29",
            "clients4.google.com h3-29 QUIC draft 29",
            "play.google.com h3-29 QUIC draft 29",
            "safebrowsing.google.com h3-29 QUIC draft 29",
            "d9iux.xyz h3-29 QUIC draft 29",
            "r2---sn-vh5ouxa-hjuk.googlevideo.com h3-29 QUIC draft 29",
            "www.youtube.com h3-29 QUIC draft 29",
            "r2---sn-vh5ouxa-hjuk.googlevideo.com h3-29 QUIC draft 29",
            "r2---sn-vh5ouxa-hjuk.googlevideo.com h3-29 QUIC draft 29",
            "i9.ytimg.com h3-29 QUIC draft 29",
            "googleads.g.doubleclick.net h3-29 QUIC draft 29",
            "i1.ytimg.com h3-29 QUIC draft 29",
            "yt3.ggpht.com h3-29 QUIC draft 29",
            "www.gstatic.com h3-29 QUIC draft 29",
        ],
    ),
    ("wireshark__quic-with-secrets.pcapng", &["cloudflare-quic.com h3 QUIC v1"]),
    ("zeek__quic__chromium-dpd-custom-port-4433.pcap", &["api.cirrus-ci.com h3 QUIC v1"]),
    (
        "zeek__quic__interop__quic-go_quic-go__zerortt.pcap",
        &["server4:443 hq-interop QUIC v1", "server4:443 hq-interop QUIC v1"],
    ),
    ("zeek__quic__quic-39264-rand.pcap", &["tr6.snapchat.com h3 QUIC v1"]),
    ("zeek__quic__quic-multiple-initial-fragmented-crypto.pcap", &["googleads.g.doubleclick.net h3 QUIC v1"]),
];

fn keep_none(_: &BodyQuestion<'_>) -> usize {
    0
}

fn words(connection: &QuicConnection) -> String {
    let name = connection.server_name.as_deref().unwrap_or("-");
    format!("{name} {} {}", connection.alpn.join(","), connection.version)
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| captures(folder)));
    files.sort();
    files
}

#[test]
fn every_quic_connection_is_counted_and_nothing_else() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures/public/pcap");
    if !folder.is_dir() {
        println!("SKIPPED: {} is not on this machine", folder.display());
        return;
    }
    let (mut connections, mut faults) = (0, Vec::new());
    for path in captures(&folder) {
        // A file that is no capture gives an error, which is an answer, too.
        let Ok(report) = read_input(&InputPath::File(path.clone()), &Plan::new(&keep_none), &mut |_| {}) else {
            continue;
        };
        let name = path.file_name().unwrap().to_string_lossy();
        let found: Vec<String> = report.quic.connections.iter().map(words).collect();
        let expected = EXPECTED.iter().find(|(file, _)| *file == name).map_or(&[][..], |(_, expected)| *expected);
        assert_eq!(report.quic.count, found.len() as u64);
        connections += found.len();
        if found != expected {
            faults.push(format!("{name}: {found:#?}"));
        }
    }
    println!("{connections} connections");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
