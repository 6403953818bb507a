//! What each action does.

use authtrace_report::Clock;

use super::{go, live, request, say, search};
use crate::{
    arrange::{Fold, Sort},
    find::List,
    keys::{Action, Chord},
    message::{Command, Export, What},
    model::{Mode, Model},
    prompt::{Kind, Prompt},
    reveal::Level,
    screen::Screen,
};

/// Carries out `action`.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Command> {
    match action {
        Action::Down => step(model, 1),
        Action::Up => step(model, -1),
        Action::PageDown => step(model, page(model)),
        Action::PageUp => step(model, -page(model)),
        Action::HalfDown => step(model, (page(model) / 2).max(1)),
        Action::HalfUp => step(model, -(page(model) / 2).max(1)),
        Action::Top => step(model, isize::MIN),
        Action::Bottom => step(model, isize::MAX),
        Action::Left => go::sideways(model, false),
        Action::Right => go::sideways(model, true),
        Action::Open => go::open(model),
        Action::Back => return go::back(model),
        Action::Quit => return vec![Command::Quit],
        Action::NextPane => model.in_pane = !model.in_pane,
        Action::Go(screen) => go::to(model, screen),
        Action::NextScreen => go::to(model, beside(model.screen, 1)),
        Action::PreviousScreen => go::to(model, beside(model.screen, Screen::ALL.len() - 1)),
        Action::Search => prompt(model, Kind::Search, String::new()),
        Action::NextMatch => return search::next(model, true),
        Action::PreviousMatch => return search::next(model, false),
        Action::NextFinding => return search::finding(model, true),
        Action::PreviousFinding => return search::finding(model, false),
        Action::Filter => {
            let filter = model.how.filter.clone().unwrap_or_default();
            prompt(model, Kind::Filter, filter);
        }
        Action::ClearFilter => return filter(model, None),
        Action::CommandLine => prompt(model, Kind::Command, String::new()),
        Action::Help => model.mode = Mode::Help(0),
        Action::Mark => mark(model),
        Action::JumpToMark => search::mark(model),
        Action::Compare => compare(model),
        Action::Sort => return sort(model, next(&Sort::ALL, model.how.sort)),
        Action::Reverse => {
            model.how.reverse = !model.how.reverse;
            return request(model);
        }
        Action::Fold => return fold(model, next(&Fold::ALL, model.how.fold)),
        Action::Copy => return copy(model),
        Action::CopyCurl => return model.selected_fact().map(|fact| Command::CopyCurl(fact.id)).into_iter().collect(),
        Action::Export => {
            let name = format!("authtrace-{}.txt", model.screen.name());
            prompt(model, Kind::Export, name);
        }
        Action::Reveal => reveal(model),
        Action::Verbose => model.verbose = !model.verbose,
        Action::Clock => model.setup.clock = later_clock(model.setup.clock.as_ref()),
        Action::Mouse => return mouse(model, !model.setup.mouse),
        Action::Redraw => return vec![Command::Redraw],
        Action::Freeze => return live::freeze(model),
        Action::Follow => return live::follow(model),
    }
    Vec::new()
}

/// Keys of the help page.
pub(super) fn in_help(model: &mut Model, chord: Chord) -> Vec<Command> {
    let action = model.setup.keymap.action(chord);
    let Mode::Help(scroll) = &mut model.mode else { return Vec::new() };
    let page = usize::from(model.size.height.saturating_sub(4)).max(1);
    match action {
        Some(Action::Down) => *scroll = scroll.saturating_add(1),
        Some(Action::Up) => *scroll = scroll.saturating_sub(1),
        Some(Action::PageDown | Action::HalfDown) => *scroll = scroll.saturating_add(page),
        Some(Action::PageUp | Action::HalfUp) => *scroll = scroll.saturating_sub(page),
        Some(Action::Top) => *scroll = 0,
        Some(Action::Quit) => return vec![Command::Quit],
        _ => model.mode = Mode::Normal,
    }
    if let Mode::Help(scroll) = &mut model.mode {
        *scroll = (*scroll).min(crate::view::help::LINES);
    }
    Vec::new()
}

