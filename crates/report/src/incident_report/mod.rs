//! `report`: an incident report for those who must be convinced, as Markdown, HTML and JSON from one neutral model.

mod appendix;
mod chapter;
mod checks;
mod evidence;
mod family;
mod flow;
mod front;
mod impact;
mod markdown;
mod mermaid;
pub mod model;
mod options;
mod render;
pub(crate) mod scene;
mod tree;
mod whys;

use std::collections::{BTreeMap, BTreeSet};

use authtrace_analyze::Incident;
use authtrace_parse::{ExchangeId, Timestamp};

pub use render::TemplateError;
use scene::Scene;

use crate::{json, picture, view::View, words::certainty};

/// Incidents with a chapter of their own; the others are listed.
const CHAPTERS: usize = 20;

/// What the caller knows and the capture does not.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// When the report is written. Left out, equal captures give equal reports.
    pub date: Option<Timestamp>,
    /// Who wrote it.
    pub analyst: Option<String>,
}

/// A report, ready to be rendered.
pub struct IncidentReport<'a> {
    view: &'a View<'a>,
    model: model::Report,
    pictures: picture::Pictures,
}

impl<'a> IncidentReport<'a> {
    /// Writes the report of what is in focus.
    pub fn new(view: &'a View<'a>, about: &About) -> Self {
        let (first, rest) = view.incidents().split_at(view.incidents().len().min(CHAPTERS));
        let scenes: Vec<Scene<'_>> = first.iter().filter_map(|incident| Scene::new(view, incident)).collect();
        let parties = front::parties(view);
        let (impact, refused) = impact::impact(view);
        let told: BTreeSet<ExchangeId> =
            scenes.iter().flat_map(|s| s.story().0.into_iter().map(|fact| fact.id)).collect();
        let chapters: Vec<model::Chapter> = scenes.iter().map(|scene| chapter::chapter(scene, &parties)).collect();
        let pictures = picture::Pictures::new(view, &scenes, &chapters);
        let model = model::Report {
            front: front::front(view, about),
            summary: front::summary(view, &scenes, &refused),
            context: front::context(view, &parties),
            impact,
            incidents: chapters,
            also: also(view, rest),
            limits: appendix::limits(view),
            appendix: appendix::appendix(view, &told),
        };
        Self { view, model, pictures }
    }

    /// The report as data.
    pub fn model(&self) -> &model::Report {
        &self.model
    }

    /// As Markdown; `templates` replace or extend the built-in ones, by name.
    ///
    /// # Errors
    /// Where a template does not parse, or names what is not there.
    pub fn markdown(&self, templates: &BTreeMap<String, String>) -> Result<String, TemplateError> {
        render::markdown(&self.model, templates)
    }

    /// As one HTML page that loads nothing.
    ///
    /// # Errors
    /// Never with the built-in template.
    pub fn html(&self) -> Result<String, TemplateError> {
        render::html(&self.model, &self.pictures)
    }

    /// The document `authtrace.analysis/1` with the report under the key `report`.
    pub fn json(&self) -> String {
        json::render_with_report(self.view, &self.model)
    }
}

/// Incidents without a chapter, and findings of none.
fn also(view: &View<'_>, rest: &[&Incident]) -> Vec<model::Also> {
    const MOST: usize = 50;
    let incident = |i: &&Incident| model::Also {
        id: i.id.to_string(),
        code: view.analysis.finding(i.root).map_or("", |f| f.rule.code),
        severity: i.severity.name(),
        certainty: certainty(i.confidence),
        title: i.title.clone(),
        text: i.statement.clone(),
    };
    let within: BTreeSet<_> = view.incidents().iter().flat_map(|i| i.findings.iter().copied()).collect();
    let loose = view.findings().filter(|(id, _)| !within.contains(id)).map(|(id, f)| model::Also {
        id: id.to_string(),
        code: f.rule.code,
        severity: f.severity.name(),
        certainty: certainty(f.confidence()),
        title: f.title.clone(),
        text: f.message.clone(),
    });
    rest.iter().map(incident).chain(loose).take(MOST).collect()
}
