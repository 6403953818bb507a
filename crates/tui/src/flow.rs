//! Who takes part in a session: the client and every origin, each with a column.

use authtrace_analyze::text::Text;

use crate::model::Model;

/// Origins that have a column; calls to others share the last one.
const MOST: usize = 6;

/// The origins of the session in order of first sight.
pub fn origins(model: &Model) -> Vec<Text> {
    let mut origins: Vec<Text> = Vec::new();
    let Some(data) = &model.data else { return origins };
    for fact in model.flow.iter().filter_map(|place| data.fact(*place)) {
        if !origins.contains(&fact.origin) {
            origins.push(fact.origin.clone());
            if origins.len() == MOST {
                break;
            }
        }
    }
    origins
}
