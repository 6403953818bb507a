//! A capture that is still running: newer looks come in, and what the reader selected stays selected.

use std::sync::Arc;

use super::{say, trouble};
use crate::{
    message::{Command, Counts},
    model::{Data, Kept, Model},
    screen::Screen,
};

/// A newer look at the capture: its rows are asked for before it is shown.
pub(super) fn refreshed(model: &mut Model, data: Arc<Data>) -> Vec<Command> {
    let Some(live) = &mut model.live else { return super::loaded(model, data) };
    live.coming = Some(data);
    if live.frozen { Vec::new() } else { ask(model) }
}

/// Asks for the rows of the look that waits.
fn ask(model: &mut Model) -> Vec<Command> {
    let Some(live) = model.live.as_mut().filter(|live| live.coming.is_some()) else { return Vec::new() };
    live.looks += 1;
    model.how.look = live.looks;
    model.awaited = Some(model.how.clone());
    vec![Command::Arrange(model.how.clone())]
}

/// The look that rows are asked of now: what is shown, or what is about to be.
pub(super) fn look(model: &Model) -> u64 {
    model.live.as_ref().map_or(0, |live| if live.is_coming() { live.looks } else { live.shown })
}

/// Shows the look that the rows of number `look` are of; false where those rows came too late to be of any use.
pub(super) fn show(model: &mut Model, look: u64) -> bool {
    let Some(live) = model.live.as_mut() else { return true };
    if look == live.shown && model.data.is_some() {
        return true;
    }
    let Some(data) = live.coming.take_if(|_| !live.frozen && look == live.looks) else { return false };
    live.shown = look;
    model.finding = None;
    model.data = Some(data);
    true
}

/// What is selected now.
pub(super) fn kept(model: &Model) -> Kept {
    let exchange = model.timeline_fact().map(|fact| fact.id);
    let topic = model.data.as_ref().and_then(|data| {
        let topic = data.topics.get(model.lists[Screen::Incidents.index()].at)?;
        topic.fingerprint(data.analysis())
    });
    Kept { exchange, finding: topic }
}

/// Selects it again; the newest exchange where the reader follows.
pub(super) fn restore(model: &mut Model, kept: &Kept) {
    let Some(data) = model.data.clone() else { return };
    let place = kept.exchange.and_then(|id| data.place(id)).and_then(|place| model.rows.row(place));
    let newest = if model.how.reverse { 0 } else { model.rows.shown.len().saturating_sub(1) };
    let follows = model.live.as_ref().is_some_and(|live| live.follows);
    model.lists[Screen::Timeline.index()].at = if follows { newest } else { place.unwrap_or(0) };
    if let Some(topic) = kept.topic(&data) {
        model.lists[Screen::Incidents.index()].at = topic;
    }
}

/// Counters of the capture.
pub(super) fn captured(model: &mut Model, counts: Counts) -> Vec<Command> {
    if let Some(live) = &mut model.live {
        live.counts = counts;
    }
    Vec::new()
}

/// The capture is over.
pub(super) fn ended(model: &mut Model) -> Vec<Command> {
    if let Some(live) = &mut model.live {
        live.over = true;
        say(model, "the capture is over; this is all of it");
    }
    Vec::new()
}

/// Stops the screen, or lets it go on.
pub(super) fn freeze(model: &mut Model) -> Vec<Command> {
    let Some(live) = &mut model.live else { return trouble(model, NOT_LIVE.to_owned()) };
    live.frozen = !live.frozen;
    if live.frozen { Vec::new() } else { ask(model) }
}

/// Follows the newest exchange, or stays.
pub(super) fn follow(model: &mut Model) -> Vec<Command> {
    let Some(live) = &mut model.live else { return trouble(model, NOT_LIVE.to_owned()) };
    live.follows = !live.follows;
    let says = if live.follows { "the newest exchange stays selected" } else { "the selection stays where it is" };
    say(model, says);
    if model.live.as_ref().is_some_and(|live| live.follows) {
        restore(model, &Kept::default());
    }
    Vec::new()
}

/// Where the timeline's cursor is, while it follows the newest exchange.
pub(super) fn followed(model: &Model) -> Option<usize> {
    let follows = model.live.as_ref().is_some_and(|live| live.follows);
    follows.then(|| model.lists[Screen::Timeline.index()].at)
}

/// Whoever selects something else does not follow any more.
pub(super) fn let_go(model: &mut Model, before: Option<usize>) {
    if before.is_some()
        && before != followed(model)
        && let Some(live) = &mut model.live
    {
        live.follows = false;
    }
}

/// What is said where nothing runs.
const NOT_LIVE: &str = "nothing is captured here; this is a file";
