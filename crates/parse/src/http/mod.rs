//! What all versions of HTTP share: exchanges in the making, bodies, targets, and what follows a change of protocol.

pub(crate) mod body;
pub(crate) mod open;
pub(crate) mod target;
pub(crate) mod tunnel;
