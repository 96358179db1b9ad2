//! A list of registry patterns, compiled: host bucket first, then path, regexes last.

use std::collections::HashMap;

use crate::image::Reference;
use crate::policy::pattern::RegistryPattern;
use crate::policy::pattern_index::PatternIndex;
use crate::policy::regexes::Regexes;

/// Compiled registry patterns, each known by its position in the policy's list.
#[derive(Clone, Debug, Default)]
pub(super) struct RegistrySet {
    everything: Option<usize>,
    hosts: HashMap<Box<str>, Bucket>,
    /// Finds the buckets of the host globs that match, by their position there.
    host_globs: PatternIndex,
    glob_buckets: Vec<Bucket>,
    regexes: Regexes,
}

/// What is said of one host, or of one host glob.
#[derive(Clone, Debug, Default)]
struct Bucket {
    whole: Option<usize>,
    /// Apart, since most hosts are named without a path and an index takes room in every bucket.
    paths: Option<Box<PatternIndex>>,
}

impl RegistrySet {
    /// Compiles checked patterns in the order of the policy's list.
    ///
    /// # Errors
    /// When the regexes together are over their size limit.
    pub(super) fn new(
        patterns: impl IntoIterator<Item = (usize, RegistryPattern)>,
    ) -> Result<Self, regex::Error> {
        let patterns = patterns.into_iter();
        // Most patterns are hosts; to grow the table would hash each of them twice more.
        let hosts = HashMap::with_capacity(patterns.size_hint().0);
        let mut set = Self { hosts, ..Self::default() };
        let mut globs: HashMap<String, usize> = HashMap::new();
        let mut regexes = Vec::new();
        for (position, pattern) in patterns {
            match pattern {
                RegistryPattern::Everything => {
                    set.everything.get_or_insert(position);
                }
                RegistryPattern::Place { host, path } if host.contains('*') => {
                    let bucket = *globs.entry(host).or_insert_with_key(|host| {
                        set.host_globs.insert(host, set.glob_buckets.len());
                        set.glob_buckets.push(Bucket::default());
                        set.glob_buckets.len() - 1
                    });
                    if let Some(bucket) = set.glob_buckets.get_mut(bucket) {
                        bucket.insert(path.as_deref(), position);
                    }
                }
                RegistryPattern::Place { host, path } => {
                    set.hosts
                        .entry(host.into_boxed_str())
                        .or_default()
                        .insert(path.as_deref(), position);
                }
                RegistryPattern::Regex(pattern) => regexes.push((position, pattern)),
            }
        }
        set.regexes = Regexes::new(&regexes)?;
        Ok(set)
    }

    /// The lowest position among the patterns that cover the reference's registry and repository.
    pub(super) fn first(&self, reference: &Reference<'_>) -> Option<usize> {
        let registry = reference.registry();
        let mut first = self.everything;
        let mut consider = |found: Option<usize>| {
            if let Some(found) = found
                && first.is_none_or(|first| found < first)
            {
                first = Some(found);
            }
        };
        if let Some(bucket) = self.hosts.get(registry) {
            consider(bucket.first(reference));
        }
        self.host_globs.each(registry, |bucket| {
            consider(self.glob_buckets.get(bucket).and_then(|bucket| bucket.first(reference)));
        });
        if !self.regexes.is_empty() {
            consider(self.regexes.first(&format!("{registry}/{}", reference.repository())));
        }
        first
    }
}

impl Bucket {
    fn insert(&mut self, path: Option<&str>, position: usize) {
        match path {
            None => {
                self.whole.get_or_insert(position);
            }
            Some(path) => {
                self.paths.get_or_insert_default().insert(path, position);
            }
        }
    }

