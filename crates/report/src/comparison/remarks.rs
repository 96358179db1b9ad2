//! For pipelines: a remark on each image that is hit.

use super::Shown;
use super::text::used_by;
use imagegate_report::{Level, Remark, Remarks, RuleId};

pub(super) fn of(shown: &Shown<'_>) -> Remarks {
    let levels = [Level::Error, Level::Warning, Level::Note, Level::Note];
    let mut list = Vec::new();
    for ((hits, what), level) in shown.hits().into_iter().zip(levels) {
        for hit in &hits.most_frequent {
            let rule = hit.rule.map_or(RuleId::Allowed, RuleId::of);
            let message = match shown.messages.get(hit.image.as_str()) {
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
    let changes = shown.difference.changes.iter().map(|change| change.text.clone());
    let summary = [shown.summary()].into_iter().chain(changes).collect();
    Remarks::new("imagegate diff", list, summary)
}
