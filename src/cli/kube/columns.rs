//! Tables as kubectl prints them: headers in capitals, three spaces between columns, `<none>` for nothing.

use std::io;

use crate::cli::output::{Output, plain};

pub(super) struct Columns<const N: usize> {
    header: [&'static str; N],
    rows: Vec<[String; N]>,
}

pub(super) const NONE: &str = "<none>";

impl<const N: usize> Columns<N> {
    pub(super) fn new(header: [&'static str; N]) -> Self {
        Self {
            header,
            rows: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| {
            if cell.is_empty() {
                NONE.to_owned()
            } else {
                plain(&cell)
            }
        }));
    }

    /// Those columns of which the second is true.
    pub(super) fn print(&self, output: &mut Output, shown: [bool; N]) -> io::Result<()> {
        let header = self.header.map(str::to_owned);
        let rows = || std::iter::once(&header).chain(&self.rows);
        let mut widths = [0; N];
        for row in rows() {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in rows() {
            let cells: Vec<String> = row
                .iter()
                .zip(widths)
                .zip(shown)
                .filter(|(_, shown)| *shown)
                .map(|((cell, width), _)| format!("{cell:width$}"))
                .collect();
            output.line(cells.join("   ").trim_end())?;
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
