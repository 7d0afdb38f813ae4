//! What goes to stdout: tables for people, JSON for machines.

use std::io::{self, BufWriter, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Serialize;

pub(super) use crate::api::quantity::{count, size};

/// No table is wider, so that it fits a usual terminal and a bug report.
const WIDTH: u16 = 120;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Tables for people
    #[default]
    Table,
    /// JSON for programs, one document a line
    Json,
}

/// Standard output. Where its reader has seen enough, as in `flink-retention plan … | head`, the rest goes nowhere: how a
/// command ends does not depend on who reads what it says.
#[derive(Debug)]
pub(super) struct Output(BufWriter<Audience>);

#[derive(Debug)]
struct Audience(io::StdoutLock<'static>);

impl Write for Audience {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        unless_gone(self.0.write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        unless_gone(self.0.flush(), ())
    }
}

fn unless_gone<T>(written: io::Result<T>, otherwise: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(otherwise),
        written => written,
    }
}

impl Output {
    pub(super) fn new() -> Self {
        Self(BufWriter::new(Audience(io::stdout().lock())))
    }

    pub(super) fn line(&mut self, line: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.0, "{line}")
    }

    /// A table with an indent of two, or nothing where it has no rows.
    pub(super) fn table(&mut self, table: &Table) -> io::Result<()> {
        if table.row_count() == 0 {
            return Ok(());
        }
        for line in table.lines() {
            writeln!(self.0, "{}", line.trim_end())?;
        }
        Ok(())
    }

    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, value)?;
        self.0.write_all(b"\n")
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A table without lines, 120 characters wide at most.
pub(super) fn table(header: &[&str], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .force_no_tty()
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header.iter().copied());
    for &number in numbers {
        if let Some(column) = table.column_mut(number) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A text that a terminal and a browser only show: what comes from storage or from a cluster may hold what moves the
/// cursor, or turns the direction of all that follows.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                char::REPLACEMENT_CHARACTER
            }
            character if character.is_control() => char::REPLACEMENT_CHARACTER,
            character => character,
        })
        .collect()
}
