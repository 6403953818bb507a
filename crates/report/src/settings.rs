//! `config`: what is set and where it comes from, as a table.

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

/// A table.
pub fn text(settings: &[Setting], width: Option<usize>, style: Style) -> String {
    let columns = [Column::left("setting"), Column::flexible("value", 20), Column::left("from")];
    let row = |setting: &Setting| {
        [setting.name.clone(), setting.value.clone().unwrap_or_else(|| "-".to_owned()), setting.from.clone()].to_vec()
    };
    let rows: Vec<Vec<String>> = settings.iter().map(row).collect();
    table(&columns, &rows, width, style)
}
