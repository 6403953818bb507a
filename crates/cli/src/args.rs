//! The command line.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use authtrace_analyze::Severity;
use authtrace_dataset::{Dataset, Writer};
use clap::{ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::{config, format::Format, output::Stop};

/// Reads authentication traffic and says why a request was refused: one cause, its proof, its rejected rivals.
#[derive(Parser)]
#[command(name = "authtrace", version, long_version = LONG_VERSION, args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
#[command(arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
    #[command(flatten)]
    pub(crate) analyze: AnalyzeArgs,
}

/// What `--version` says: the number, and what this build can do beyond reading files.
const LONG_VERSION: &str = if cfg!(feature = "live") {
    concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: live (capture on a device)")
} else {
    concat!(env!("CARGO_PKG_VERSION"), "\nfeatures: none (capture on a device needs a build with `live`)")
};

const EXIT_CODES: &str = "\
Without a verb, `authtrace FILE…` opens the terminal UI where there is a terminal, and is `authtrace analyze FILE…` elsewhere.

Exit codes:
  0    nothing at or above --fail-on
  1    findings at or above --fail-on (analyze, report); an incident appeared (diff) or is still there (verify)
  2    usage error, or a named input gave nothing
  3    no readable exchange, a sanitised capture in which nothing was found, or not provable (verify)
  130  interrupted";

const COLUMNS: &str = "\
Columns for --filter: id input time duration_ns client_key session connection kind protocol method scheme host port
origin path route api_group status failure role outcome error credential credential_kind credential_method scheme_name
token alg kid iss aud page initiator counted. Example: --filter \"status = 401 and credential is null\"";

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Say what is wrong: root causes first, each with its proof
    Analyze(AnalyzeArgs),
    /// Look around in the terminal UI: incidents, timeline, tokens, one exchange in full
    Tui(TuiArgs),
    /// Capture on a device and judge while packets arrive; -w keeps them
    Capture(Box<CaptureArgs>),
    /// List the requests, one row an exchange
    #[command(after_help = COLUMNS)]
    Exchanges(ExchangesArgs),
    /// List every distinct credential: what it is, where it went, how it fared
    Tokens(InspectArgs),
    /// List the sessions
    Sessions(InspectArgs),
    /// Ask in SQL: over the tables exchanges, tokens, sessions and findings
    Query(QueryArgs),
    /// Keep the facts of captures as Parquet in the folder -o, which the other verbs and other engines read
    Extract(ExtractArgs),
    /// Say which clients of a dataset must be judged together, by what they have in common
    Link(LinkArgs),
    /// Judge some clients of a dataset, whose rows come as an Arrow stream: for engines that hold the others elsewhere
    Judge(JudgeArgs),
    /// Write an incident report: Markdown, HTML and JSON side by side in the directory -o
    Report(ReportArgs),
    /// Say what changed in authentication behaviour between two captures
    Diff(DiffArgs),
    /// Say of each incident of a report whether it is gone from a new capture
    Verify(VerifyArgs),
    /// Write a capture that is safe to share and still diagnosable, with a receipt of what was replaced
    Redact(RedactArgs),
    /// Write any capture as HAR 1.2; values are replaced as `redact` does it
    Convert(ConvertArgs),
    /// Print the settings that hold, and where each comes from: default, file and line, flag or environment
    Config(ConfigArgs),
    /// List the rules
    Rules(OutputArgs),
    /// Explain one rule, by code or id
    Explain(ExplainArgs),
    /// Decode one token and, with keys, verify it
    Token(TokenArgs),
    /// Print a completion script for a shell
    Completions {
        /// Shell
        shell: Shell,
    },
    /// Print the manual page of authtrace or of one verb: authtrace man | man -l -
    Man {
        /// Verb
        verb: Option<String>,
        /// Write the pages of the program and of every verb into this directory instead
        #[arg(short, long, value_name = "DIR", conflicts_with = "verb")]
        output: Option<PathBuf>,
    },
}

