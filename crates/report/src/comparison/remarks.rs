//! For pipelines: a remark on each image that is hit.

use super::Comparison;
use super::text::used_by;
use crate::{Level, Remark, Remarks, RuleId};

pub(super) fn of(comparison: &Comparison<'_>, command: &'static str) -> Remarks {
    let levels = [Level::Error, Level::Warning, Level::Note, Level::Note];
    let mut list = Vec::new();
    for ((hits, what), level) in comparison.hits().into_iter().zip(levels) {
        for hit in &hits.most_frequent {
            let rule = hit.rule.map_or(RuleId::Allowed, RuleId::of);
            let message = match comparison.messages.get(hit.image.as_str()) {
                Some(message) => format!("{what}: {message}"),
                None => what.to_owned(),
            };
            list.push(Remark {
                subject: hit.image.clone(),
                object: used_by(hit),
                ..Remark::new(level, rule, None, message)
            });
        }
    }
    let changes = comparison.difference.changes.iter().map(|change| change.text.clone());
    let summary = [comparison.summary()].into_iter().chain(changes).collect();
    Remarks::new(command, list, summary)
}
