//! Diagnosis: from a pile of findings to incidents, each with one root cause, its consequences and its rejected rivals.

mod candidates;
pub(crate) mod causes;
mod contrast;
mod hypotheses;
mod incident;
mod lookups;

pub use contrast::{Compared, Contrast};
pub use hypotheses::{Judged, Verdict};
pub use incident::{Incident, IncidentId};

use self::lookups::{Lookups, Orders};
use crate::{capture::Capture, finding::Finding};

/// Incidents, and the findings renumbered in their order.
pub(crate) struct Diagnosis {
    pub(crate) findings: Vec<Finding>,
    pub(crate) incidents: Vec<Incident>,
}

/// Puts findings on the causal graph, groups what shares a cause, and tests the competing hypotheses.
pub(crate) fn diagnose(capture: &Capture, findings: Vec<Finding>) -> Diagnosis {
    let parents = causes::parents(capture, &findings);
    let orders = Orders::new(capture, &findings);
    incident::assemble(capture, &Lookups::new(capture, &orders), findings, &parents)
}