/// Where output goes and how it looks.
#[derive(Args, Clone, Default)]
pub(crate) struct OutputArgs {
    /// Output format: text, json, jsonl, csv; analyze also md, html, sarif, junit, github
    #[arg(short = 'T', long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Write to this file, readable by you only, instead of standard output
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// Colour: auto, always, never (NO_COLOR is honoured)
    #[arg(long, value_name = "WHEN")]
    pub(crate) color: Option<String>,
    /// Headlines only
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// All evidence and findings; twice: what the program does, on standard error
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Keys to check signatures with.
#[derive(Args, Clone, Default)]
pub(crate) struct KeyArgs {
    /// A key to check signatures with: NAME=@FILE, NAME=env:VAR, NAME=b64:…, NAME=jwks:@FILE, NAME=pem:@FILE
    #[arg(long, value_name = "NAME=SOURCE")]
    pub(crate) key: Vec<String>,
    /// A dotenv file: every value that can be a key is tried, under its variable's name
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Vec<PathBuf>,
}

/// What every verb that reads captures takes.
#[derive(Args, Clone, Default)]
pub(crate) struct InspectArgs {
    /// Captures: HAR, pcap and pcapng files, plain or packed with gzip, zlib or zstd; directories; - for standard input
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The same as FILE
    #[arg(short = 'r', long = "read", value_name = "FILE")]
    pub(crate) read: Vec<PathBuf>,
    /// Only exchanges for which this SQL expression is true
    #[arg(short = 'Y', long, value_name = "EXPR")]
    pub(crate) filter: Option<String>,
    /// Only exchanges at or after this time (RFC 3339, or 2026-11-21T10:00 in UTC)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Only exchanges at or before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Only exchanges with this host (or host:port)
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Only exchanges of this session (S1, S2…)
    #[arg(long)]
    pub(crate) session: Option<String>,
    /// How times are shown: utc, local, relative, delta, epoch
    #[arg(short = 't', long = "time", value_name = "STYLE")]
    pub(crate) time: Option<String>,
    /// A file whose content keys the fingerprints of secrets, to compare them across captures
    #[arg(long, value_name = "@FILE")]
    pub(crate) fingerprint_key: Option<String>,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    /// A TLS key log to decrypt packets with, as SSLKEYLOGFILE names one; that variable is read, too
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Vec<PathBuf>,
    /// Threads that may be busy at a time [default: as many as there are processors]; the result is the same
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// An OpenAPI document (3.0, 3.1; JSON, YAML): which routes need which credential
    #[arg(long, value_name = "FILE")]
    pub(crate) openapi: Vec<PathBuf>,
    /// A directory of source maps: call sites name the source instead of the minified script
    #[arg(long, value_name = "DIR")]
    pub(crate) source_map: Option<PathBuf>,
    /// What all clients of a dataset add up to, where the captures are those of some of them: see `judge`
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Settings: long flags as keys, and what is known of the system [default: authtrace.toml here or above, in the repository]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Leave out an authtrace.toml that is found
    #[arg(long, conflicts_with = "config")]
    pub(crate) no_config: bool,
    /// How to judge, from the settings.
    #[arg(skip)]
    pub(crate) judgement: config::Judgement,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `analyze`.
#[derive(Args, Default)]
pub(crate) struct AnalyzeArgs {
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    /// Nothing milder: critical, high, medium, low, info
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) min_severity: Option<String>,
    /// Nothing less certain, 0 to 1
    #[arg(long, value_name = "P")]
    pub(crate) min_confidence: Option<f64>,
    /// Exit with 1 from this severity on [default: high]
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<String>,
    /// A TOML file of known findings that do not count: `[[accept]]` with fingerprint, reason and until
    #[arg(long, value_name = "FILE")]
    pub(crate) accept: Option<PathBuf>,
    /// Exit with 0 where it would be 1 or 3
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Exchanges of a dataset, or of a capture that set some aside, that are judged at once, as far as clients that have
    /// nothing in common allow; the findings are the same [default: 1000000]
    #[arg(long, value_name = "N")]
    pub(crate) at_once: Option<u64>,
}

/// `query`.
#[derive(Args)]
pub(crate) struct QueryArgs {
    /// Captures, as for other verbs, and last the SELECT statement
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    /// Say how the query would be answered, and do not answer it
    #[arg(long)]
    pub(crate) explain: bool,
    /// List the tables and their columns
    #[arg(long)]
    pub(crate) schema: bool,
    /// Answer from the files of datasets alone: from what each exchange shows by itself, before anything is joined or judged
    #[arg(long)]
    pub(crate) stored: bool,
}

/// `extract`.
#[derive(Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    /// Parts of a day in a new dataset, by client
    #[arg(long, value_name = "N", default_value_t = Writer::BUCKETS)]
    pub(crate) buckets: u16,
    /// Extract captures again that the dataset has already: with other keys, for instance
    #[arg(long)]
    pub(crate) replace: bool,
    /// Place of the first capture among those of the dataset, from 0: for programs that extract into it at once
    #[arg(long, value_name = "N")]
    pub(crate) place: Option<u32>,
}

