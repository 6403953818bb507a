//! Exchanges in, an [`Analysis`] out: what authentication traffic means and why a request was refused.
//!
//! ```text
//! Exchange ─► facts ─► profile ─► rules ─► diagnosis ─► Analysis
//! ```
//!
//! Data goes one way. Facts state what is there and how well it was seen, rules judge one client's timeline against the
//! capture's profile, diagnosis puts findings on a causal graph and names one cause with its rejected rivals.
//! This crate opens no file, reads no clock and no environment; rules are private, so nothing else can name a detector.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod analyzer;
mod aside;
mod bystander;
pub mod capture;
mod case;
pub mod catalogue;
pub mod challenge;
pub mod coverage;
mod diagnosis;
pub mod dictionary;
pub mod expect;
pub mod facts;
pub mod finding;
pub mod fixes;
mod flows;
mod identity;
mod judge;
pub mod key;
mod key_sets;
mod lookup;
mod masked;
pub mod own_rule;
mod presented;
pub mod private;
pub mod profile;
mod refreshes;
pub mod role;
mod rule;
mod rules;
mod sanitized;
pub mod scrub;
pub mod sealed;
mod session_end;
pub mod settings;
pub mod source_maps;
pub mod stored;
pub mod table;
pub mod text;
pub mod thresholds;
pub mod ties;
pub mod token;
pub mod tokens;

pub use analysis::{Analysis, Elsewhere, Summary};
pub use analyzer::{Analyzer, BodyNeeds, Snapshot};
pub use diagnosis::{Compared, Contrast, Incident, IncidentId, Judged, Verdict};
pub use finding::{Confidence, Evidence, EvidenceRole, Finding, FindingId, Severity};
pub use settings::Settings;
