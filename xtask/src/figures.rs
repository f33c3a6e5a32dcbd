//! Reading figures from what a soak prints, and the text of `docs/figures.md`. Pure.

use anyhow::{Context, bail};
use serde_json::Value;

const PREAMBLE: &str = "# Figures\n\nWritten by `cargo xtask soak`. Each section says when, at which commit and by which \
                        command; a section is replaced when its figures are measured again.\n";

/// The columns of a load generator's line, in reading order. Fields that are not listed follow by name.
const COLUMNS: &[&str] = &[
    "scenario",
    "connections",
    "tenants",
    "preloaded",
    "rps",
    "reference_rps",
    "ratio",
    "p50_ms",
    "p99_ms",
    "server_cpu_us",
    "committer_us",
    "backlog",
    "drain_s",
    "sync_ms",
    "errors",
];

/// How figures stand in an output.
#[derive(Clone, Copy)]
pub enum Reading {
    /// One flat JSON object a line; other lines are skipped.
    JsonLines,
    /// Lines `figure: name = value`, anywhere in the output, even behind what a test runner put on the same line.
    FigureLines,
}

/// A heading row and the rows under it, all of one width.
#[derive(Debug, PartialEq)]
pub struct Table {
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// One measurement, as it is written down.
pub struct Measured<'a> {
    pub name: &'a str,
    pub about: &'a str,
    /// When, at which commit, on what.
    pub stamp: &'a str,
    pub command: &'a str,
    pub table: Table,
}

/// The figures in `lines`. An output without any is an error: a measurement that says nothing did not happen.
pub fn read(reading: Reading, lines: &[String]) -> anyhow::Result<Table> {
    let table = match reading {
        Reading::JsonLines => from_json(lines)?,
        Reading::FigureLines => from_figure_lines(lines)?,
    };
    if table.rows.is_empty() {
        bail!("it printed no figure");
    }
    Ok(table)
}

fn from_json(lines: &[String]) -> anyhow::Result<Table> {
    let mut objects = Vec::new();
    for line in lines.iter().filter(|line| line.trim_start().starts_with('{')) {
        match serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))? {
            Value::Object(object) => objects.push(object),
            _ => bail!("not an object: {line}"),
        }
    }
    let mut heads: Vec<String> = COLUMNS.iter().map(ToString::to_string).collect();
    heads.retain(|head| objects.iter().any(|object| object.contains_key(head)));
    for name in objects.iter().flat_map(|object| object.keys()) {
        if !heads.contains(name) {
            heads.push(name.clone());
        }
    }
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let rows = objects.iter().map(|object| heads.iter().map(|head| cell(object.get(head))).collect()).collect();
    Ok(Table { heads, rows })
}

fn from_figure_lines(lines: &[String]) -> anyhow::Result<Table> {
    let mut rows = Vec::new();
    for line in lines {
        let Some((_, figure)) = line.split_once("figure: ") else { continue };
        let (name, value) = figure.split_once(" = ").with_context(|| format!("not `figure: name = value`: {line}"))?;
        rows.push(vec![name.trim().to_owned(), value.trim().to_owned()]);
    }
    Ok(Table { heads: vec!["figure".to_owned(), "value".to_owned()], rows })
}

/// The section of one measurement, from its heading to a final line break.
pub fn section(measured: &Measured<'_>) -> String {
    let row = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = format!("## {}\n\n{}\n\n", measured.name, measured.about);
    text += &format!("{}, by `{}`.\n\n", measured.stamp, measured.command);
    text += &row(&measured.table.heads);
    text += &row(&vec!["---".to_owned(); measured.table.heads.len()]);
    for cells in &measured.table.rows {
        text += &row(cells);
    }
    text
}

/// `document` with the section called `name` replaced, or appended where there is none. Other sections stay to the letter.
pub fn with_section(document: &str, name: &str, section: &str) -> String {
    let document = if document.trim().is_empty() { PREAMBLE } else { document };
    let heading = format!("## {name}\n");
    let mut parts: Vec<String> = Vec::new();
    for line in document.split_inclusive('\n') {
        match parts.last_mut() {
            Some(part) if !line.starts_with("## ") => part.push_str(line),
            _ => parts.push(line.to_owned()),
        }
    }
    match parts.iter_mut().find(|part| **part == heading || part.starts_with(&heading)) {
        Some(part) => section.clone_into(part),
        None => parts.push(section.to_owned()),
    }
    let trimmed: Vec<&str> = parts.iter().map(|part| part.trim_end()).collect();
    trimmed.join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::{Measured, PREAMBLE, Reading, read, section, with_section};

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn written(reading: Reading, output: &str) -> String {
        let table = read(reading, &lines(output)).unwrap();
        section(&Measured {
            name: "kill",
            about: "About.",
            stamp: "Measured then",
            command: "cargo xtask soak kill",
            table,
        })
    }

    #[test]
    fn figure_lines_are_found_among_a_test_runners_own() {
        let output = "running 1 test\ntest kill ... figure: cycles = 1000\nfigure: lost | twice = 0\nok\n";
        let expected = "## kill\n\nAbout.\n\nMeasured then, by `cargo xtask soak kill`.\n\n\
                        | figure | value |\n| --- | --- |\n| cycles | 1000 |\n| lost \\| twice | 0 |\n";
        assert_eq!(written(Reading::FigureLines, output), expected);
    }

    #[test]
    fn json_lines_become_columns_in_reading_order() {
        let output = "warming up\n{\"rps\":12.5,\"scenario\":\"transfer\",\"extra\":null}\n{\"scenario\":\"replay\",\"errors\":0}\n";
        let text = written(Reading::JsonLines, output);
        assert!(text.contains("| scenario | rps | errors | extra |\n| --- | --- | --- | --- |\n"), "{text}");
        assert!(text.contains("| transfer | 12.5 |  |  |\n| replay |  | 0 |  |\n"), "{text}");
    }

    #[test]
    fn an_output_without_figures_or_with_a_broken_one_is_an_error() {
        for (reading, output) in [
            (Reading::FigureLines, "running 0 tests\n"),
            (Reading::FigureLines, "figure: no value here\n"),
            (Reading::JsonLines, "the reference is too slow to judge by\n"),
            (Reading::JsonLines, "{\"scenario\":\"tran\n"),
        ] {
            assert!(read(reading, &lines(output)).is_err(), "{output}");
        }
    }

    #[test]
    fn a_section_is_replaced_and_the_others_stay() {
        let first = with_section("", "bench", "## bench\n\nold\n");
        assert_eq!(first, format!("{PREAMBLE}\n## bench\n\nold\n"));
        let by_hand = first + "\n## what bounds it\n\nThe disk.\n";
        let third = with_section(&by_hand, "bench", "## bench\n\nnew\n");
        assert_eq!(third, format!("{PREAMBLE}\n## bench\n\nnew\n\n## what bounds it\n\nThe disk.\n"));
        let fourth = with_section(&third, "kill", "## kill\n\nnone lost\n");
        assert_eq!(fourth, third + "\n## kill\n\nnone lost\n");
    }
}
