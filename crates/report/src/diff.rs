//! `diff`: what changed in authentication behaviour between two captures: incidents, routes, and the order of steps.

use std::collections::{BTreeMap, BTreeSet};

use authtrace_analyze::{
    Severity,
    facts::{Fact, role::Role},
};
use serde::Serialize;
use similar::{Algorithm, DiffTag, capture_diff_slices};

use crate::{
    json,
    page::Page,
    style::Ink,
    terminal::Layout,
    view::View,
    words::{count, joined},
};

/// Steps of one capture that are compared: beyond this the order of authentication is no longer read by people.
const STEPS: usize = 2000;

/// What changed.
#[derive(Serialize)]
pub struct Diff {
    schema: &'static str,
    appeared: Vec<Incident>,
    disappeared: Vec<Incident>,
    remained: Vec<Incident>,
    routes: Vec<Route>,
    order: Vec<Change>,
}

/// An incident of either capture.
#[derive(Serialize)]
struct Incident {
    id: String,
    code: &'static str,
    title: String,
    severity: &'static str,
    route: String,
}

/// A route that is treated in another way.
#[derive(Serialize)]
struct Route {
    route: String,
    before: Option<Treatment>,
    after: Option<Treatment>,
}

/// How a route's calls were made and answered.
#[derive(Default, PartialEq, Eq, Serialize)]
struct Treatment {
    accepted: usize,
    refused: usize,
    /// How credentials were carried; `none` for calls without.
    carried: BTreeSet<String>,
}

impl Treatment {
    /// What is compared: whether it works, and with which credentials. Numbers differ from run to run.
    fn shape(&self) -> (bool, bool, &BTreeSet<String>) {
        (self.accepted > 0, self.refused > 0, &self.carried)
    }

    fn says(&self) -> String {
        let carried: Vec<String> = self.carried.iter().cloned().collect();
        format!("{} accepted, {} refused, credential in {}", self.accepted, self.refused, joined(&carried))
    }
}

/// Steps that are only in one capture, or in another place.
#[derive(Serialize)]
struct Change {
    /// `removed`, `added` or `moved`.
    change: &'static str,
    step: String,
    /// Exchange in the capture that has it: the earlier one for removed steps, else the later one.
    exchange: u32,
}

impl Diff {
    /// Compares two captures.
    pub fn new(before: &View<'_>, after: &View<'_>) -> Self {
        let (old, new) = (incidents(before), incidents(after));
        let missing_in = |list: &BTreeMap<String, Incident>, key: &String| !list.contains_key(key);
        let gone: BTreeSet<String> = old.keys().filter(|key| missing_in(&new, key)).cloned().collect();
        let (disappeared, _) = split(old, &gone);
        let known: BTreeSet<String> = incidents(before).into_keys().collect();
        let fresh: BTreeSet<String> = new.keys().filter(|key| !known.contains(*key)).cloned().collect();
        let (appeared, remained) = split(new, &fresh);
        Self {
            schema: "authtrace.diff/1",
            appeared,
            disappeared,
            remained,
            routes: routes(before, after),
            order: order(before, after),
        }
    }

    /// The worst severity among incidents that only the later capture has.
    pub fn worst_new(&self) -> Option<Severity> {
        let named = |incident: &Incident| Severity::ALL.into_iter().find(|s| s.name() == incident.severity);
        self.appeared.iter().filter_map(named).max()
    }

    /// One JSON document.
    pub fn json(&self) -> String {
        json::pretty(self)
    }

    /// For people.
    pub fn text(&self, layout: &Layout) -> String {
        let mut page = Page::new(layout.width, layout.style);
        let lists = [
            ("appeared:", Ink::Severity(Severity::High), &self.appeared),
            ("disappeared:", Ink::Good, &self.disappeared),
            ("remains:", Ink::Dim, &self.remained),
        ];
        for (label, ink, incidents) in lists {
            for incident in incidents {
                page.headline(label, ink, &format!("{} {}: {}", incident.code, incident.title, incident.route));
            }
        }
        for route in &self.routes {
            page.blank();
            page.para(0, Ink::Bold, &route.route);
            let says = |treatment: &Option<Treatment>| {
                treatment.as_ref().map_or_else(|| "not called".to_owned(), Treatment::says)
            };
            page.hanging(2, "before", 8, Ink::Plain, &says(&route.before));
            page.hanging(2, "after", 8, Ink::Plain, &says(&route.after));
        }
        if !self.order.is_empty() {
            page.blank();
            page.para(0, Ink::Bold, &format!("Order of authentication: {}", count(self.order.len(), "change")));
        }
        for change in &self.order {
            page.hanging(2, change.change, 9, Ink::Plain, &format!("{} (#{})", change.step, change.exchange));
        }
        let text = page.finish();
        if text.is_empty() { "No change in authentication behaviour.\n".to_owned() } else { text }
    }
}

