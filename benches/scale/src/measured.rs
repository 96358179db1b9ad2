//! The figures that were measured here, of the release binary.

const MEASURED: &str = include_str!("../measured.tsv");

/// Seconds of a processor, by a name of `measured.tsv`, which has microseconds.
pub(crate) fn seconds(name: &str) -> f64 {
    let rows = MEASURED.lines().filter_map(|line| line.split_once('\t'));
    let found = rows.into_iter().find(|(of, _)| *of == name);
    let (_, figure) = found.unwrap_or_else(|| panic!("`{name}` is not in measured.tsv"));
    figure.parse::<f64>().unwrap() / 1e6
}

/// Where and when they were taken.
pub(crate) fn taken() -> &'static str {
    MEASURED.lines().next().unwrap_or_default().trim_start_matches("# ")
}
