//! `query`: SQL over what was read and judged.

use anyhow::{Context as _, bail};
use authtrace_analyze::{
    Analysis,
    facts::Fact,
    stored::columns_of_a_fact,
    table::{Answer, ColumnDef, Selection, TABLES, Tables, mentions},
};
use authtrace_dataset::{Dataset, parquet_of};
use authtrace_report::{Focus, View, answer, sessions, tokens};

use super::{focus, start_logging, write_checked};
use crate::{
    args::{InspectArgs, QueryArgs},
    exit::{self, Verdict},
    format::Format,
    load::{self, Loaded},
    output::{Output, complain},
};

/// Runs the verb.
pub(super) fn run(args: &QueryArgs) -> anyhow::Result<u8> {
    start_logging(&args.inspect.output);
    let format = args.inspect.output.format()?;
    let output = Output::new(&args.inspect.output);
    if args.schema {
        return schema(format, &output);
    }
    let (inspect, sql) = statement(&args.inspect)?;
    if args.stored {
        return stored(&inspect, &sql, args.explain, format, &output);
    }
    let Loaded { analysis, failed, nothing, interrupted, .. } = load::load(&inspect)?;
    if nothing {
        return Ok(if interrupted { exit::INTERRUPTED } else { exit::USAGE });
    }
    let exchanges = focus::exchanges(&inspect, &analysis)?;
    let view = View::new(&analysis, Focus { exchanges, ..Focus::default() });
    let tables = tables(&view, &sql)?;
    if args.explain {
        write_checked(&output, &tables.explain(&sql)?, &analysis)?;
    } else {
        write(&tables.query(&sql)?, format, &output, Some(&analysis))?;
    }
    let no_judgement = analysis.is_empty();
    Ok(Verdict { no_judgement, usage: failed, interrupted, ..Verdict::default() }.code())
}

/// The captures and, behind them, the statement.
fn statement(args: &InspectArgs) -> anyhow::Result<(InspectArgs, String)> {
    const EXAMPLE: &str = "authtrace query capture.har 'SELECT status, COUNT(*) FROM exchanges GROUP BY status'";
    let mut files = args.files.clone();
    let sql = files.pop().with_context(|| format!("no query given; write {EXAMPLE}"))?;
    let sql = sql.into_os_string().into_string().ok().context("the query is no UTF-8 text")?;
    if !sql.trim().contains(char::is_whitespace) {
        bail!("the last argument, `{sql}`, is no query; write {EXAMPLE}");
    }
    Ok((InspectArgs { files, ..args.clone() }, sql))
}

/// Answers from the columns of datasets that `sql` may name, in seconds where judging takes minutes.
fn stored(args: &InspectArgs, sql: &str, explain: bool, format: Format, output: &Output<'_>) -> anyhow::Result<u8> {
    const EXCHANGES: &str = "exchanges";
    // The first column stays: a table without any would have no rows to count.
    let columns = columns_of_a_fact().enumerate().filter(|(at, column)| *at == 0 || mentions(sql, column.name));
    let columns: Vec<&'static ColumnDef> = columns.map(|(_, column)| column).collect();
    let (mut tables, mut failed) = (Tables::default(), false);
    tables.add(EXCHANGES, columns.iter().map(|column| (column.name, column.kind.no_cells())))?;
    for path in args.paths()? {
        let mut rows = Vec::new();
        for fault in Dataset::open(&path)?.columns(&columns, |columns| rows.push(columns)) {
            failed = true;
            complain(&format!("cannot read {fault}"));
        }
        rows.into_iter().try_for_each(|columns| tables.add(EXCHANGES, columns))?;
    }
    if explain {
        output.write(&tables.explain(sql)?)?;
    } else {
        write(&tables.query(sql)?, format, output, None)?;
    }
    Ok(Verdict { usage: failed, ..Verdict::default() }.code())
}

/// The tables and columns that `sql` may name, of what is in focus.
fn tables(view: &View<'_>, sql: &str) -> anyhow::Result<Tables> {
    let selection = Selection {
        exchanges: view.facts().collect::<Vec<&Fact>>(),
        tokens: tokens::in_focus(view).into_iter().map(|(id, _)| id).collect(),
        sessions: sessions::in_focus(view).into_iter().map(|(id, _)| id).collect(),
        findings: view.findings().map(|(id, _)| id).collect(),
    };
    let mut tables = Tables::default();
    for table in TABLES.iter().filter(|table| mentions(sql, table.name)) {
        // The first column stays: a table without any would have no rows to count.
        let columns = table.columns.iter().enumerate().filter(|(at, column)| *at == 0 || mentions(sql, column.name));
        let cells = |(_, column)| Some((column, selection.values(table.name, column, view.analysis)?));
        let columns = columns.filter_map(cells);
        tables.add(table.name, columns.map(|(column, values)| (column.name, values)))?;
    }
    Ok(tables)
}

fn schema(format: Format, output: &Output<'_>) -> anyhow::Result<u8> {
    if format == Format::Text {
        output.write(&answer::schema(output.style()?))?;
    } else {
        write(&answer::schema_answer(), format, output, None)?;
    }
    Ok(exit::OK)
}

/// Writes the answer, unless a secret of the capture got into it.
fn write(answer: &Answer, format: Format, output: &Output<'_>, of: Option<&Analysis>) -> anyhow::Result<()> {
    let text = match format {
        Format::Text => answer::text(answer, output.style()?, output.columns()),
        Format::Json => answer::json(answer),
        Format::Jsonl | Format::Parquet => answer::jsonl(answer),
        Format::Csv => answer::csv(answer),
        _ => bail!("-T: not for this verb; use text, json, jsonl, csv or parquet"),
    };
    if let Some(analysis) = of {
        super::refuse_leaks(&text, analysis)?;
    }
    if format == Format::Parquet { output.write_bytes(&parquet_of(answer)?) } else { output.write(&text) }
}
