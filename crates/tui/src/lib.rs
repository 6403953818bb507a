//! The terminal UI: an analysis as eight screens to move through with a few keys.
//!
//! ```text
//! keys, mouse, progress, answers ──► Message ──► update(&mut Model) ──► Command ──► worker, terminal
//!                                                    │
//!                                                    └──► view(&Model) ──► frame
//! ```
//!
//! [`update`](update::update) and [`view`](view::draw) are pure: they read no clock, file or environment. Everything that
//! happens outside is a [`Command`](message::Command) whose answer comes back as a [`Message`], and the
//! outside world itself is one injected value ([`Outside`]). Every text of a capture passes `report`'s filter for what a
//! terminal would obey; no screen holds a secret unless its reader asks for that one and confirms.

#![forbid(unsafe_code)]

pub mod arrange;
pub mod compare;
pub mod find;
pub mod flow;
pub mod glyphs;
pub mod index;
pub mod keys;
pub mod message;
pub mod model;
pub mod outside;
pub mod pane;
pub mod prompt;
pub mod reveal;
pub mod screen;
pub mod terminal;
mod text;
pub mod theme;
pub mod update;
pub mod view;
pub mod work;

pub use message::{Message, Provisional};
pub use model::{Loaded, Setup};
pub use outside::Outside;
