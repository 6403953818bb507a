//! The failing samples without their fault: nothing is said any more.

use std::path::Path;

use crate::support::{self, har::Har, mutation::loud};

/// A failing sample and what would have made it work.
struct Repair {
    sample: &'static str,
    repair: fn(&mut Har),
}

const REPAIRS: &[Repair] = &[
    Repair {
        sample: "race.har",
        repair: |har| {
            let token = har.entry("GET /api/v1/books/").header("authorization");
            // The page waits: what went out too early is not sent at all.
            har.remove_refused();
            har.entry("GET /api/v1/books/").request_header("Authorization", &token);
        },
    },
    Repair { sample: "race-rejected.har", repair: |har| accept_with_token_of(har, "GET /api/v1/books/") },
    Repair {
        sample: "bypass-401.har",
        repair: |har| {
            let token = har.entry("GET /api/v1/auth/me").header("authorization");
            har.each_refused(|entry| {
                drop(entry.request_header("Authorization", &token).status(201).answer("{\"a\":1}"))
            });
            har.remove_unanswered();
        },
    },
    Repair {
        sample: "secret-mismatch.har",
        repair: |har| {
            har.each_refused(|entry| drop(entry.status(200).answer("[]")));
            har.remove("GET /ws");
        },
    },
    Repair { sample: "websocket-403.har", repair: |har| har.remove("GET /ws") },
    Repair { sample: "wrong-token.har", repair: |har| accept_with_token_of(har, "GET /api/v1/portfolios/") },
    Repair {
        sample: "preflight.har",
        repair: |har| {
            for route in ["OPTIONS /api/v1/portfolios/", "OPTIONS /api/v1/orders/"] {
                let preflight = har.entry(route).status(200);
                let preflight =
                    preflight.response_header("Access-Control-Allow-Headers", "authorization, content-type");
                preflight.response_header("Access-Control-Allow-Origin", "http://localhost:3000");
            }
            har.remove_unanswered();
        },
    },
    Repair { sample: "storm.har", repair: Har::remove_refused },
    Repair { sample: "herd.har", repair: Har::remove_refused },
    Repair { sample: "redirect.har", repair: |har| accept_with_token_of(har, "GET /api/v1/portfolios") },
    Repair { sample: "issuer.har", repair: |har| accept_with_token_of(har, "GET /api/v1/reports/") },
];

/// Every refused call carries the token that the call of `route` carries, and is accepted.
fn accept_with_token_of(har: &mut Har, route: &str) {
    let token = har.entry(route).header("authorization");
    har.each_refused(|entry| drop(entry.request_header("Authorization", &token).status(200).answer("[]")));
}

fn check(repair: &Repair, folder: &Path) -> Vec<String> {
    let original = support::root().join("captures").join(repair.sample);
    let broken = loud(&support::analyze(&original, None));
    let mut har = Har::read(&original);
    (repair.repair)(&mut har);
    let mended = loud(&support::analyze(&har.write(folder, repair.sample.trim_end_matches(".har")), None));
    let silent = broken.is_empty().then(|| format!("{}: nothing is wrong with it", repair.sample));
    silent
        .into_iter()
        .chain(mended.into_iter().map(|said| format!("{}: mended, and still: {said}", repair.sample)))
        .collect()
}

#[test]
fn without_its_fault_a_failing_capture_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let faults: Vec<String> = REPAIRS.iter().flat_map(|repair| check(repair, folder.path())).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
