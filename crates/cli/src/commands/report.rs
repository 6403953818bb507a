//! `report`: an incident report as Markdown, HTML and JSON, side by side in one directory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use authtrace_report::{
    gate,
    incident_report::{About, IncidentReport},
};

use super::{focus, judging::Floors, start_logging};
use crate::{
    args::ReportArgs,
    load,
    output::{self, Output},
};

/// The longest template read: far above any report.
const TEMPLATE: u64 = 1 << 20;

/// Runs the verb.
pub(super) fn run(args: &ReportArgs) -> anyhow::Result<u8> {
    let inspect = &args.analyze.inspect;
    start_logging(&inspect.output);
    if inspect.output.format.is_some() {
        bail!("report writes Markdown, HTML and JSON at once; `authtrace analyze -T FORMAT` writes one format");
    }
    let Some(folder) = &inspect.output.output else { bail!("no directory for the report; name one with -o DIR") };
    let floors = Floors::parse(&args.analyze)?;
    let templates = args.template.as_deref().map(templates).transpose()?.unwrap_or_default();
    let date = args.date.as_deref().map(|text| focus::time("--date", text)).transpose()?;
    let loaded = load::load_findings(inspect, true, args.analyze.at_once)?;
    if let Some(code) = loaded.unread() {
        return Ok(code);
    }
    let view = floors.view(&args.analyze, &loaded.analysis)?;
    let report = IncidentReport::new(&view, &About { date, analyst: args.analyst.clone() });
    let template = "a template cannot be used";
    let files = [
        ("report.md", report.markdown(&templates).context(template)?),
        ("report.html", report.html().context(template)?),
        ("report.json", report.json()),
    ];
    for (_, text) in &files {
        if let Some(token) = gate::leaks_escaped(text, &loaded.analysis) {
            bail!(
                "the report would show the secret {token} of the capture, so nothing was written; this is a defect, report it"
            );
        }
    }
    let written = write(folder, &files)?;
    let listed = Output::new(&crate::args::OutputArgs::default()).write(&written);
    listed?;
    Ok(floors.verdict(&args.analyze, &loaded, &view).code())
}

/// Writes every file; gives their paths, one a line.
fn write(folder: &Path, files: &[(&str, String)]) -> anyhow::Result<String> {
    fs::create_dir_all(folder)
        .map_err(|e| anyhow::anyhow!("cannot make the directory {}: {e}; check -o", folder.display()))?;
    let mut written = String::new();
    for (name, text) in files {
        let path = folder.join(name);
        output::to_file(&path, text.as_bytes())
            .map_err(|e| anyhow::anyhow!("cannot write {}: {e}; check -o", path.display()))?;
        written.push_str(&format!("{}\n", authtrace_report::visible(&path.display().to_string(), usize::MAX)));
    }
    Ok(written)
}

/// The Markdown templates of `folder`, by file name; `report.md` among them is where rendering starts.
fn templates(folder: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let unreadable = |e: std::io::Error| anyhow::anyhow!("--template: cannot read {}: {e}", folder.display());
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut templates = BTreeMap::new();
    for path in paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let shown = path.display();
        if fs::metadata(&path).is_ok_and(|meta| meta.len() > TEMPLATE) {
            bail!("--template: {shown} is larger than 1 MiB");
        }
        let text = fs::read_to_string(&path).map_err(|e| anyhow::anyhow!("--template: cannot read {shown}: {e}"))?;
        templates.insert(name.to_owned(), text);
    }
    if !templates.contains_key("report.md") {
        bail!("--template: {} holds no report.md", folder.display());
    }
    Ok(templates)
}