/// Incidents by the fingerprint of their root.
fn incidents(view: &View<'_>) -> BTreeMap<String, Incident> {
    let one = |incident: &&authtrace_analyze::Incident| {
        let root = view.analysis.finding(incident.root)?;
        let told = Incident {
            id: incident.id.to_string(),
            code: root.rule.code,
            title: incident.title.clone(),
            severity: incident.severity.name(),
            route: root.route.to_string(),
        };
        Some((root.fingerprint(), told))
    };
    view.incidents().iter().filter_map(one).collect()
}

/// Those whose key is among `keys`, and the others.
fn split(list: BTreeMap<String, Incident>, keys: &BTreeSet<String>) -> (Vec<Incident>, Vec<Incident>) {
    let (some, rest): (Vec<_>, Vec<_>) = list.into_iter().partition(|(key, _)| keys.contains(key));
    let values = |list: Vec<(String, Incident)>| list.into_iter().map(|(_, incident)| incident).collect();
    (values(some), values(rest))
}

fn routes(before: &View<'_>, after: &View<'_>) -> Vec<Route> {
    let (mut old, mut new) = (treatments(before), treatments(after));
    let names: BTreeSet<String> = old.keys().chain(new.keys()).cloned().collect();
    let compared = names.into_iter().map(|route| {
        let (before, after) = (old.remove(&route), new.remove(&route));
        Route { route, before, after }
    });
    let differs =
        |route: &Route| route.before.as_ref().map(Treatment::shape) != route.after.as_ref().map(Treatment::shape);
    compared.filter(differs).collect()
}

/// How each route that has to do with authentication is treated.
fn treatments(view: &View<'_>) -> BTreeMap<String, Treatment> {
    let mut routes: BTreeMap<String, Treatment> = BTreeMap::new();
    let files = |f: &&Fact| f.role == Role::Static || f.is_document;
    for fact in view.facts().filter(|f| f.counts() && !files(f)) {
        let treatment = routes.entry(fact.route.to_string()).or_default();
        treatment.accepted += usize::from(fact.accepted());
        treatment.refused += usize::from(fact.refused());
        let carried = fact.main_credential().map_or_else(|| "none".to_owned(), |c| c.carrier.to_string());
        treatment.carried.insert(carried);
    }
    let touched = |t: &Treatment| t.refused > 0 || t.carried.iter().any(|carried| carried != "none");
    routes.retain(|_, treatment| touched(treatment));
    routes
}

/// The steps of authentication in order of time: what an identity endpoint answered, and what was refused.
fn steps(view: &View<'_>) -> Vec<(String, u32)> {
    let mut facts: Vec<&Fact> =
        view.facts().filter(|f| f.leg_of().is_none() && (f.role.is_identity() || f.refused())).collect();
    facts.sort_by_key(|f| (f.started_nanos(), f.id));
    facts.truncate(STEPS);
    facts.iter().map(|f| (format!("{}: {}", f.route, f.outcome.class.name()), f.id.0)).collect()
}

fn order(before: &View<'_>, after: &View<'_>) -> Vec<Change> {
    let (old, new) = (steps(before), steps(after));
    let names = |steps: &[(String, u32)]| steps.iter().map(|(step, _)| step.clone()).collect::<Vec<_>>();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for op in capture_diff_slices(Algorithm::Myers, &names(&old), &names(&new)) {
        if op.tag() != DiffTag::Equal {
            removed.extend(old[op.old_range()].iter().cloned());
            added.extend(new[op.new_range()].iter().cloned());
        }
    }
    // What is gone from one place and new in another has moved: the same steps in another order.
    let mut changes = Vec::new();
    for (step, exchange) in added {
        let moved = removed.iter().position(|(gone, _)| *gone == step);
        moved.into_iter().for_each(|place| drop(removed.remove(place)));
        changes.push(Change { change: if moved.is_some() { "moved" } else { "added" }, step, exchange });
    }
    changes.extend(removed.into_iter().map(|(step, exchange)| Change { change: "removed", step, exchange }));
    changes
}
