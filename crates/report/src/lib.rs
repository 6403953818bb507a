//! An [`Analysis`](authtrace_analyze::Analysis) in, text out: for people at a terminal, for programs as JSON and JSON Lines.
//!
//! Pure: no file, no clock, no terminal detection. The same view gives the same bytes. Every text that may quote a
//! capture is freed of what would drive the terminal ([`is_hidden`]) before it is laid out, and [`gate::leaks`] is the last check before printing.

#![forbid(unsafe_code)]

pub mod answer;
mod columns;
pub mod compare;
pub mod csv;
pub mod diff;
pub mod events;
pub mod exchange;
pub mod exchanges;
pub mod gate;
pub mod github;
mod hidden;
pub mod incident_report;
pub mod json;
pub mod junit;
pub mod moment;
mod page;
mod picture;
pub mod rules;
pub mod sarif;
pub mod sessions;
pub mod settings;
pub mod style;
pub mod terminal;
pub mod token;
pub mod tokens;
pub mod verify;
pub mod view;
mod words;

pub use hidden::{is_hidden, visible};
pub use moment::Clock;
pub use page::{Line, Page, Piece};
pub use style::Style;
pub use view::{Acceptance, Focus, View};