/// `link`.
#[derive(Args)]
pub(crate) struct LinkArgs {
    /// The dataset
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `judge`.
#[derive(Args)]
pub(crate) struct JudgeArgs {
    /// Read rows of `exchanges` and `tokens` from standard input and write what comes of them to standard output, both as
    /// streams of Arrow
    #[arg(long)]
    pub(crate) arrow: bool,
    /// The dataset that the rows are out of: its dataset.json and parts/ are read
    #[arg(long, value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// What all clients add up to: write findings. Without, write what these clients add to it
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Settings; no other file is looked for
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// `capture`.
#[derive(Args)]
pub(crate) struct CaptureArgs {
    /// Capture on this device, or on `any`; several at once
    #[arg(short, long = "interface", value_name = "DEVICE")]
    pub(crate) interface: Vec<String>,
    /// List the devices with their addresses and link types
    #[arg(short = 'D', long)]
    pub(crate) list_interfaces: bool,
    /// Capture only what this filter takes, in the language of pcap-filter: 'tcp port 8000'
    #[arg(short = 'f', long, value_name = "BPF")]
    pub(crate) capture_filter: Option<String>,
    /// Keep the packets in this pcapng file, with the secrets of --keylog
    #[arg(short, long, value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Begin another file of -w after duration:S, interval:S, filesize:KB or packets:N; files:N keeps the last N
    #[arg(short = 'b', long, value_name = "WHEN")]
    pub(crate) ring_buffer: Vec<String>,
    /// Stop after duration:S, filesize:KB, packets:N or files:N
    #[arg(short, long, value_name = "WHEN")]
    pub(crate) autostop: Vec<String>,
    /// Stop after N packets
    #[arg(short, long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Keep N bytes of each packet [default: 262144]
    #[arg(short, long, value_name = "N")]
    pub(crate) snapshot_length: Option<u32>,
    /// Leave the device out of promiscuous mode
    #[arg(short = 'p', long)]
    pub(crate) no_promiscuous_mode: bool,
    /// MiB that the kernel may hold for each device until they are fetched [default: 64]
    #[arg(short = 'B', long, value_name = "MIB")]
    pub(crate) buffer_size: Option<u32>,
    /// Fetch each packet as it arrives, not up to 50 ms later; it makes drops likelier
    #[arg(long)]
    pub(crate) immediate: bool,
    /// Exchanges that are kept in memory, at about 1 KiB each; those of clients that have been quiet longest go to a
    /// temporary file, sealed, and come back for the report [default: 100000]
    #[arg(long, value_name = "N")]
    pub(crate) in_memory: Option<usize>,
    /// MiB that this temporary file may take; the oldest exchanges in it are forgotten first [default: 2048]
    #[arg(long, value_name = "MIB")]
    pub(crate) spill_limit: Option<u32>,
    /// Run this program, without a shell, for each new incident, which stands on its standard input as JSON
    #[arg(long, value_name = "CMD")]
    pub(crate) on_incident: Option<String>,
    /// Watch it in the terminal UI; leaving that ends the capture
    #[arg(long)]
    pub(crate) tui: bool,
    #[command(flatten)]
    pub(crate) screen: ScreenArgs,
    /// Keep privileges and the rights to files and system calls that a capture does not need
    #[arg(long)]
    pub(crate) no_sandbox: bool,
    #[command(flatten)]
    pub(crate) analyze: AnalyzeArgs,
}

/// `report`.
#[derive(Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) analyze: AnalyzeArgs,
    /// A directory of Markdown templates; report.md among them is rendered, and may extend builtin/report.md
    #[arg(long, value_name = "DIR")]
    pub(crate) template: Option<PathBuf>,
    /// Who the report is from
    #[arg(long, value_name = "NAME")]
    pub(crate) analyst: Option<String>,
    /// When the report was written; without it, equal captures give equal reports
    #[arg(long, value_name = "TIME")]
    pub(crate) date: Option<String>,
}

/// `exchanges`.
#[derive(Args)]
pub(crate) struct ExchangesArgs {
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    /// Only this exchange, by the number in the first column; may be repeated
    #[arg(long, value_name = "N")]
    pub(crate) id: Vec<u32>,
    /// Each exchange in full: headers, cookies, tokens read apart, bodies, findings; secrets are named, not shown
    #[arg(long)]
    pub(crate) full: bool,
    /// Each exchange as a curl command, credentials as variables
    #[arg(long, conflicts_with = "full")]
    pub(crate) curl: bool,
    /// These two side by side: what differs is marked
    #[arg(long, num_args = 2, value_names = ["N", "N"], conflicts_with_all = ["full", "curl", "id"])]
    pub(crate) compare: Vec<u32>,
}

/// `diff`.
#[derive(Args)]
pub(crate) struct DiffArgs {
    /// BEFORE and AFTER, in this order
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    /// Exit with 1 where an incident of this severity appeared [default: high]
    #[arg(long, value_name = "SEVERITY")]
    pub(crate) fail_on: Option<String>,
    /// Exit with 0 where it would be 1 or 3
    #[arg(long)]
    pub(crate) exit_zero: bool,
}

/// `verify`.
#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// What `report -o` or `analyze -T json` wrote of the broken capture
    #[arg(long, value_name = "report.json")]
    pub(crate) baseline: PathBuf,
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    /// Exit with 0 where it would be 1 or 3
    #[arg(long)]
    pub(crate) exit_zero: bool,
}

