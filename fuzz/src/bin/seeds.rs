//! Writes the seed corpus: `cargo run --release --bin seeds` in `fuzz/`, then `cargo +nightly fuzz run TARGET`.

use std::{error::Error, path::Path};

use authtrace_fuzz::seeds;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders =
        ["../captures", "../crates/capture/tests/data", "../../shared/captures"].map(|folder| root.join(folder));
    for (target, seeds) in seeds::collect(&folders) {
        let folder = root.join("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number:04}")), seed)?;
        }
        println!("{target}: {} seeds", seeds.len());
    }
    Ok(())
}
