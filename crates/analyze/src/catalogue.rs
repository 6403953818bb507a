//! The catalogue: what every rule is called, what it means and where its page is. Everything that lists rules derives from it.

use crate::{finding::Severity, rules::RULES, thresholds::Threshold};

/// Where in the stack a cause lives; a lower layer explains a higher one (detectors §10, tie-break).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// The capture itself.
    Capture,
    /// Browser, proxy, redirect, CORS.
    Transport,
    /// The client's code.
    Client,
    /// A token and its claims.
    Token,
    /// Keys and signatures.
    Key,
    /// Sessions and refresh.
    Session,
    /// Leakage and lifetime: true on its own, never the cause of a refusal.
    Hygiene,
}

impl Layer {
    /// Name in documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Transport => "transport",
            Self::Client => "client",
            Self::Token => "token",
            Self::Key => "key",
            Self::Session => "session",
            Self::Hygiene => "hygiene",
        }
    }
}

/// How common a pattern is: what most captures show, what many do, what few do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// The everyday ones.
    T1,
    /// Common.
    T2,
    /// Rare.
    T3,
}

impl Tier {
    /// Name in every output.
    pub fn name(self) -> &'static str {
        match self {
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::T3 => "T3",
        }
    }
}

/// What a rule is, apart from how it judges.
#[derive(Debug)]
pub struct RuleMeta {
    /// Stable code, never reused: `AUTH001`.
    pub code: &'static str,
    /// Kebab-case name of the pattern: `missing-authorization`.
    pub id: &'static str,
    /// One line in sentence case, no full stop.
    pub title: &'static str,
    /// Severity of an ordinary case.
    pub severity: Severity,
    /// Layer of the cause.
    pub layer: Layer,
    /// How common the pattern is.
    pub tier: Tier,
    /// The numbers that it judges by.
    pub thresholds: &'static [Threshold],
    /// The rule's page: explanation, executed examples, known limits, references.
    pub spec: &'static str,
    /// Keys of fix texts, best first (`dictionary::fixes`).
    pub fixes: &'static [&'static str],
}

/// Every rule, by code.
pub fn catalogue() -> impl ExactSizeIterator<Item = &'static RuleMeta> {
    RULES.iter().map(|rule| &rule.meta)
}

/// The rule with this code or id, without case.
pub fn find(name: &str) -> Option<&'static RuleMeta> {
    catalogue().find(|meta| meta.code.eq_ignore_ascii_case(name) || meta.id.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        let codes: Vec<_> = catalogue().map(|meta| meta.code).collect();
        assert!(codes.is_sorted(), "{codes:?}");
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert_eq!(catalogue().map(|meta| meta.id).collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn names_are_well_formed() {
        for meta in catalogue() {
            let (letters, digits) = meta.code.split_at(meta.code.len() - 3);
            assert!(matches!(letters, "AUTH" | "CAP") && digits.bytes().all(|b| b.is_ascii_digit()), "{}", meta.code);
            assert!(meta.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", meta.id);
            assert!(!meta.title.ends_with('.') && meta.title.starts_with(char::is_uppercase), "{}", meta.title);
        }
    }

    #[test]
    fn every_rule_has_a_page_with_every_heading() {
        for meta in catalogue() {
            for heading in [
                "## What it detects",
                "## Why it matters",
                "## Example",
                "## Quiet on",
                "## Known limits",
                "## References",
            ] {
                assert!(meta.spec.contains(heading), "{}: no `{heading}`", meta.code);
            }
            assert!(meta.spec.starts_with(&format!("# {} `{}`", meta.code, meta.id)), "{}: title", meta.code);
        }
    }

    #[test]
    fn every_fix_has_a_text() {
        for meta in catalogue() {
            for key in meta.fixes {
                assert!(crate::fixes::fix(key).is_some(), "{}: no fix text `{key}`", meta.code);
            }
        }
    }

    #[test]
    fn rules_are_found_by_code_and_id() {
        assert_eq!(find("auth001").map(|m| m.id), Some("missing-authorization"));
        assert_eq!(find("missing-authorization").map(|m| m.code), Some("AUTH001"));
        assert!(find("AUTH999").is_none());
    }
}
