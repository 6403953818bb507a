//! `--openapi` and `--source-map`: files that say what a system should do and where its scripts come from.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use authtrace_analyze::{
    expect::{ApiDocument, Expectations},
    source_maps::SourceMaps,
};

use crate::{args::InspectArgs, output::complain};

/// Most bytes of an API description: the largest that are published have a few.
const LARGEST_DOCUMENT: u64 = 32 * 1024 * 1024;
/// Most bytes of one map or script, and of all of them.
const LARGEST_MAP: u64 = 128 * 1024 * 1024;
const LARGEST_MAPS: u64 = 1024 * 1024 * 1024;
/// Most files of a directory that are looked at, and how deep.
const MOST_FILES: usize = 100_000;
const DEEPEST: usize = 24;

/// What the settings and the API descriptions declare.
pub(crate) fn expectations(args: &InspectArgs) -> anyhow::Result<Expectations> {
    let mut expectations = args.judgement.expectations();
    for path in &args.openapi {
        let shown = path.display();
        let text = read(path, LARGEST_DOCUMENT).with_context(|| format!("cannot read {shown}; check --openapi"))?;
        let Ok(text) = String::from_utf8(text) else { bail!("{shown} is no UTF-8 text; check --openapi") };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let document =
            ApiDocument::parse(&name, &text).map_err(|error| anyhow::anyhow!("--openapi {shown}: {error}"))?;
        if document.operations() == 0 {
            complain(&format!("{shown} names no security scheme for any operation, so it declares nothing"));
        }
        tracing::info!("{} operations from {shown}", document.operations());
        expectations.documents.push(document);
    }
    Ok(expectations)
}

/// Every map in the directory that `--source-map` names, with its script where that lies beside it.
pub(crate) fn source_maps(args: &InspectArgs) -> anyhow::Result<SourceMaps> {
    let mut maps = SourceMaps::default();
    let Some(directory) = &args.source_map else { return Ok(maps) };
    let shown = directory.display();
    let mut files = Vec::new();
    walk(directory, 0, &mut files).with_context(|| format!("cannot read {shown}; --source-map wants a directory"))?;
    files.sort();
    let mut left = LARGEST_MAPS;
    for path in &files {
        let script = path.with_extension("");
        let relative = script.strip_prefix(directory).unwrap_or(&script).to_string_lossy().replace('\\', "/");
        let added = read(path, LARGEST_MAP.min(left)).map_err(|error| error.to_string()).and_then(|json| {
            left = left.saturating_sub(json.len() as u64);
            maps.add_map(&relative, &json)
        });
        if let Err(error) = added {
            complain(&format!("{} is left out: {error}", path.display()));
            continue;
        }
        if let Ok(text) = read(&script, LARGEST_MAP.min(left)) {
            left = left.saturating_sub(text.len() as u64);
            maps.add_script(&relative, &String::from_utf8_lossy(&text));
        }
    }
    if maps.is_empty() {
        bail!("{shown} holds no source map (*.js.map) that can be read; check --source-map");
    }
    tracing::info!("{} source maps from {shown}", maps.len());
    Ok(maps)
}

/// The files below `directory` that end in `.map`; links are not followed, so this ends.
fn walk(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if depth > DEEPEST {
        return Ok(());
    }
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            // What cannot be opened further down holds no map for us.
            let _ = walk(&entry.path(), depth + 1, files);
        } else if kind.is_file() && entry.path().extension().is_some_and(|end| end == "map") && files.len() < MOST_FILES
        {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn read(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, format!("more than {most} bytes")));
    }
    Ok(bytes)
}
