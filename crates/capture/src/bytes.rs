//! The unpacked bytes of an input, for whoever writes them down again.

use std::{fs::File, io::Read as _, path::Path, sync::mpsc, thread};

use crate::{
    buffers::way_back,
    chunk::Chunk,
    error::{InputError, shown},
    pump::{self, Outcome},
    sniff::Compression,
    unpack::Limits,
};

/// Hands out the bytes of the file at `path`, unpacked where it is packed, in order.
///
/// # Errors
///
/// Where it cannot be opened or read. A packed file that is damaged gives what stands before the damage.
pub fn read_bytes(path: &Path, limits: Limits, sink: &mut dyn FnMut(&[u8])) -> Result<(), InputError> {
    let name = shown(path);
    let mut file = File::open(path).map_err(|error| InputError::from_io(&name, error))?;
    let head = pump::first_bytes(&mut file).map_err(|error| InputError::from_io(&name, error))?;
    let compression = Compression::sniff(&head);
    let reader = head.as_slice().chain(file);
    let (chunks_in, chunks) = mpsc::sync_channel(pump::AHEAD);
    let (spent, reusable) = way_back(pump::AHEAD);
    let outcome = thread::scope(|scope| {
        let pump =
            scope.spawn(move || pump::run(reader, compression, limits, Outcome::default(), &chunks_in, &reusable));
        for chunk in chunks {
            if let Chunk::Bytes(bytes) = chunk {
                sink(&bytes);
                spent.give_back(bytes);
            }
        }
        pump.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    outcome.failure.map_or(Ok(()), |error| Err(InputError::from_io(&name, error)))
}
