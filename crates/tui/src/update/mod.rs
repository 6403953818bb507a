//! What a message makes of the model. Pure: what has to happen outside is returned as commands.

mod act;
mod go;
mod live;
mod mouse;
mod search;
mod typed;

use std::sync::Arc;

use authtrace_analyze::table::FilterError;

use crate::{
    arrange::{Arrangement, Rows},
    keys::Chord,
    message::{Command, Message, Provisional},
    model::{Data, Mode, Model, Notice},
    pane,
    prompt::{Kind, Prompt},
    reveal::Level,
    screen::Screen,
};

/// Rows that are kept of what arrives before it is judged.
const FIRST_ROWS: usize = 10_000;
/// Exchanges that are kept after they were read again.
const KEPT: usize = 4;

/// Takes a message in.
pub fn update(model: &mut Model, message: Message) -> Vec<Command> {
    let mut commands = match message {
        Message::Key(chord) => {
            let followed = live::followed(model);
            let commands = key(model, chord);
            live::let_go(model, followed);
            commands
        }
        Message::Paste(text) => {
            if let Mode::Prompt(prompt) = &mut model.mode {
                prompt.paste(&text);
            }
            Vec::new()
        }
        Message::Mouse(mouse) => {
            model.touched = true;
            let followed = live::followed(model);
            let commands = mouse::mouse(model, mouse);
            live::let_go(model, followed);
            commands
        }
        Message::Resize(width, height) => {
            model.size = ratatui::layout::Size { width, height };
            Vec::new()
        }
        Message::Progress { path, seen } => {
            (model.reading.path, model.reading.seen) = (path, seen);
            Vec::new()
        }
        Message::Judging { seen } => {
            (model.reading.judging, model.reading.seen) = (true, seen);
            Vec::new()
        }
        Message::Arrived(rows) => arrived(model, rows),
        Message::Complaint(text) => {
            model.reading.complaints.push(text.clone());
            trouble(model, text)
        }
        Message::Loaded(data) => loaded(model, Arc::from(data)),
        Message::Refreshed(data) => live::refreshed(model, Arc::from(data)),
        Message::Captured(counts) => live::captured(model, counts),
        Message::Ended => live::ended(model),
        Message::Looked(number, look) => search::looked(model, number, look),
        Message::Arranged(how, rows) => {
            if model.awaited.as_ref() == Some(&how) {
                model.awaited = None;
                arranged(model, how, rows);
            }
            Vec::new()
        }
        Message::Read(id, read) => {
            model.awaiting.retain(|awaited| *awaited != id);
            model.read.retain(|(known, _)| *known != id);
            model.read.push((id, read));
            if model.read.len() > KEPT {
                model.read.drain(..1);
            }
            Vec::new()
        }
        Message::Curl(Ok(text)) => {
            let said = "copied as curl; credentials are variables".to_owned();
            model.notice = Some(Notice { text: said, trouble: false });
            vec![Command::Copy(text)]
        }
        Message::Curl(Err(why)) => trouble(model, why),
        Message::Done(text) => {
            model.notice = Some(Notice { text, trouble: false });
            Vec::new()
        }
        Message::Trouble(text) => trouble(model, text),
        Message::Quit => vec![Command::Quit],
    };
    commands.extend(settle(model));
    commands
}

fn key(model: &mut Model, chord: Chord) -> Vec<Command> {
    (model.notice, model.touched) = (None, true);
    match &mut model.mode {
        Mode::Normal => match model.setup.keymap.action(chord) {
            Some(action) => act::act(model, action),
            None => Vec::new(),
        },
        Mode::Prompt(prompt) => {
            let typed = prompt.key(chord, &model.history);
            typed::typed(model, typed)
        }
        Mode::Help(_) => act::in_help(model, chord),
        Mode::Confirm(token) => {
            let yes = Chord::parse("y") == Some(chord);
            model.revealed = yes.then_some((*token, Level::Whole));
            model.mode = Mode::Normal;
            Vec::new()
        }
    }
}

fn arrived(model: &mut Model, rows: Vec<Provisional>) -> Vec<Command> {
    let room = FIRST_ROWS.saturating_sub(model.reading.rows.len());
    model.reading.rows.extend(rows.into_iter().take(room));
    Vec::new()
}

fn loaded(model: &mut Model, data: Arc<Data>) -> Vec<Command> {
    model.data = Some(data);
    model.finding = None;
    model.reading.rows = Vec::new();
    let incidents = model.data.as_ref().is_some_and(|data| !data.topics.is_empty());
    if !model.touched && incidents {
        model.screen = Screen::Incidents;
    }
    request(model)
}

/// Asks for the rows of the timeline.
fn request(model: &mut Model) -> Vec<Command> {
    if model.data.is_none() {
        return Vec::new();
    }
    model.how.look = live::look(model);
    model.awaited = Some(model.how.clone());
    vec![Command::Arrange(model.how.clone())]
}

fn arranged(model: &mut Model, how: Arrangement, rows: Result<Rows, FilterError>) {
    let Arrangement { filter, look, .. } = how;
    let rows = match rows {
        Ok(rows) => rows,
        Err(why) => {
            model.how.filter = model.filtered.clone();
            let mut prompt = Prompt::new(Kind::Filter, filter.unwrap_or_default());
            // Blanks at the end of the line were taken away: what is missing is missing behind its last word.
            prompt.fault = Some((why.reason().to_owned(), why.at()));
            model.mode = Mode::Prompt(prompt);
            return;
        }
    };
    let kept = live::kept(model);
    if !live::show(model, look) {
        return;
    }
    let asked = model.filtered != filter;
    model.rows = Arc::new(rows);
    model.filtered.clone_from(&filter);
    live::restore(model, &kept);
    if filter.is_some() && (asked || model.live.is_none()) {
        let text = format!("{} exchanges match", model.rows.exchanges());
        model.notice = Some(Notice { text, trouble: false });
    }
}

fn say(model: &mut Model, text: &str) {
    model.notice = Some(Notice { text: text.to_owned(), trouble: false });
}

fn trouble(model: &mut Model, text: String) -> Vec<Command> {
    model.notice = Some(Notice { text, trouble: true });
    Vec::new()
}

/// Puts everything back where it must be: cursors within lists, details about what is selected, and what they need asked
/// for.
fn settle(model: &mut Model) -> Vec<Command> {
    search::settle(model);
    let (length, room) = (model.length(), model.room());
    model.cursor_mut().settle(length, room);
    if model.screen != Screen::Tokens || model.revealed.map(|(token, _)| token) != model.selected_token() {
        model.revealed = None;
    }
    let needed = match model.screen {
        Screen::Exchange => model.exchange.into_iter().collect(),
        Screen::Compare => model.compared().map(Vec::from).unwrap_or_default(),
        _ => Vec::new(),
    };
    let mut commands = Vec::new();
    for id in needed {
        if model.data.is_some() && model.read_again(id).is_none() && !model.awaiting.contains(&id) {
            model.awaiting.push(id);
            commands.push(Command::Read(id));
        }
    }
    pane::refresh(model);
    let height = usize::from(model.areas().pane.height);
    let lines = model.pane.lines.len();
    model.pane.cursor.settle(lines, height);
    if model.areas().pane.is_empty() {
        model.in_pane = false;
    }
    commands
}
