//! Pictures of a report as inline SVG: no script, no style of their own, colours by class, words for those who do not see.

mod fate;
mod lifelines;
mod scale;
mod strip;
mod svg;
mod tree;
mod waterfall;

use serde::Serialize;

use crate::{
    incident_report::{model::Chapter, scene::Scene},
    view::View,
};

/// Every picture of one report; those that would say nothing are absent.
#[derive(Serialize)]
pub(crate) struct Pictures {
    lifelines: Option<String>,
    strip: Option<String>,
    /// By chapter.
    chapters: Vec<ChapterPictures>,
}

#[derive(Serialize)]
struct ChapterPictures {
    waterfall: Option<String>,
    tree: Option<String>,
}

impl Pictures {
    /// Draws them.
    pub(crate) fn new(view: &View<'_>, scenes: &[Scene<'_>], chapters: &[Chapter]) -> Self {
        let of = |(scene, chapter)| ChapterPictures { waterfall: waterfall::draw(scene), tree: tree::draw(chapter) };
        Self {
            lifelines: lifelines::draw(view),
            strip: strip::draw(view),
            chapters: scenes.iter().zip(chapters).map(of).collect(),
        }
    }
}