/// Moves in the details or in the list.
pub(super) fn step(model: &mut Model, by: isize) {
    if model.moves_pane() {
        model.pane.cursor.step(by);
    } else {
        model.cursor_mut().step(by);
    }
}

fn page(model: &Model) -> isize {
    let rows = if model.moves_pane() { usize::from(model.areas().pane.height) } else { model.room() };
    isize::try_from(rows.saturating_sub(1).max(1)).unwrap_or(1)
}

fn beside(screen: Screen, by: usize) -> Screen {
    Screen::ALL[(screen.index() + by) % Screen::ALL.len()]
}

fn next<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let at = all.iter().position(|one| *one == now).unwrap_or(0);
    all[(at + 1) % all.len()]
}

fn prompt(model: &mut Model, kind: Kind, line: String) {
    model.mode = Mode::Prompt(Prompt::new(kind, line));
}

/// Filters the timeline.
pub(super) fn filter(model: &mut Model, filter: Option<String>) -> Vec<Command> {
    model.how.filter = filter;
    go::to(model, Screen::Timeline);
    request(model)
}

/// Orders the timeline.
pub(super) fn sort(model: &mut Model, sort: Sort) -> Vec<Command> {
    model.how.sort = sort;
    go::to(model, Screen::Timeline);
    request(model)
}

/// Groups the timeline.
pub(super) fn fold(model: &mut Model, fold: Fold) -> Vec<Command> {
    model.how.fold = fold;
    go::to(model, Screen::Timeline);
    request(model)
}

/// Uses the mouse or not.
pub(super) fn mouse(model: &mut Model, on: bool) -> Vec<Command> {
    model.setup.mouse = on;
    say(model, if on { "mouse on; hold Shift to select text" } else { "mouse off" });
    vec![Command::Mouse(on)]
}

fn mark(model: &mut Model) {
    let Some(id) = model.selected_fact().map(|fact| fact.id) else {
        return say(model, "nothing to mark here; exchanges are marked in the timeline, the flow, and their own page");
    };
    if model.marks.contains(&id) {
        model.marks.retain(|marked| *marked != id);
    } else {
        model.marks.push(id);
    }
    if model.screen != Screen::Exchange {
        step(model, 1);
    }
}

fn compare(model: &mut Model) {
    if model.compared().is_none() {
        say(model, "mark two exchanges with m first");
    }
    go::to(model, Screen::Compare);
}

fn later_clock(clock: Option<&Clock>) -> Option<Clock> {
    match clock {
        None => Some(Clock::Utc),
        Some(Clock::Utc | Clock::Local(_)) => Some(Clock::Relative),
        Some(Clock::Relative) => Some(Clock::Delta),
        Some(Clock::Delta) => Some(Clock::Epoch),
        Some(Clock::Epoch) => None,
    }
}

fn reveal(model: &mut Model) {
    let token = model.selected_token().filter(|_| model.screen == Screen::Tokens);
    match token {
        // One level after the other, the last one after a yes only.
        Some(token) => match model.revealed.filter(|(shown, _)| *shown == token).map(|(_, level)| level) {
            None => model.revealed = Some((token, Level::Part)),
            Some(Level::Part) => model.mode = Mode::Confirm(token),
            Some(Level::Whole) => model.revealed = None,
        },
        None => say(model, "values are shown on the screen of tokens only"),
    }
}

/// What an export of the current screen holds.
pub(super) fn export(model: &Model, path: &str) -> Vec<Command> {
    let what = match model.screen {
        Screen::Incidents => What::Incidents,
        Screen::Timeline | Screen::Flow => match List::of(model) {
            Some(list) => What::Exchanges(list),
            None => return Vec::new(),
        },
        Screen::Tokens => What::Tokens,
        Screen::Sessions => What::Sessions,
        Screen::Rules => What::Rules,
        Screen::Exchange | Screen::Compare => What::Text(model.pane.all()),
    };
    vec![Command::Export(Export { path: path.to_owned(), what })]
}

fn copy(model: &mut Model) -> Vec<Command> {
    let Some(text) = search::selection(model).filter(|text| !text.trim().is_empty()) else { return Vec::new() };
    say(model, "copied");
    vec![Command::Copy(text.trim().to_owned())]
}
