//! HTTP/2 on a reassembled connection (RFC 9113): frames, field blocks, streams; from a connection's start or from later on.

mod connection;
mod fields;
mod frame;
mod guess;
mod hpack;
mod reader;
mod streams;

pub(crate) use self::{
    connection::Connection,
    guess::{may_be_settings, midway},
    reader::PREFACE,
};
