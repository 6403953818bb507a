//! A capture that is still running: what it has come to, and whether the reader wants to see it move.

use std::sync::Arc;

use authtrace_analyze::Analysis;
use authtrace_parse::ExchangeId;

use super::Data;
use crate::message::Counts;

/// A running capture.
pub struct Live {
    /// What is captured.
    pub name: String,
    /// Its counters.
    pub counts: Counts,
    /// Whether it is over.
    pub over: bool,
    /// Whether the screen stands still while the capture goes on.
    pub frozen: bool,
    /// Whether the newest exchange stays selected.
    pub follows: bool,
    /// A newer look that waits for its rows, or for a frozen screen to move again.
    pub coming: Option<Arc<Data>>,
    /// Looks so far: rows belong to one of them.
    pub looks: u64,
    /// The look that is shown.
    pub shown: u64,
}

impl Live {
    /// A capture that begins now.
    pub fn new(name: String) -> Self {
        Self {
            name,
            counts: Counts::default(),
            over: false,
            frozen: false,
            follows: true,
            coming: None,
            looks: 0,
            shown: 0,
        }
    }

    /// Whether a newer look is about to be shown.
    pub fn is_coming(&self) -> bool {
        self.coming.is_some() && !self.frozen
    }

    /// One word for what the screen shows.
    pub fn state(&self) -> &'static str {
        match (self.frozen, self.over) {
            (true, _) => "FROZEN",
            (false, true) => "ENDED",
            (false, false) => "LIVE",
        }
    }
}

/// What is selected, told in a way that another look at the capture understands.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The exchange under the timeline's cursor.
    pub exchange: Option<ExchangeId>,
    /// The fingerprint of the finding under the cursor of the first screen.
    pub finding: Option<String>,
}

impl Kept {
    /// The place of the finding among the topics of `data`.
    pub fn topic(&self, data: &Data) -> Option<usize> {
        let wanted = self.finding.as_ref()?;
        data.topics.iter().position(|topic| topic.fingerprint(data.analysis()).as_ref() == Some(wanted))
    }
}

impl super::Topic {
    /// What tells its finding from others in every look; none where it is a gap of coverage.
    pub fn fingerprint(&self, analysis: &Analysis) -> Option<String> {
        let id = match self {
            Self::Incident(place) => analysis.incidents.get(*place)?.root,
            Self::Finding(id) => *id,
            Self::Coverage(_) => return None,
        };
        Some(analysis.findings.get(id.0 as usize)?.fingerprint())
    }
}