/// What `redact` and `convert` share.
#[derive(Args)]
pub(crate) struct ShareArgs {
    /// The capture: a HAR, pcap or pcapng file, plain or packed with gzip, zlib or zstd
    #[arg(value_name = "FILE", required_unless_present = "read")]
    pub(crate) file: Option<PathBuf>,
    /// The same as FILE
    #[arg(short = 'r', long = "read", value_name = "FILE", conflicts_with = "file")]
    pub(crate) read: Option<PathBuf>,
    /// Where it goes: a file, readable by you only
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Replace what this regular expression matches, too, wherever it stands in a text
    #[arg(long, value_name = "NAME=REGEX")]
    pub(crate) pattern: Vec<String>,
    /// A file whose content decides what stands for what, so that several captures can be compared [default: random]
    #[arg(long, value_name = "@FILE")]
    pub(crate) fingerprint_key: Option<String>,
    /// A TLS key log to decrypt packets with, as SSLKEYLOGFILE names one; that variable is read, too
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Vec<PathBuf>,
    /// Where the receipt goes, as JSON [default: OUT.receipt.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) receipt: Option<PathBuf>,
    /// No receipt on standard output
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Twice: what the program does, on standard error
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// `redact`.
#[derive(Args)]
pub(crate) struct RedactArgs {
    #[command(flatten)]
    pub(crate) share: ShareArgs,
}

/// `convert`.
#[derive(Args)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) share: ShareArgs,
    /// Write every value as it is
    #[arg(long)]
    pub(crate) with_secrets: bool,
    /// Do not ask before secrets are written
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `tui`.
#[derive(Args, Default)]
pub(crate) struct TuiArgs {
    #[command(flatten)]
    pub(crate) inspect: InspectArgs,
    #[command(flatten)]
    pub(crate) screen: ScreenArgs,
    /// Print every action with its keys, as the configuration names and rebinds them
    #[arg(long)]
    pub(crate) list_keys: bool,
}

/// How the terminal UI looks and feels.
#[derive(Args, Clone, Default)]
pub(crate) struct ScreenArgs {
    /// Signs of the terminal UI in ASCII only
    #[arg(long)]
    pub(crate) ascii: bool,
    /// Colours of the terminal UI: auto, dark, light (24 bits for that background), terminal (its own sixteen), none
    #[arg(long, value_name = "THEME")]
    pub(crate) theme: Option<String>,
    /// Leave the mouse to the terminal
    #[arg(long)]
    pub(crate) no_mouse: bool,
    /// Keys by action, from the configuration.
    #[arg(skip)]
    pub(crate) keys: BTreeMap<String, Vec<String>>,
}

/// `config`.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    #[command(flatten)]
    pub(crate) analyze: AnalyzeArgs,
    /// Every threshold of every rule, set or not
    #[arg(long)]
    pub(crate) all: bool,
}

/// `explain`.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// Code or id: AUTH001, missing-authorization
    pub(crate) rule: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// `token`.
