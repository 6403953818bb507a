//! The model through a template: every value is escaped for its format unless it is one of our own pictures.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use minijinja::{
    AutoEscape, Environment, Error, HtmlEscape, Output, State, UndefinedBehavior, Value, context, syntax::SyntaxConfig,
    value::Serde,
};
use sha2::{Digest, Sha256};

use super::{markdown, model::Report};
use crate::{hidden::visible, picture::Pictures};

const MARKDOWN: &str = include_str!("../../templates/report.md");
const HTML: &str = include_str!("../../templates/report.html");
const CSS: &str = include_str!("../../templates/report.css");

/// The most characters of one value.
const LONGEST: usize = 2000;

/// A template that does not parse, or that names what is not there.
#[derive(Debug)]
pub struct TemplateError(String);

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TemplateError {}

impl From<Error> for TemplateError {
    fn from(error: Error) -> Self {
        let place =
            error.name().map(|name| format!("{name}, line {}: ", error.line().unwrap_or(0))).unwrap_or_default();
        Self(format!("{place}{}{}", error.kind(), error.detail().map(|d| format!(": {d}")).unwrap_or_default()))
    }
}

/// With `templates` beside and instead of the built-in ones; the built-in stays there as `builtin/report.md`.
pub(super) fn markdown(report: &Report, templates: &BTreeMap<String, String>) -> Result<String, TemplateError> {
    let mut environment = environment()?;
    environment.add_template("report.md", MARKDOWN)?;
    environment.add_template("builtin/report.md", MARKDOWN)?;
    for (name, source) in templates {
        environment.add_template(name, source)?;
    }
    Ok(tidy(&environment.get_template("report.md")?.render(context! { report => Value::from(Serde(report)) })?))
}

/// A page that loads nothing: its style stands in it and is the only one that its policy admits.
pub(super) fn html(report: &Report, pictures: &Pictures) -> Result<String, TemplateError> {
    let mut environment = environment()?;
    environment.add_template("report.html", HTML)?;
    let context = context! {
        report => Value::from(Serde(report)),
        pictures => Value::from(Serde(pictures)),
        css => Value::from_safe_string(CSS.to_owned()),
        css_hash => STANDARD.encode(Sha256::digest(CSS.as_bytes())),
    };
    Ok(tidy(&environment.get_template("report.html")?.render(context)?))
}

fn environment<'source>() -> Result<Environment<'source>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::Custom("markdown".into()) }
    });
    environment.set_formatter(write);
    environment.add_filter("code", |text: &str| Value::from_safe_string(markdown::code(text, false)));
    environment.add_filter("cell", |text: &str| Value::from_safe_string(markdown::code(text, true)));
    environment.add_filter("picture", |svg: String| Value::from_safe_string(svg));
    environment.add_filter("lines", |text: &str| Value::from_safe_string(HtmlEscape(text).to_string()));
    environment.add_filter("diagram", |text: String| Value::from_safe_string(text));
    Ok(environment)
}

/// Every value passes here on its way out.
fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    if value.is_safe() {
        return minijinja::escape_formatter(out, state, value);
    }
    // Numbers, booleans and none hold nothing to escape.
    let Some(text) = value.as_str() else { return write!(out, "{value}").map_err(Error::from) };
    if matches!(state.auto_escape(), AutoEscape::Custom(_)) {
        return minijinja::escape_formatter(out, state, &Value::from_safe_string(markdown::prose(text)));
    }
    for (is_code, piece) in markdown::pieces(&visible(text, LONGEST)) {
        let (open, close) = if is_code { ("<code>", "</code>") } else { ("", "") };
        out.write_str(open)?;
        write!(out, "{}", HtmlEscape(piece))?;
        out.write_str(close)?;
    }
    Ok(())
}

/// No line ends in a blank, no two lines in a row are empty, one line end closes the text.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = true;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() && std::mem::replace(&mut empty, true) {
            continue;
        }
        empty = line.is_empty();
        out.push_str(line);
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