    /// A path covers what is below it, up to a segment boundary: `acme` covers `acme/x`, not
    /// `acmex`. So every leading run of whole segments is looked up.
    fn first(&self, reference: &Reference<'_>) -> Option<usize> {
        let mut first = self.whole;
        let Some(paths) = &self.paths else { return first };
        let repository = reference.repository();
        let ends = repository.match_indices('/').map(|(end, _)| end).chain([repository.len()]);
        for leading in ends.filter_map(|end| repository.get(..end)) {
            if let Some(found) = paths.first(leading)
                && first.is_none_or(|first| found < first)
            {
                first = Some(found);
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::RegistrySet;
    use crate::image::Reference;
    use crate::policy::pattern::RegistryPattern;

    fn first(patterns: &[&str], image: &str) -> Option<usize> {
        let patterns = patterns.iter().map(|pattern| RegistryPattern::parse(pattern).unwrap());
        let set = RegistrySet::new(patterns.enumerate()).unwrap();
        set.first(&Reference::parse(image).unwrap())
    }

    #[test]
    fn rows() {
        let rows: &[(&[&str], &str, Option<usize>)] = &[
            (&["docker.io", "gcr.io"], "gcr.io/a/b:1", Some(1)),
            (&["docker.io", "gcr.io"], "quay.io/a/b:1", None),
            (&["docker.io"], "index.docker.io/library/nginx:1", Some(0)),
            (&["index.docker.io"], "docker.io/nginx:1", Some(0)),
            (&["GCR.IO"], "gcr.io/a/b:1", Some(0)),
            (&["gcr.io"], "GCR.io:443/a/b:1", Some(0)),
            (&["gcr.io"], "gcr.io:5000/a:1", None),
            (&["gcr.io"], "gcr.io.evil.com/a:1", None),
            (&["gcr.io/acme"], "gcr.io/acme/x:1", Some(0)),
            (&["gcr.io/acme/"], "gcr.io/acme/x:1", Some(0)),
            (&["gcr.io/acme"], "gcr.io/acme:1", Some(0)),
            (&["gcr.io/acme"], "gcr.io/acmex/x:1", None),
            (&["gcr.io/acme/*/base"], "gcr.io/acme/x/base:1", Some(0)),
            (&["gcr.io/acme/*/base"], "gcr.io/acme/x/y/base:1", None),
            (&["gcr.io/acme/**/base"], "gcr.io/acme/x/y/base:1", Some(0)),
            (&["gcr.io/team-*"], "gcr.io/team-a/x/y:1", Some(0)),
            (&["gcr.io/team-*"], "gcr.io/other/team-a:1", None),
            (&["*.pkg.dev"], "eu.pkg.dev/acme/x:1", Some(0)),
            (&["*.pkg.dev"], "pkg.dev/acme/x:1", None),
            (&["*.pkg.dev/acme"], "eu.pkg.dev/acme/x:1", Some(0)),
            (&["*.pkg.dev/acme"], "eu.pkg.dev/other/acme:1", None),
            (&["*.corp/*"], "evil.io/x.corp/y:1", None),
            (&["*"], "anything.example/x:1", Some(0)),
            (&["quay.io", "*"], "anything.example/x:1", Some(1)),
            (&["quay.io", "*"], "quay.io/x:1", Some(0)),
            (&["/gcr\\.io/acme-[0-9]+/.*/"], "gcr.io/acme-12/x:1", Some(0)),
            (&["/gcr\\.io/acme-[0-9]+/.*/"], "gcr.io/acme-x/x:1", None),
            (&["/gcr.io/acme/"], "gcr.io/acme/x:1", None),
            (&["/(?i)gcr.io/a|b/"], "evil.io/b:1", None),
            (&["registry.corp:5000"], "registry.corp:5000/x:1", Some(0)),
            (&["registry.corp"], "registry.corp:5000/x:1", None),
            (&["localhost"], "localhost/x:1", Some(0)),
        ];
        for (patterns, image, expected) in rows {
            assert_eq!(first(patterns, image), *expected, "{patterns:?} on {image}");
        }
    }
}
