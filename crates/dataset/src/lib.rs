//! Parquet, the files that other engines read: facts that are kept in a dataset, and what a query came to.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "this crate keeps facts in files and reads them back")]

mod answer;
mod cells;
mod client;
mod columns;
mod error;
mod file;
mod layout;
mod link;
mod read;
mod round;
mod rows;
mod stream;
mod values;
mod write;

pub use answer::parquet_of;
pub use client::ClientName;
pub use columns::Columns;
pub use error::{DatasetError, RowError};
pub use layout::{Marker, SCHEMA};
pub use link::{Groups, Linked, Linker, Round};
pub use read::{Dataset, PartInfo, ReadPart};
pub use stream::{read_measures, read_rows, write_findings, write_measures};
pub use write::Writer;
