//! Columns of text, as kubectl prints them.

use std::io::{self, Write};

/// Rows of the same number of cells below a heading.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with its heading.
    pub(crate) fn new(heading: [&str; COLUMNS]) -> Self {
        Self { rows: vec![heading.map(str::to_owned)] }
    }

    /// Adds a row. Its texts are printed as they are: what a user wrote is made printable before.
    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    /// Prints the table, each column as wide as its widest cell and two spaces between them.
    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        self.print_painted(out, str::to_owned)
    }

    /// The same, with each line as `paint` makes it: colours must not count for the width.
    pub(crate) fn print_painted(
        &self,
        out: &mut impl Write,
        paint: impl Fn(&str) -> String,
    ) -> io::Result<()> {
        let mut widths = [0; COLUMNS];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        for row in &self.rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(out, "{}", paint(line.trim_end()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["NAME", "N"]);
        table.row(["grö".to_owned(), "1".to_owned()]);
        table.row(["longer".to_owned(), String::new()]);
        let mut out = Vec::new();
        table.print(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "NAME    N\ngrö     1\nlonger\n");
    }
}
