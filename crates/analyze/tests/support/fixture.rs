//! A fixture of the knowledge base (detectors §14): a transcript, and in its comments what must be said of it.
//!
//! ```text
//! # root: AUTH002 AUTH001          any of these heads the first incident
//! # packets root: AUTH001          the same for the packet form, where call sites and pages are not seen
//! # rejected: token-expired        hypotheses that the capture contradicts
//! # undecidable: signature         hypotheses that it leaves open
//! # absent: AUTH001                rules that must not fire
//! # coverage: CAP200               what the capture cannot show
//! # quiet                          nothing at medium or above
//! # only: har                      there is no packet form: what the story is about is not in packets
//! ```
#![allow(clippy::disallowed_methods, reason = "the stories are files")]

use std::path::Path;

use authtrace_analyze::{Analysis, Severity, Verdict};

/// A story and its expectations.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Every fixture, in order of name.
pub(crate) fn all() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../analyze/tests/fixtures");
    let mut all: Vec<Fixture> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| Fixture {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            text: std::fs::read_to_string(path).unwrap(),
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

impl Fixture {
    /// The words behind `# key:`, in all lines that have it.
    fn words(&self, key: &str) -> Vec<&str> {
        let lines = self.text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(':'));
        lines.flat_map(str::split_whitespace).collect()
    }

    fn is_quiet(&self) -> bool {
        self.text.lines().any(|line| line == "# quiet")
    }

    /// Whether packets can tell the story.
    pub(crate) fn has_packets(&self) -> bool {
        self.words("only").is_empty()
    }

    /// What is wrong with the judgement of the `form` that was analysed; empty where nothing is.
    pub(crate) fn faults(&self, form: &str, analysis: &Analysis) -> Vec<String> {
        let mut faults = Vec::new();
        let incident = analysis.incidents.first();
        let root = incident.and_then(|i| analysis.finding(i.root)).map(|f| f.rule.code);
        let roots = match self.words("packets root") {
            packets if form == "packets" && !packets.is_empty() => packets,
            _ => self.words("root"),
        };
        assert!(
            self.is_quiet() || !roots.is_empty() || !self.words("absent").is_empty(),
            "{} expects nothing",
            self.name
        );
        if !roots.is_empty() && !root.is_some_and(|root| roots.contains(&root)) {
            faults.push(format!("the root is {root:?}, not {roots:?}"));
        }
        for (key, verdict) in [("rejected", Verdict::Rejected), ("undecidable", Verdict::Undecidable)] {
            for id in self.words(key) {
                let found = incident.and_then(|i| i.hypotheses.iter().find(|h| h.id == id)).map(|h| h.verdict);
                if found != Some(verdict) {
                    faults.push(format!("{id} is {found:?}, not {verdict:?}"));
                }
            }
        }
        let loud = analysis.findings.iter().any(|f| f.severity >= Severity::Medium);
        if self.is_quiet() && loud {
            faults.push("it is not quiet".to_owned());
        }
        for code in
            self.words("absent").into_iter().filter(|code| analysis.findings.iter().any(|f| f.rule.code == *code))
        {
            faults.push(format!("{code} is found"));
        }
        for code in self.words("coverage").into_iter().filter(|c| !analysis.coverage.iter().any(|g| g.rule.code == *c))
        {
            faults.push(format!("{code} is not reported"));
        }
        if !faults.is_empty() {
            let said = analysis
                .findings
                .iter()
                .map(|f| format!("    {} {:?} {} {}", f.rule.code, f.variant, f.severity, f.message));
            faults.extend(said);
            faults.insert(0, format!("{} as {form}:", self.name));
        }
        faults
    }
}
