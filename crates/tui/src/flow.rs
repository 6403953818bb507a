//! Who takes part in a session: the client and every origin, each with a column.

use authtrace_analyze::text::Text;

use crate::model::Data;

/// Origins that have a column; calls to others share the last one.
const MOST: usize = 6;

/// The origins of the exchanges at `places`, in order of first sight.
pub fn origins(data: &Data, places: &[u32]) -> Vec<Text> {
    let mut origins: Vec<Text> = Vec::new();
    for fact in places.iter().filter_map(|place| data.fact(*place)) {
        if origins.len() < MOST && !origins.contains(&fact.origin) {
            origins.push(fact.origin.clone());
        }
    }
    origins
}
