//! Lines with the comments behind them.

use super::comments::Comment;

/// Comments stand below each other, but behind a line that is longer than this.
const FARTHEST: usize = 60;
/// Blanks between a line and the comment behind it; linters want two.
const GAP: usize = 2;

/// The lines of a formatted document.
#[derive(Debug, Default)]
pub(super) struct Lines<'a>(Vec<Line<'a>>);

#[derive(Debug)]
struct Line<'a> {
    text: String,
    /// In characters.
    width: usize,
    comment: Option<&'a str>,
}

impl<'a> Lines<'a> {
    /// Adds a line.
    pub(super) fn push(&mut self, text: String, beside: Option<&Comment<'a>>) {
        let comment = beside.map(|comment| comment.text);
        // Where it does not count, it is not counted.
        let width = comment.map_or(0, |_| text.chars().count());
        self.0.push(Line { text, width, comment });
    }

    /// Adds a blank line.
    pub(super) fn blank(&mut self) {
        self.push(String::new(), None);
    }

    /// Adds a comment on a line of its own.
    pub(super) fn comment(&mut self, indent: usize, comment: &Comment<'a>) {
        self.push(format!("{:indent$}{}", "", comment.text), None);
    }

    /// The text. Comments behind lines that follow each other begin in the same column.
    pub(super) fn join(&self) -> String {
        let mut out = String::new();
        let runs = self.0.chunk_by(|line, next| line.comment.is_some() == next.comment.is_some());
        for run in runs {
            let widths = run.iter().map(|line| line.width).filter(|width| *width <= FARTHEST);
            let widest = widths.max().unwrap_or(0);
            for line in run {
                out.push_str(&line.text);
                if let Some(comment) = line.comment {
                    let blanks = widest.saturating_sub(line.width) + GAP;
                    out.extend(std::iter::repeat_n(' ', blanks));
                    out.push_str(comment);
                }
                out.push('\n');
            }
        }
        out
    }
}
