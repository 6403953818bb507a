//! `capture -D`: the devices of this machine.

use authtrace_capture::live::{DeviceInfo, devices};
use serde::Serialize;

use crate::{args::CaptureArgs, exit, format::ValueFormat, output::Output};

/// A device as programs read it.
#[derive(Serialize)]
struct Row {
    name: String,
    description: Option<String>,
    addresses: Vec<String>,
    states: Vec<&'static str>,
    link_type: Option<u16>,
    link: Option<String>,
}

/// Lists them.
pub(super) fn list(args: &CaptureArgs) -> anyhow::Result<u8> {
    let flags = &args.analyze.inspect.output;
    let rows: Vec<Row> = devices()?.into_iter().map(row).collect();
    let text = match flags.format()?.of_value()? {
        ValueFormat::Text => rows.iter().map(line).collect(),
        ValueFormat::Json => serde_json::to_string_pretty(&rows)? + "\n",
        ValueFormat::Jsonl => {
            let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
            lines?.into_iter().map(|line| line + "\n").collect()
        }
    };
    Output::new(flags).write(&text)?;
    Ok(exit::OK)
}

fn row(device: DeviceInfo) -> Row {
    Row {
        addresses: device.addresses.iter().map(ToString::to_string).collect(),
        link_type: device.link.as_ref().map(|(number, _)| number.0),
        link: device.link.map(|(_, name)| name),
        name: device.name,
        description: device.description,
        states: device.states,
    }
}

fn line(row: &Row) -> String {
    let link = row.link.as_deref().unwrap_or("-");
    let addresses = if row.addresses.is_empty() { "-".to_owned() } else { row.addresses.join(", ") };
    let mut text = format!("{:<16} {link:<20} {addresses}", row.name);
    if !row.states.is_empty() {
        text += &format!("  [{}]", row.states.join(", "));
    }
    if let Some(description) = &row.description {
        text += &format!("  {description}");
    }
    authtrace_report::visible(text.trim_end(), 500).into_owned() + "\n"
}
