//! The terminal: set up, listened to, drawn on, and given back whatever happens.

use std::{
    io::{self, BufWriter, Write as _},
    sync::{
        Arc, Once,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
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
    find::Look,
    keys::Chord,
    message::{Command, Message, Mouse},
    model::Model,
    update::update,
    view,
    work::{self, Subject},
};

/// Time between two frames that only show how work goes on; a key is answered at once.
const PACE: Duration = Duration::from_millis(16);
/// Messages that are taken in before a frame.
const TAKEN: usize = 256;
/// Bytes of a frame that are written at a time.
const FRAME: usize = 64 * 1024;
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
    // Standard output is flushed line by line; a frame comes whole.
    let mut terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(FRAME, io::stdout())))?;
    let mut model = Model::new(setup, terminal.size()?);
    listen(sender.clone());
    let (answers, writing) = (worker(sender, &outside), worker(sender, &outside));
    terminal.draw(|frame| view::draw(&model, frame))?;
    let (mut drawn, mut stale) = (now(), false);
    loop {
        let first = match wait(messages, stale.then(|| drawn + PACE)) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let size = terminal.size()?;
        // What is waiting is taken in before the next frame, but no frame waits for long.
        let waiting: Vec<Message> = first.into_iter().chain(messages.try_iter().take(TAKEN)).collect();
        let urgent = !waiting.iter().all(is_news);
        let commands: Vec<Command> = waiting.into_iter().flat_map(|message| update(&mut model, message)).collect();
        for command in commands {
            match command {
                Command::Quit => return Ok(()),
                Command::Redraw => terminal.clear()?,
                Command::Mouse(true) => execute!(io::stdout(), EnableMouseCapture)?,
                Command::Mouse(false) => execute!(io::stdout(), DisableMouseCapture)?,
                Command::Copy(text) => copy(&text)?,
                command => {
                    if let Some(data) = model.subject() {
                        let subject = Subject { data: Arc::clone(data), clock: model.setup.clock.clone() };
                        // Nothing waits for a file that is being written.
                        let worker = if matches!(command, Command::Export(_)) { &writing } else { &answers };
                        // The workers end with the program only.
                        let _ = worker.send((command, subject));
                    }
                }
            }
        }
        if size != model.size {
            // The terminal is ahead of the message that says so.
            update(&mut model, Message::Resize(size.width, size.height));
        }
        stale = !urgent && drawn.elapsed() < PACE;
        if !stale {
            terminal.draw(|frame| view::draw(&model, frame))?;
            drawn = now();
        }
    }
}

/// The next message; none later than `due`.
fn wait(messages: &Receiver<Message>, due: Option<Instant>) -> Result<Message, RecvTimeoutError> {
    match due {
        Some(due) => messages.recv_timeout(due.saturating_duration_since(now())),
        None => messages.recv().map_err(RecvTimeoutError::from),
    }
}

#[expect(clippy::disallowed_methods, reason = "frames have a pace; nothing that is shown depends on it")]
fn now() -> Instant {
    Instant::now()
}

/// Whether a message only tells how work goes on.
fn is_news(message: &Message) -> bool {
    matches!(
        message,
        Message::Progress { .. } | Message::Arrived(_) | Message::Captured(_) | Message::Looked(_, Look::Goes(..))
    )
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
fn worker(sender: &Sender<Message>, outside: &Arc<dyn Outside>) -> Sender<(Command, Subject)> {
    let (sender, outside) = (sender.clone(), Arc::clone(outside));
    let (work, commands) = mpsc::channel::<(Command, Subject)>();
    thread::spawn(move || {
        outside.give_way();
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
