//! What happens with a line once it is entered.

use authtrace_analyze::catalogue;
use authtrace_parse::ExchangeId;
use authtrace_report::Clock;

use super::{act, go, search};
use crate::{
    arrange::{Fold, Sort},
    message::Command,
    model::{Mode, Model, Notice},
    prompt::{COMMANDS, Kind, Typed},
    screen::Screen,
};

/// After a key was typed.
pub(super) fn typed(model: &mut Model, typed: Typed) -> Vec<Command> {
    let Mode::Prompt(prompt) = &mut model.mode else { return Vec::new() };
    match typed {
        Typed::Going => return Vec::new(),
        Typed::Left => {
            model.mode = Mode::Normal;
            return Vec::new();
        }
        Typed::Entered => {}
    }
    let line = prompt.line.trim().to_owned();
    let kind = prompt.kind;
    model.history.add(kind, &line);
    model.mode = Mode::Normal;
    match kind {
        Kind::Search => {
            model.search = (!line.is_empty()).then(|| line.to_lowercase());
            if model.search.is_some() {
                return search::next(model, true);
            }
            Vec::new()
        }
        Kind::Filter => act::filter(model, (!line.is_empty()).then_some(line)),
        Kind::Export if line.is_empty() => Vec::new(),
        Kind::Export => act::export(model, &line),
        Kind::Command => command(model, &line),
    }
}

/// Carries out a command.
fn command(model: &mut Model, line: &str) -> Vec<Command> {
    let (name, rest) = line.split_once(' ').map_or((line, ""), |(name, rest)| (name, rest.trim()));
    let name = match name {
        "q" | "q!" | "qa" => "quit",
        "w" => "export",
        "h" => "help",
        name => name,
    };
    if let Ok(number) = name.trim_start_matches('#').parse::<u32>() {
        return exchange(model, number);
    }
    let screen = Screen::ALL.into_iter().find(|screen| screen.name() == name);
    match (name, screen) {
        ("", _) => Vec::new(),
        (_, Some(screen)) => at_screen(model, screen, rest),
        ("filter", _) => act::filter(model, (!rest.is_empty()).then(|| rest.to_owned())),
        ("sort", _) => match Sort::ALL.into_iter().find(|sort| sort.name() == rest) {
            Some(sort) => act::sort(model, sort),
            None => trouble(model, format!("no order is called `{rest}`; Tab lists them")),
        },
        ("fold", _) => match Fold::ALL.into_iter().find(|fold| fold.name() == rest) {
            Some(fold) => act::fold(model, fold),
            None => trouble(model, format!("nothing is grouped by `{rest}`; Tab lists what is")),
        },
        ("time", _) => time(model, rest),
        ("export", _) if rest.is_empty() => trouble(model, "export where to? `export FILE`".to_owned()),
        ("export", _) => act::export(model, rest),
        ("mouse", _) => act::mouse(model, rest != "off"),
        ("help", _) => {
            model.mode = Mode::Help(0);
            Vec::new()
        }
        ("quit", _) => vec![Command::Quit],
        _ => {
            let names: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
            trouble(model, format!("no command is called `{name}`; there are {}", names.join(", ")))
        }
    }
}

fn at_screen(model: &mut Model, screen: Screen, rest: &str) -> Vec<Command> {
    let numbers: Vec<u32> =
        rest.split([' ', ',']).filter_map(|word| word.trim_start_matches('#').parse().ok()).collect();
    match (screen, numbers.as_slice()) {
        (Screen::Exchange, [number, ..]) => return exchange(model, *number),
        (Screen::Compare, [a, b, ..]) => model.marks.extend([ExchangeId(*a), ExchangeId(*b)]),
        _ => {}
    }
    if screen == Screen::Flow && !rest.is_empty() {
        let sessions = model.data.as_ref().map(|data| data.sessions.as_slice()).unwrap_or_default();
        let session = sessions.iter().copied().find(|session| session.to_string().eq_ignore_ascii_case(rest));
        if session.is_none() {
            return trouble(model, format!("no session is called `{rest}`"));
        }
        go::to(model, screen);
        go::set_session(model, session);
        return Vec::new();
    }
    if screen == Screen::Rules
        && let Some(rule) = catalogue::find(rest)
    {
        let at = model.data.as_ref().and_then(|data| data.rules.iter().position(|known| known.code == rule.code));
        model.lists[Screen::Rules.index()].at = at.unwrap_or(0);
    }
    go::to(model, screen);
    Vec::new()
}

fn exchange(model: &mut Model, number: u32) -> Vec<Command> {
    let id = ExchangeId(number);
    if model.data.as_ref().is_some_and(|data| data.place(id).is_some()) {
        go::show(model, id);
        return Vec::new();
    }
    trouble(model, format!("there is no exchange #{number}"))
}

fn time(model: &mut Model, style: &str) -> Vec<Command> {
    model.setup.clock = Some(match style {
        "utc" => Clock::Utc,
        "relative" => Clock::Relative,
        "delta" => Clock::Delta,
        "epoch" => Clock::Epoch,
        _ => return trouble(model, "time utc, relative, delta or epoch".to_owned()),
    });
    Vec::new()
}

fn trouble(model: &mut Model, text: String) -> Vec<Command> {
    model.notice = Some(Notice { text, trouble: true });
    Vec::new()
}
