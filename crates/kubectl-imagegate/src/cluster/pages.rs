//! Lists, 500 objects at a time, and what to do where only a part of a cluster may be read.

use std::fmt::Write as _;

use futures_util::future::join_all;
use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Cluster, Fault, Kind};

/// Objects of a page, as kubectl asks for them.
const PAGE: usize = 500;
/// Times that a list is begun anew, since it took longer than the API server keeps its version.
const MOST_BEGINNINGS: usize = 3;

/// A kind of objects, and where the API server has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// `Deployment`
    pub(crate) kind: &'static str,
    /// `deployments`
    pub(crate) plural: &'static str,
    /// The versions to ask for, the newest first: `apps/v1`.
    pub(crate) versions: &'static [&'static str],
}

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In every namespace.
    Everywhere,
    /// In one.
    Namespace(String),
}

/// What was found, and what was not looked at.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// In words, one for each gap.
    pub(crate) gaps: Vec<String>,
}

/// An item of a list: a version such as `apps/v1`, and the object's JSON, which names neither version
/// nor kind.
pub(crate) struct Item<'a> {
    pub(crate) version: &'static str,
    pub(crate) json: &'a str,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(borrow, default)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue", default)]
    next: Option<String>,
}

impl Cluster {
    /// Every object of a kind, as `map` sees it. Where the whole cluster may not be read at once, each of
    /// `namespaces` is asked for by itself, and those that may not be read either are a gap.
    pub(crate) async fn list<T>(
        &self,
        resource: Resource,
        scope: &Scope,
        namespaces: &[String],
        map: impl Fn(Item<'_>) -> T,
    ) -> Result<Listed<T>, Fault> {
        let mut gaps = Vec::new();
        let refused = match self.list_in(resource, scope, &map).await {
            Err(fault) if fault.kind == Kind::Forbidden => fault,
            // A kind that this API server does not have: there is nothing of it.
            Err(fault) if fault.kind == Kind::NotFound => {
                return Ok(Listed { items: Vec::new(), gaps });
            }
            listed => return Ok(Listed { items: listed?, gaps }),
        };
        let plural = resource.plural;
        let namespaces = match scope {
            Scope::Everywhere => namespaces,
            Scope::Namespace(namespace) => {
                gaps.push(format!("not allowed to list {plural} in {namespace}"));
                &[]
            }
        };
        if *scope == Scope::Everywhere && namespaces.is_empty() {
            gaps.push(format!("not allowed to list {plural}: {}", refused.message()));
        }
        let scopes = namespaces.iter().map(|name| Scope::Namespace(name.clone()));
        let each = scopes.map(async |scope| self.list_in(resource, &scope, &map).await);
        let mut items = Vec::new();
        let mut skipped = Vec::new();
        for (namespace, listed) in namespaces.iter().zip(join_all(each).await) {
            match listed {
                Ok(listed) => items.extend(listed),
                Err(fault) if fault.kind == Kind::Forbidden => skipped.push(namespace.as_str()),
                Err(fault) if fault.kind == Kind::NotFound => {}
                Err(fault) => return Err(fault),
            }
        }
        gaps.extend(gap(plural, &skipped));
        Ok(Listed { items, gaps })
    }

    /// One list, in the newest version of its kind that the API server has.
    async fn list_in<T>(
        &self,
        resource: Resource,
        scope: &Scope,
        map: &impl Fn(Item<'_>) -> T,
    ) -> Result<Vec<T>, Fault> {
        let mut missing = Fault::not_found(resource.plural);
        for version in resource.versions {
            match self.list_of(version, resource.plural, scope, map).await {
                Err(fault) if fault.kind == Kind::NotFound => missing = fault,
                listed => return listed,
            }
        }
        Err(missing)
    }

    async fn list_of<T>(
        &self,
        version: &'static str,
        plural: &str,
        scope: &Scope,
        map: &impl Fn(Item<'_>) -> T,
    ) -> Result<Vec<T>, Fault> {
        let path = path(version, plural, scope);
        let mut beginnings = 0;
        'anew: loop {
            let mut items = Vec::new();
            let mut next = String::new();
            loop {
                let query = match next.as_str() {
                    "" => format!("{path}?limit={PAGE}"),
                    next => format!("{path}?limit={PAGE}&continue={}", escaped(next)),
                };
                let bytes = match self.send(Method::GET, &query, None).await {
                    Err(fault) if fault.kind == Kind::Expired && beginnings < MOST_BEGINNINGS => {
                        beginnings += 1;
                        continue 'anew;
                    }
                    bytes => bytes?,
                };
                let unreadable = |error| {
                    Fault::unreadable(&format!("the list of {plural} cannot be read: {error}"))
                };
                let page: Page<'_> = serde_json::from_slice(&bytes).map_err(unreadable)?;
                let raw = page.items.unwrap_or_default();
                items.extend(raw.into_iter().map(|raw| map(Item { version, json: raw.get() })));
                next = page.metadata.next.unwrap_or_default();
                if next.is_empty() {
                    return Ok(items);
                }
            }
        }
    }
}

/// The path of a list, or of the collection that an object is in.
pub(crate) fn path(version: &str, plural: &str, scope: &Scope) -> String {
    let root = if version.contains('/') { "/apis" } else { "/api" };
    match scope {
        Scope::Everywhere => format!("{root}/{version}/{plural}"),
        Scope::Namespace(name) => {
            format!("{root}/{version}/namespaces/{}/{plural}", escaped(name))
        }
    }
}

/// A text inside a path or a query.
pub(crate) fn escaped(text: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// `not allowed to list pods in a, b: skipped 2 namespaces`
fn gap(plural: &str, skipped: &[&str]) -> Option<String> {
    const SHOWN: usize = 5;
    let count = skipped.len();
    let (first, _) = skipped.split_at_checked(SHOWN).unwrap_or((skipped, &[]));
    let more = count.saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let namespaces = if count == 1 { "namespace" } else { "namespaces" };
    (count > 0).then(|| {
        format!(
            "not allowed to list {plural} in {}{more}: skipped {count} {namespaces}",
            first.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Scope, escaped, gap, path};

    #[test]
    fn a_path_leads_to_the_list() {
        let here = Scope::Namespace("a b".to_owned());
        assert_eq!(path("v1", "pods", &Scope::Everywhere), "/api/v1/pods");
        assert_eq!(
            path("apps/v1", "deployments", &here),
            "/apis/apps/v1/namespaces/a%20b/deployments"
        );
        assert_eq!(escaped("a/b?c=d&e%f"), "a%2Fb%3Fc%3Dd%26e%25f");
    }

    #[test]
    fn a_gap_is_named_and_counted() {
        assert_eq!(gap("pods", &[]), None);
        assert_eq!(
            gap("pods", &["kube-system"]).unwrap(),
            "not allowed to list pods in kube-system: skipped 1 namespace"
        );
        assert_eq!(
            gap("jobs", &["a", "b", "c", "d", "e", "f", "g"]).unwrap(),
            "not allowed to list jobs in a, b, c, d, e and 2 more: skipped 7 namespaces"
        );
    }
}
