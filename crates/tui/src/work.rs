//! The work behind a command, on whatever thread the caller likes: an answer for the model, never a look at the screen.

use std::sync::Arc;

use authtrace_analyze::Analysis;
use authtrace_parse::ExchangeId;
use authtrace_report::{Clock, Focus, Style, View, exchange, exchanges, gate, json, rules, sessions, terminal, tokens};

use crate::{
    Outside,
    arrange::arrange,
    message::{Command, Export, Message, What},
    model::Data,
};

/// Columns of exported prose.
const PROSE: usize = 100;
/// Wide enough that no line is wrapped: a wrapped secret would not be found.
const UNWRAPPED: usize = usize::MAX / 4;

/// What work is done on.
#[derive(Clone)]
pub struct Subject {
    /// What was loaded.
    pub data: Arc<Data>,
    /// How times are shown.
    pub clock: Option<Clock>,
}

/// What the work of `command` came to; nothing for commands that the terminal carries out.
pub fn perform(command: &Command, subject: &Subject, outside: &dyn Outside) -> Option<Message> {
    match command {
        Command::Arrange(how) => {
            let loaded = &subject.data.loaded;
            let rows = arrange(&loaded.analysis, loaded.focus.as_deref(), how);
            Some(Message::Arranged(how.clone(), rows))
        }
        Command::Find(find) => Some(Message::Looked(find.number, find.look(&subject.data))),
        Command::Read(id) => Some(Message::Read(*id, read(*id, subject, outside).map(Arc::new))),
        Command::CopyCurl(id) => Some(Message::Curl(curl(*id, subject, outside))),
        Command::Export(export) => Some(match write(export, subject, outside) {
            Ok(()) => Message::Done(format!("wrote {}", export.path)),
            Err(why) => Message::Trouble(why),
        }),
        _ => None,
    }
}

/// The exchange `id` as a curl command without any secret.
fn curl(id: ExchangeId, subject: &Subject, outside: &dyn Outside) -> Result<String, String> {
    let analysis = subject.data.analysis();
    let fact = analysis.fact(id).ok_or("there is no such exchange")?;
    let text = exchange::curl(analysis, fact, &read(id, subject, outside)?);
    checked(text, analysis)
}

/// Reads an exchange again and makes sure that its page shows no secret.
fn read(id: ExchangeId, subject: &Subject, outside: &dyn Outside) -> Result<authtrace_parse::Exchange, String> {
    let analysis = subject.data.analysis();
    let fact = analysis.fact(id).ok_or("there is no such exchange")?;
    let read = outside.exchange(analysis, fact)?;
    let layout = terminal::Layout { width: UNWRAPPED, ..terminal::Layout::default() };
    let shown = exchange::Shown { analysis, fact, again: exchange::Again::Here(&read), findings: &[] };
    checked(exchange::text(shown, &layout), analysis)?;
    Ok(read)
}

/// `text`, unless it holds a secret of the capture.
fn checked(text: String, analysis: &Analysis) -> Result<String, String> {
    match gate::leaks(&text, analysis) {
        Some(token) => {
            Err(format!("it would show the secret {token}, so it is not shown; this is a defect, report it"))
        }
        None => Ok(text),
    }
}

fn write(export: &Export, subject: &Subject, outside: &dyn Outside) -> Result<(), String> {
    let text = checked(rendered(export, subject), subject.data.analysis())?;
    outside.write(&export.path, &text)
}

/// What the command line would print for the same.
fn rendered(export: &Export, subject: &Subject) -> String {
    let view = match &export.what {
        What::Exchanges(list) => {
            let exchanges = Some(list.exchanges(&subject.data).collect());
            View::new(subject.data.analysis(), Focus { exchanges, ..Focus::default() })
        }
        _ => subject.data.view(),
    };
    let layout = terminal::Layout { width: PROSE, clock: subject.clock.clone(), ..terminal::Layout::default() };
    let ending = export.path.rsplit_once('.').map_or("", |(_, ending)| ending);
    match (&export.what, ending) {
        (What::Text(text), _) => text.clone(),
        (What::Incidents, "json") => json::render(&view),
        (What::Incidents, "jsonl") => json::lines(&view),
        (What::Incidents, _) => terminal::render(&view, &layout),
        (What::Exchanges(_), "json") => exchanges::json(&view),
        (What::Exchanges(_), "jsonl") => exchanges::jsonl(&view),
        (What::Exchanges(_), _) => exchanges::text(&view, &layout, None),
        (What::Tokens, "json") => tokens::json(&view),
        (What::Tokens, "jsonl") => tokens::jsonl(&view),
        (What::Tokens, _) => tokens::text(&view, &layout, None),
        (What::Sessions, "json") => sessions::json(&view),
        (What::Sessions, "jsonl") => sessions::jsonl(&view),
        (What::Sessions, _) => sessions::text(&view, &layout, None),
        (What::Rules, "json") => rules::json(),
        (What::Rules, "jsonl") => rules::jsonl(),
        (What::Rules, _) => rules::text(None, Style::PLAIN),
    }
}
