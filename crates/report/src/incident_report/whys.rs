//! Five whys, only as deep as the wire shows; what lies deeper is asked, and marked as needing code or configuration.

use authtrace_analyze::{Finding, FindingId, Verdict};

use super::{family::Family, model::Why, scene::Scene};
use crate::words::{answered, count};

/// The most whys: beyond five they are speculation.
const WHYS: usize = 5;

/// From the symptom to the root, then the question that comes next.
pub(super) fn whys(scene: &Scene<'_>, family: Family) -> Vec<Why> {
    let mut whys = Vec::new();
    let path = path(scene);
    if let Some(first) = scene.failing.first() {
        whys.push(Why {
            question: format!("Why did {} fail?", count(scene.failing.len(), "call")),
            answer: match first.outcome.error_text.as_deref() {
                Some(text) => format!("{} {}: “{text}”.", first.route, answered(first)),
                None => format!("{} {}.", first.route, answered(first)),
            },
            on_wire: true,
        });
    }
    for pair in path.windows(2) {
        whys.push(Why { question: question(pair[0]), answer: pair[1].message.clone(), on_wire: true });
    }
    if path.len() < 2 {
        whys.push(Why {
            question: "Why was it answered so?".to_owned(),
            answer: scene.root.message.clone(),
            on_wire: true,
        });
    }
    whys.truncate(WHYS - 1);
    whys.push(deeper(scene, family));
    whys
}

/// The longest chain of findings from a consequence up to the root.
fn path<'a>(scene: &Scene<'a>) -> Vec<&'a Finding> {
    let up = |id: &FindingId| {
        let mut chain = vec![*id];
        while let Some(parent) =
            chain.last().and_then(|id| scene.incident.parents.get(id)).filter(|p| !chain.contains(p))
        {
            chain.push(*parent);
        }
        chain
    };
    // A retry repeats a refusal and explains nothing of it.
    let tells = |id: &&FindingId| scene.finding(**id).is_some_and(|f| f.rule.code != "AUTH044");
    let chains =
        scene.incident.findings.iter().filter(tells).map(up).filter(|chain| chain.last() == Some(&scene.incident.root));
    // The first of the longest, so that the result does not depend on how ties are walked.
    let longest =
        chains.fold(Vec::new(), |best: Vec<FindingId>, chain| if chain.len() > best.len() { chain } else { best });
    longest.iter().filter_map(|id| scene.finding(*id)).collect()
}

fn question(finding: &Finding) -> String {
    format!("Why “{}”?", finding.title)
}

/// What the wire cannot answer.
fn deeper(scene: &Scene<'_>, family: Family) -> Why {
    let site = scene.root.call_site.as_deref();
    let caller = site.map(|site| format!(" The call is made by {site}.")).unwrap_or_default();
    let (question, look) = match family {
        Family::Missing => (
            "Why did the client send the call without the credential?",
            "the code that builds the request, and what it waits for",
        ),
        Family::Rejected => (
            "Why do sender and verifier disagree?",
            "the configuration of the issuer and of the API: keys, issuer, audience, token type, by environment",
        ),
        Family::Refresh => (
            "Why does the client refresh like this?",
            "the client's 401 handler and its refresh logic, and the provider's log for this refresh token",
        ),
        Family::WebSocket => (
            "Why does the server refuse the handshake?",
            "the handler of the WebSocket route and the checks in front of it: token, Origin, path, policy",
        ),
        Family::Cors => (
            "Why does the server answer the preflight like this?",
            "the order of CORS and authentication in the server, and its list of allowed headers",
        ),
        Family::Redirect => (
            "Why is there a redirect?",
            "the URL that the client builds, and the server's rule for slashes, scheme and host",
        ),
        Family::Address => ("Why does the client call this address?", "where the base URL of this call comes from"),
        Family::Exposure => ("Why does it travel there?", "the code that builds the URL or the answer"),
    };
    let open = scene.incident.hypotheses.iter().filter(|h| h.verdict == Verdict::Undecidable).filter_map(|h| h.needs);
    let open: Vec<&str> = open.take(2).collect();
    let also = if open.is_empty() { String::new() } else { format!(" Also: {}.", open.join("; ")) };
    Why {
        question: question.to_owned(),
        answer: format!("The wire does not show it. Look at {look}.{caller}{also}"),
        on_wire: false,
    }
}
