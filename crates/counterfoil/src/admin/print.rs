//! Answers for people (a table) and for programs (a JSON object per line).

use std::io::Write;

use serde_json::Value;

use crate::failure::Failure;

/// (heading, key of the JSON object).
pub type Column = (&'static str, &'static str);

/// Prints an array's objects, or one object.
pub fn rows(answer: &Value, columns: &[Column], json: bool) -> Result<(), Failure> {
    let rows = match answer {
        Value::Array(rows) => rows.as_slice(),
        row => std::slice::from_ref(row),
    };
    let text = if json { rows.iter().map(|row| format!("{row}\n")).collect() } else { table(rows, columns) };
    // A reader that has gone away, such as `head`, is no error of ours.
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn table(rows: &[Value], columns: &[Column]) -> String {
    let mut cells: Vec<Vec<String>> = vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect()];
    cells.extend(rows.iter().map(|row| columns.iter().map(|(_, key)| cell(&row[*key])).collect()));
    let width = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
    };
    cells.iter().map(line).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
