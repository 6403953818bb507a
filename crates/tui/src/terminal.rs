//! The terminal: set up, listened to, drawn on, and given back whatever happens.

use std::{
    io::{self, Write as _},
    sync::{
        Arc, Once,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        event::{
            self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event,
            KeyEventKind, MouseButton, MouseEventKind,
        },
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use crate::{
    Outside, Setup,
    keys::Chord,
    message::{Command, Message, Mouse},
    model::Model,
    update::update,
    view,
    work::{self, Subject},
};

/// Rest after a frame that only shows how far reading has come; a key is never answered later than this.
const PACE: Duration = Duration::from_millis(8);
/// Messages that are taken in before a frame.
const TAKEN: usize = 256;
/// Most bytes of a copy: terminals refuse more.
const CLIPBOARD: usize = 74_000;

/// Shows the UI until its reader leaves. `messages` brings what the loader says, `senders` is its other end.
///
/// # Errors
/// Where the terminal cannot be used.
pub fn run(
    setup: Setup,
    outside: Arc<dyn Outside>,
    sender: &Sender<Message>,
    messages: &Receiver<Message>,
) -> io::Result<()> {
    let mouse = setup.mouse;
    let _guard = Guard::enter(mouse)?;
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let mut model = Model::new(setup, terminal.size()?);
    listen(sender.clone());
    let work = worker(sender.clone(), Arc::clone(&outside));
    terminal.draw(|frame| view::draw(&model, frame))?;
    while let Ok(first) = messages.recv() {
        let size = terminal.size()?;
        // What is waiting is taken in before the next frame, but no frame waits for long.
        let waiting: Vec<Message> = std::iter::once(first).chain(messages.try_iter().take(TAKEN)).collect();
        let news = waiting.iter().all(|message| matches!(message, Message::Progress { .. } | Message::Arrived(_)));
        let commands: Vec<Command> = waiting.into_iter().flat_map(|message| update(&mut model, message)).collect();
        for command in commands {
            match command {
                Command::Quit => return Ok(()),
                Command::Redraw => terminal.clear()?,
                Command::Mouse(true) => execute!(io::stdout(), EnableMouseCapture)?,
                Command::Mouse(false) => execute!(io::stdout(), DisableMouseCapture)?,
                Command::Copy(text) => copy(&text)?,
                command => {
                    if let Some(data) = &model.data {
                        let loaded = &data.loaded;
                        let subject = Subject {
                            analysis: Arc::clone(&loaded.analysis),
                            focus: loaded.focus.clone(),
                            clock: model.setup.clock.clone(),
                        };
                        // The worker ends with the program only.
                        let _ = work.send((command, subject));
                    }
                }
            }
        }
        if size != model.size {
            // The terminal is ahead of the message that says so.
            update(&mut model, Message::Resize(size.width, size.height));
        }
        terminal.draw(|frame| view::draw(&model, frame))?;
        if news {
            thread::sleep(PACE);
        }
    }
    Ok(())
}

/// Puts text on the clipboard of whoever sits at the terminal, over SSH, too (OSC 52).
fn copy(text: &str) -> io::Result<()> {
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= CLIPBOARD).last();
    let encoded = STANDARD.encode(&text[..end.unwrap_or(0)]);
    let mut stdout = io::stdout().lock();
    write!(stdout, "\x1b]52;c;{encoded}\x07")?;
    stdout.flush()
}

/// Carries out commands one by one, beside the screen.
fn worker(sender: Sender<Message>, outside: Arc<dyn Outside>) -> Sender<(Command, Subject)> {
    let (work, commands) = mpsc::channel::<(Command, Subject)>();
    thread::spawn(move || {
        for (command, subject) in commands {
            let answer = work::perform(&command, &subject, &*outside);
            if answer.is_some_and(|answer| sender.send(answer).is_err()) {
                break;
            }
        }
    });
    work
}

/// Turns what the terminal reports into messages.
fn listen(sender: Sender<Message>) {
    thread::spawn(move || {
        // A terminal that cannot be read any more is gone.
        while let Ok(event) = event::read() {
            if let Some(message) = message(event)
                && sender.send(message).is_err()
            {
                return;
            }
        }
        let _ = sender.send(Message::Quit);
    });
}

fn message(event: Event) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Message::Key(Chord::new(key.code, key.modifiers))),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(width, height) => Some(Message::Resize(width, height)),
        Event::Mouse(mouse) => Some(Message::Mouse(match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Mouse::Click(mouse.column, mouse.row),
            MouseEventKind::ScrollDown => Mouse::WheelDown,
            MouseEventKind::ScrollUp => Mouse::WheelUp,
            _ => return None,
        })),
        _ => None,
    }
}

/// The terminal in our hands; given back when dropped, or when anything panics.
struct Guard;

impl Guard {
    fn enter(mouse: bool) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                restore();
                before(panic);
            }));
        });
        enable_raw_mode()?;
        let guard = Self;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)?;
        if mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

fn restore() {
    // Whatever fails here, the rest may still help.
    let _ = execute!(io::stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}