#[derive(Args)]
pub(crate) struct TokenArgs {
    /// The token; - or nothing reads it from standard input, where `ps` does not see it
    pub(crate) token: Option<String>,
    #[command(flatten)]
    pub(crate) keys: KeyArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

impl OutputArgs {
    /// The format asked for.
    pub(crate) fn format(&self) -> anyhow::Result<Format> {
        self.format.as_deref().map_or(Ok(Format::Text), Format::parse)
    }
}

impl AnalyzeArgs {
    /// Whether nothing was asked for that only a text can give: then a terminal shows the UI.
    pub(crate) fn is_bare(&self) -> bool {
        let output = &self.inspect.output;
        let texts = output.format.is_some() || output.output.is_some() || output.quiet || output.verbose > 0;
        let judges = self.min_severity.is_some() || self.min_confidence.is_some() || self.fail_on.is_some();
        !texts && !judges && !self.exit_zero
    }
}

impl ShareArgs {
    /// The capture. It is read twice, so it must be a file.
    pub(crate) fn path(&self) -> anyhow::Result<&Path> {
        let path = self.file.as_deref().or(self.read.as_deref()).context("no capture named; give a file")?;
        if path.as_os_str() == "-" {
            bail!("the capture is read twice, which standard input cannot be; save it to a file first");
        }
        if Dataset::is_at(path) {
            bail!("{}: a dataset holds facts alone; name the capture that it was made from", path.display());
        }
        if path.is_dir() {
            bail!("{} is a directory; name one of its captures", path.display());
        }
        Ok(path)
    }

    /// What only concerns logging.
    pub(crate) fn logging(&self) -> OutputArgs {
        OutputArgs { quiet: self.quiet, verbose: self.verbose, ..OutputArgs::default() }
    }
}

impl InspectArgs {
    /// The same for one capture.
    pub(crate) fn with_path(&self, path: PathBuf) -> Self {
        Self { files: vec![path], read: Vec::new(), ..self.clone() }
    }

    /// Every capture named, in order.
    pub(crate) fn paths(&self) -> anyhow::Result<Vec<PathBuf>> {
        let paths: Vec<PathBuf> = self.read.iter().chain(&self.files).cloned().collect();
        if paths.is_empty() {
            bail!("no capture named; give a HAR file, a directory, or - for standard input");
        }
        if paths.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            bail!("standard input is named twice; it can be read once");
        }
        Ok(paths)
    }
}

/// The severity called `name`, for the flag `flag`.
pub(crate) fn severity(flag: &str, name: &str) -> anyhow::Result<Severity> {
    let found = Severity::ALL.into_iter().find(|severity| severity.name().eq_ignore_ascii_case(name));
    found.with_context(|| format!("{flag} {name}: no such severity; use critical, high, medium, low or info"))
}

/// Reads the command line and the configuration file that it names.
pub(crate) fn parse(argv: impl Iterator<Item = OsString>) -> Result<Cli, Stop> {
    let matches = Cli::command().try_get_matches_from(argv).map_err(Stop::Clap)?;
    let mut cli = Cli::from_arg_matches(&matches).map_err(Stop::Clap)?;
    let analyze = match &mut cli.verb {
        None => Some(&mut cli.analyze),
        Some(Verb::Analyze(analyze)) => Some(analyze),
        Some(Verb::Report(report)) => Some(&mut report.analyze),
        Some(Verb::Exchanges(ExchangesArgs { inspect, .. }) | Verb::Tokens(inspect) | Verb::Sessions(inspect))
        | Some(
            Verb::Verify(VerifyArgs { inspect, .. })
            | Verb::Diff(DiffArgs { inspect, .. })
            | Verb::Extract(ExtractArgs { inspect, .. })
            | Verb::Query(QueryArgs { inspect, .. }),
        ) => {
            config::apply_to_inspect(inspect).map_err(Stop::Failed)?;
            None
        }
        Some(Verb::Capture(capture)) => {
            config::apply_to_capture(capture).map_err(Stop::Failed)?;
            None
        }
        Some(Verb::Tui(tui)) => {
            config::apply_to_tui(tui).map_err(Stop::Failed)?;
            None
        }
        Some(_) => None,
    };
    if let Some(analyze) = analyze {
        config::apply(analyze).map_err(Stop::Failed)?;
    }
    Ok(cli)
}
