//! The kinds whose pod specs a policy judges beside the built-in ones, and where each has them.
//!
//! Only custom resources are named: what is built in is known. A kind may have several pod specs, each
//! with a path of its own.

use std::fmt;

use crate::policy::printable::printable_within;

/// Characters of a key that a path shows.
const LONGEST_KEY: usize = 63;

/// The named kinds, with the paths of their pod specs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workloads(pub(in crate::policy) Vec<Named>);

/// A kind, whatever its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::policy) struct Named {
    pub(in crate::policy) group: Box<str>,
    pub(in crate::policy) kind: Box<str>,
    pub(in crate::policy) pod_specs: Vec<PodSpecPath>,
}

/// The way from an object to a pod spec in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodSpecPath(pub(in crate::policy) Box<[Step]>);

/// One step of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Every entry of a list or of a mapping.
    Every,
    /// The value of a key.
    Key(Box<str>),
}

impl Workloads {
    /// No kind but the built-in ones.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: Workloads = Workloads(Vec::new());
        &NONE
    }

    /// The paths of a kind; none where it is not named.
    #[must_use]
    pub fn pod_specs(&self, group: &str, kind: &str) -> &[PodSpecPath] {
        let named = self.0.iter().find(|each| &*each.kind == kind && &*each.group == group);
        named.map_or(&[], |named| &named.pod_specs)
    }

    /// The kinds and paths of both.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for Named { group, kind, pod_specs } in &other.0 {
            let same = |each: &&mut Named| each.kind == *kind && each.group == *group;
            match all.0.iter_mut().find(same) {
                Some(named) => {
                    let new = pod_specs.iter().filter(|path| !named.pod_specs.contains(path));
                    let new: Vec<_> = new.cloned().collect();
                    named.pod_specs.extend(new);
                }
                None => all.0.push(Named {
                    group: group.clone(),
                    kind: kind.clone(),
                    pod_specs: pod_specs.clone(),
                }),
            }
        }
        all
    }

    /// Each kind with each of its paths, in words: `argoproj.io/Rollout:/spec/template/spec`.
    pub fn described(&self) -> impl Iterator<Item = String> {
        let paths = |Named { group, kind, pod_specs }: &Named| -> Vec<String> {
            pod_specs.iter().map(|path| format!("{group}/{kind}:{path}")).collect()
        };
        self.0.iter().flat_map(paths)
    }
}

impl Step {
    /// Whether it leads to the value of this key.
    pub(crate) fn leads_to(&self, key: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Key(own) => **own == *key,
        }
    }

    /// Whether it leads to the value of this key, and to no other.
    pub(crate) fn leads_only_to(&self, key: &str) -> bool {
        *self != Self::Every && self.leads_to(key)
    }
}

impl PodSpecPath {
    pub(crate) fn steps(&self) -> &[Step] {
        &self.0
    }
}

/// As it is written in a policy.
impl fmt::Display for PodSpecPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.steps() {
            match step {
                Step::Every => f.write_str("/*")?,
                Step::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1"))?,
            }
        }
        Ok(())
    }
}

/// Writes a key behind a path: `.spec`, or `['a.b']` where it would not be one step; `spec` at the
/// beginning. A key of a user's own may be anything, so that it is cut and escaped.
pub(crate) fn write_key(out: &mut impl fmt::Write, key: &str, is_first: bool) -> fmt::Result {
    let key = printable_within(key, LONGEST_KEY);
    if key.contains(['.', '[', ']', '\'']) {
        return write!(out, "['{key}']");
    }
    if !is_first {
        out.write_char('.')?;
    }
    out.write_str(&key)
}

#[cfg(test)]
mod tests {
    use super::{Named, PodSpecPath, Step, Workloads};

    fn workloads(kinds: &[(&str, &[&str])]) -> Workloads {
        let path = |key: &&str| PodSpecPath([Step::Key((*key).into())].into());
        let named = kinds.iter().map(|(kind, keys)| Named {
            group: "example.com".into(),
            kind: (*kind).into(),
            pod_specs: keys.iter().map(path).collect(),
        });
        Workloads(named.collect())
    }

    #[test]
    fn merged_workloads_have_each_path_once() {
        let (one, other) =
            (workloads(&[("A", &["a", "b"])]), workloads(&[("B", &["c"]), ("A", &["b", "d"])]));
        let merged: Vec<_> = one.merged(&other).described().collect();
        let expected = ["A:/a", "A:/b", "A:/d", "B:/c"].map(|path| format!("example.com/{path}"));
        assert_eq!(merged, expected);
        assert_eq!(one.merged(Workloads::none()), one);
    }
}
