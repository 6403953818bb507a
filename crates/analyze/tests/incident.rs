//! What an incident says beside its root: fixes that help, and the place in the program that sent the request.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use authtrace_analyze::{Analysis, Incident, Settings};

fn analyze(text: &str) -> Analysis {
    support::analyze(&support::transcript::parse(text).exchanges, Settings::default())
}

/// The incident whose root is `code`.
#[track_caller]
fn incident<'a>(analysis: &'a Analysis, code: &str) -> &'a Incident {
    analysis.incidents.iter().find(|i| analysis.finding(i.root).is_some_and(|root| root.rule.code == code)).unwrap()
}

/// A loop of failing refreshes leaves the page with an expired token; leeway at the API would not mend the loop.
#[test]
fn fixes_of_what_only_follows_are_left_out() {
    let mut text = String::from(
        "@0ms GET https://api.x.dev/v1/a\n> Authorization: Bearer {jwt:ann iat=-300 exp=1}\n< 200\n\
         @90s GET https://api.x.dev/v1/a\n> Authorization: Bearer {jwt:ann iat=-300 exp=1}\n< 401\n<< {\"message\":\"jwt expired\"}\n",
    );
    for n in 0..6 {
        text += &format!(
            "@{}ms POST https://api.x.dev/auth/refresh\n>> {{\"refresh_token\":\"r1Zk3mQ0d8s7Xc1Vb2Nn4Mm5Ll6Kk7Jj\"}}\n< 401\n<< {{\"message\":\"Invalid refresh token\"}}\n",
            90_100 + n * 120
        );
    }
    let analysis = analyze(&text);
    let storm = incident(&analysis, "AUTH042");
    let consequences: Vec<_> = storm.findings.iter().filter(|id| **id != storm.root).collect();
    assert!(!consequences.is_empty(), "the expired token belongs to the incident");
    let keys: Vec<&str> = storm.fixes.iter().map(|fix| fix.key).collect();
    assert!(keys.contains(&"fe.no-refresh-on-refresh") && !keys.contains(&"be.leeway"), "{keys:?}");
}

#[track_caller]
fn check_call_site(initiator: &str, expected: Option<&str>) {
    let analysis = analyze(&format!("@0ms GET https://app.x.dev/orders {initiator}\n< 401\n"));
    assert_eq!(analysis.capture.facts[0].call_site.as_deref(), expected);
}

#[test]
fn a_call_site_is_a_place_in_a_program() {
    check_call_site("at=load@client.js:20", Some("load (client.js:20)"));
    check_call_site("at=load@:13", Some("load (/:13)"));
    check_call_site("at=@orders:1", None);
    check_call_site("", None);
}
