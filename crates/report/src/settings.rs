//! `config`: what is set and where it comes from, as a table.

use authtrace_analyze::thresholds::Limit;
use jiff::SignedDuration;
use serde::Serialize;

use crate::{
    columns::{Column, table},
    style::Style,
};

/// One value.
#[derive(Serialize)]
pub struct Setting {
    /// Name, with dots between the tables of a settings file.
    pub name: String,
    /// The value in words; null where nothing is set.
    pub value: Option<String>,
    /// `default`, `flag`, `environment, NAME`, or `file:line`.
    pub from: String,
}

/// A threshold as a settings file has it.
pub fn limit(limit: Limit) -> String {
    match limit {
        Limit::Time(time) => SignedDuration::try_from(time).map_or_else(|_| "-".to_owned(), |time| format!("{time:#}")),
        Limit::Count(count) => count.to_string(),
        Limit::Share(share) => share.to_string(),
    }
}

/// A table.
pub fn text(settings: &[Setting], width: Option<usize>, style: Style) -> String {
    let columns = [Column::left("setting"), Column::flexible("value", 20), Column::left("from")];
    let row = |setting: &Setting| {
        [setting.name.clone(), setting.value.clone().unwrap_or_else(|| "-".to_owned()), setting.from.clone()].to_vec()
    };
    let rows: Vec<Vec<String>> = settings.iter().map(row).collect();
    table(&columns, &rows, width, style)
}
