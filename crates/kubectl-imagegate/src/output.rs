//! The output formats of commands that have two of them.
//!
//! Those with a report take `imagegate_report::Format`.

/// What a command prints that has columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TableOrJson {
    #[default]
    Table,
    Json,
}

/// What a command prints that has lines of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TextOrJson {
    #[default]
    Text,
    Json,
}
