//! Texts over raw images, as registry patterns.
//!
//! Other engines compare an image letter by letter, as a prefix, a glob or a whole. A registry
//! pattern is matched against the parsed reference and ends at a segment boundary. Where the two
//! differ, an allowed pattern covers less and a blocked one more, and a note says so.

use imagegate_core::policy::{Documents, Problems, compile};

use crate::raw_image::{regex, split, up_to_the_last_wildcard, without_tag};

/// How a source compares the text with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Covered {
    /// An image begins with it.
    Prefix,
    /// `*` is any run of characters, `/` and `:` included.
    Glob,
    /// An image is it, or what is in front of a `*` at its end.
    WholeOrPrefix,
    /// The text is a registry host, as a whole.
    Host,
    /// A registry host, in which `*` is any run of characters.
    HostGlob,
}

/// What the pattern is for, which says what is the safe side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// An allowed image, or an exempt one.
    Allow,
    /// A refused one.
    Block,
}

/// The patterns for a text.
#[derive(Debug, Default)]
pub(crate) struct Translated {
    pub(crate) patterns: Vec<String>,
    /// Whether it was written for images that name no registry.
    pub(crate) short: bool,
    /// What is not the same, and what was written in its place.
    pub(crate) note: Option<(String, String)>,
}

/// Translates a text.
pub(crate) fn translate(text: &str, covered: Covered, of: Use, exactly: bool) -> Translated {
    let translated = match covered {
        Covered::Host | Covered::HostGlob
            if text.contains('/') || covered == Covered::Host && text.contains('*') =>
        {
            unsayable(format!("`{text}` is no registry"), text, of)
        }
        Covered::HostGlob if text == "*" => everything(),
        Covered::Host | Covered::HostGlob => same(text.to_owned()),
        Covered::Prefix => prefix(text, of, exactly),
        Covered::Glob | Covered::WholeOrPrefix => {
            let body = text.strip_suffix('*').unwrap_or(text);
            if text == "*" {
                everything()
            } else if text == "*/*" {
                with_a_slash(of)
            } else if let Some(repository) = text.strip_suffix(":*") {
                any_tag(text, repository, of, exactly)
            } else if body.contains(['*', '?']) {
                glob(text, of, exactly)
            } else if body == text {
                whole(text, of, exactly)
            } else {
                // Who writes the wildcard means it.
                prefix(body, of, true)
            }
        }
    };
    checked(text, of, with_hub(text, of, translated))
}

/// Every image, with its registry or without.
fn everything() -> Translated {
    Translated { short: true, ..same("*".to_owned()) }
}

/// Every image that has a slash, which only some without a registry have.
fn with_a_slash(of: Use) -> Translated {
    let what = match of {
        Use::Allow => {
            "`*/*` there also covers Docker Hub's `acme/web` without its registry, and no `nginx`"
        }
        Use::Block => "`*/*` there does not cover `nginx`, which has no slash",
    };
    let nearest = match of {
        Use::Allow => "here every image names its registry",
        Use::Block => "here every image is refused",
    };
    Translated { note: Some((what.to_owned(), nearest.to_owned())), ..same("*".to_owned()) }
}

/// Adds what a refused text with a `*` in its first segment covers of Docker Hub's images whose registry
/// is left out, for whether that segment is a host is not known, or whose `library/` is.
fn with_hub(text: &str, of: Use, mut translated: Translated) -> Translated {
    // With no more than a `*` at its end it is a prefix or a whole, whose readers look at that themselves.
    if of == Use::Allow || !text.strip_suffix('*').unwrap_or(text).contains(['*', '?']) {
        return translated;
    }
    let (repository, is_whole) = match without_tag(text, true) {
        Some(repository) => (repository.replace('?', "*"), false),
        None => (up_to_the_last_wildcard(text), true),
    };
    let first = repository.split('/').next().unwrap_or_default();
    let may_be_short =
        first.contains('*') && !first.starts_with('*') && !first.contains(['.', ':']);
    let of_hub = repository.strip_prefix("docker.io/").or(may_be_short.then_some(&*repository));
    if let Some(repository) = of_hub {
        let images = regex(repository, ".*");
        let hub = r"/docker\.io/(?:library/)?";
        translated.patterns.push(format!("{hub}{}", images.trim_start_matches('/')));
        if !is_whole && translated.note.is_none() {
            let what = format!("`{text}` may be of Docker Hub, and is about tags");
            let nearest = "there the whole repository is refused";
            translated.note = Some((what, nearest.to_owned()));
        }
    }
    translated
}

fn same(pattern: String) -> Translated {
    Translated { patterns: vec![pattern], ..Translated::default() }
}

/// What begins with the text.
fn prefix(text: &str, of: Use, exactly: bool) -> Translated {
    let keep = exactly || of == Use::Block;
    if text.is_empty() {
        return everything();
    }
    if let Some(repository) = without_tag(text, false) {
        // What begins with a digest that is written whole is that image.
        let end = if text.contains('@') { "" } else { "*" };
        return images(text, repository, end, of, exactly);
    }
    let (host, path) = split(text);
    let Some(host) = host else {
        let mut short = short(text, path, keep);
        if of == Use::Block && path.is_none() {
            // What begins so may be a host as well.
            short.patterns.push(format!("{text}*"));
        }
        return short;
    };
    let Some(path) = path else {
        // `gcr.io`, without a slash behind it.
        if keep {
            let mut translated = same(format!("{host}*"));
            if host.contains(':') && !host.contains('.') {
                // A glob would be read as an image with its tag, which a refused text may mean as well.
                translated = same(regex(&format!("{host}*"), ".*"));
                if of == Use::Block {
                    translated.patterns.push(format!("docker.io/library/{host}*"));
                }
            }
            return translated;
        }
        let what = format!("`{text}` there also covers hosts such as `{host}.example.org`");
        let note = Some((what, format!("`{host}` is that host alone")));
        return Translated { patterns: vec![host.to_owned()], short: false, note };
    };
    if path.is_empty() {
        return same(host.to_owned());
    }
    if path.ends_with('/') {
        return same(format!("{host}/{path}*"));
    }
    let mut patterns = vec![format!("{host}/{path}")];
    if host == "docker.io" && !path.contains('/') {
        patterns.push(format!("{host}/library/{path}"));
    }
    if keep {
        for pattern in &mut patterns {
            pattern.push('*');
        }
        return Translated { patterns, ..Translated::default() };
    }
    let what = format!("`{text}` there also covers `{text}evil`");
    let nearest = format!("`{host}/{path}` ends at the segment; `--exactly` keeps the prefix");
    Translated { patterns, short: false, note: Some((what, nearest)) }
}

/// A prefix of images that name no registry.
fn short(text: &str, path: Option<&str>, keep: bool) -> Translated {
    let star = if keep && !text.ends_with('/') { "*" } else { "" };
    let patterns = match path {
        None => vec![format!("docker.io/library/{text}{star}"), format!("docker.io/{text}{star}")],
        Some(_) if text.ends_with('/') => vec![format!("docker.io/{text}*")],
        Some(_) => vec![format!("docker.io/{text}{star}")],
    };
    let what = format!("`{text}` names no registry, and there covers what begins so");
    let nearest = "it is read as Docker Hub's, which also covers the same image with its registry \
                   written out";
    Translated { patterns, short: true, note: Some((what, nearest.to_owned())) }
}

/// One image, with its tag or without.
fn whole(text: &str, of: Use, exactly: bool) -> Translated {
    if let Some(repository) = without_tag(text, true) {
        images(text, repository, "", of, exactly)
    } else {
        let what = format!("`{text}` there is the image without a tag, and no other");
        unsayable(what, text, of)
    }
}

/// Images of a repository by tag or digest; `end` is a `*` where what begins with the text is meant.
fn images(text: &str, repository: &str, end: &str, of: Use, exactly: bool) -> Translated {
    let keep = exactly || of == Use::Block;
    let pin = format!("{}{end}", text.strip_prefix(repository).unwrap_or_default());
    if matches!(repository, "*" | "*/*") {
        return Translated { short: repository == "*", ..same(format!("*/**{pin}")) };
    }
    let unsaid = || {
        let what = format!("`{text}` is about tags or digests in a way that no pattern is");
        unsayable(what, repository, of)
    };
    let (host, path) = split(repository);
    // There the wildcard of a host reaches into the path.
    if text.contains('?') || keep && host.is_some_and(|host| host.contains('*')) {
        return unsaid();
    }
    let (place, is_short) = match (host, path) {
        (None, None) => (format!("docker.io/library/{repository}"), true),
        (None, Some(_)) => (format!("docker.io/{repository}"), true),
        (Some(_), None) => return unsaid(),
        (Some("docker.io"), Some(path)) if !path.contains(['/', '*']) => {
            (format!("docker.io/library/{path}"), false)
        }
        (Some(_), Some(_)) => (repository.to_owned(), false),
    };
    let wild = |place: &str| place.replace("**", "*").replace('*', "**");
    let (place, is_narrower) = match place.split_once('/') {
        Some((host, path)) if keep || path == "*" => (format!("{host}/{}", wild(path)), false),
        _ => (place.clone(), place.contains('*')),
    };
    let pattern = format!("{place}{pin}");
    if of == Use::Block && problems(&policy_of(&pattern)).is_some() {
        return unsaid();
    }
    let note = if is_short {
        let what = format!("`{text}` names no registry");
        let nearest = "it is read as Docker Hub's, which also covers the same image with its \
                       registry written out";
        Some((what, nearest.to_owned()))
    } else if is_narrower {
        let what = format!("`*` in `{text}` there also matches `/`");
        Some((what, format!("in `{pattern}` it does not; `--exactly` keeps that where it can")))
    } else {
        None
    };
    Translated { patterns: vec![pattern], short: is_short, note }
}

/// What no pattern says: nothing is admitted by it, or the whole repository is refused.
fn unsayable(what: String, repository: &str, of: Use) -> Translated {
    let (patterns, nearest) = match of {
        Use::Allow => (Vec::new(), "it was left out, so those images are refused".to_owned()),
        Use::Block => {
            let pattern = match split(repository) {
                _ if repository.contains(['*', '?']) => regex(&repository.replace('?', "*"), ".*"),
                (None, None) => format!("docker.io/library/{repository}"),
                (None, Some(_)) => format!("docker.io/{repository}"),
                (Some("docker.io"), Some(path)) if !path.contains('/') => {
                    format!("docker.io/library/{path}")
                }
                (Some(_), _) => repository.to_owned(),
            };
            (vec![pattern], "the whole repository is refused".to_owned())
        }
    };
    Translated { patterns, short: false, note: Some((what, nearest)) }
}

/// A repository with any tag, and nothing below it, which only a regex says. That an image has a tag is
/// no matter of a registry pattern.
fn any_tag(text: &str, repository: &str, of: Use, exactly: bool) -> Translated {
    if let Some(repository) = without_tag(repository, true) {
        return images(text, repository, "", of, exactly);
    }
    let (host, path) = split(repository);
    let Some(host) = host else {
        let library = if path.is_none() { "docker.io/library/" } else { "docker.io/" };
        let what = format!("`{text}` names no registry");
        let nearest = "it is read as Docker Hub's, which also covers the same image with its \
                       registry written out";
        return Translated {
            patterns: vec![regex(&format!("{library}{repository}"), ".*")],
            short: true,
            note: Some((what, nearest.to_owned())),
        };
    };
    let library = if host == "docker.io" && path.is_some_and(|path| !path.contains('/')) {
        format!("{host}/library/{}", path.unwrap_or_default())
    } else {
        repository.to_owned()
    };
    let across = exactly || of == Use::Block || !repository.contains('*');
    let (what, nearest) = if across {
        let what = format!("`{text}` there is about images with a tag");
        (what, "here it is about those of the repository without one too")
    } else {
        let what =
            format!("`*` in `{text}` there also matches `/`, and is about images with a tag");
        let nearest = "here it does not, and is about images without one too; `--exactly` keeps \
                       the `*`";
        (what, nearest)
    };
    let patterns = vec![regex(&library, if across { ".*" } else { "[^/]*" })];
    Translated { patterns, short: false, note: Some((what, nearest.to_owned())) }
}

/// A text with wildcards inside.
fn glob(text: &str, of: Use, exactly: bool) -> Translated {
    if let Some(repository) = without_tag(text, true) {
        return images(text, repository, "", of, exactly);
    }
    if of == Use::Block {
        let begins = up_to_the_last_wildcard(text);
        let what = format!("a wildcard in `{text}` may stand for the colon in front of a tag");
        let nearest = format!("all that matches `{begins}` is refused");
        let note = (begins != text).then_some((what, nearest));
        return Translated { note, ..same(regex(&begins, ".*")) };
    }
    if !text.ends_with('*') {
        let what = format!("`{text}` there is about images without a tag, and no others");
        return unsayable(what, text, of);
    }
    if exactly || text.contains('?') {
        return same(regex(text, ".*"));
    }
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let pattern =
        if path.is_empty() || path == "*" { host.to_owned() } else { format!("{host}/{path}") };
    let what = format!("`*` in `{text}` there also matches `/`");
    let nearest = format!("in `{pattern}` it does not; `--exactly` keeps that by a regex");
    Translated { patterns: vec![pattern], short: false, note: Some((what, nearest)) }
}

/// Leaves out patterns that are none, and says so.
fn checked(text: &str, of: Use, mut translated: Translated) -> Translated {
    let mut refused = None;
    translated.patterns.retain(|pattern| {
        let problems = problems(&policy_of(pattern));
        let is_pattern = problems.is_none();
        refused = refused.take().or(problems);
        is_pattern
    });
    if translated.patterns.is_empty()
        && let Some(problems) = refused
    {
        let problems = problems.to_string();
        let why = problems.lines().next().unwrap_or_default();
        let why = why.split_once(": `").map_or(why, |(_, why)| why);
        let what = format!("`{text}` becomes no pattern: `{why}");
        let nearest = match of {
            Use::Allow => "it was left out, so no image is admitted by it",
            Use::Block => "it was left out, so it refuses no image",
        };
        translated.note = Some((what, nearest.to_owned()));
    }
    translated
}

/// A policy with this pattern.
fn policy_of(pattern: &str) -> String {
    format!("allowedRegistries: [{}]", serde_json::json!(pattern))
}

/// What is wrong with a policy.
pub(crate) fn problems(policy: &str) -> Option<Problems> {
    compile(&Documents::full_form(policy)).err()
}

#[cfg(test)]
mod tests {
    use super::{Covered, Use, translate};

    #[test]
    fn rows() {
        use Covered::{Glob, Host, HostGlob, Prefix, WholeOrPrefix};
        use Use::{Allow, Block};
        type Row = (&'static str, Covered, Use, bool, &'static [&'static str], bool);
        let rows: &[Row] = &[
            ("gcr.io", Host, Allow, false, &["gcr.io"], false),
            ("gcr.io/", Prefix, Allow, false, &["gcr.io"], false),
            ("gcr.io", Prefix, Allow, false, &["gcr.io"], true),
            ("gcr.io", Prefix, Allow, true, &["gcr.io*"], false),
            ("gcr.io", Prefix, Block, false, &["gcr.io*"], false),
            ("gcr.io/acme/", Prefix, Allow, false, &["gcr.io/acme/*"], false),
            ("gcr.io/acme", Prefix, Allow, false, &["gcr.io/acme"], true),
            ("gcr.io/acme", Prefix, Allow, true, &["gcr.io/acme*"], false),
            ("gcr.io/acme", Prefix, Block, false, &["gcr.io/acme*"], false),
            ("registry.corp:5000", Prefix, Allow, false, &["registry.corp:5000"], true),
            (
                "docker.io/nginx",
                Prefix,
                Allow,
                false,
                &["docker.io/nginx", "docker.io/library/nginx"],
                true,
            ),
            ("nginx", Prefix, Allow, false, &["docker.io/library/nginx", "docker.io/nginx"], true),
            (
                "quay",
                Prefix,
                Block,
                false,
                &["docker.io/library/quay*", "docker.io/quay*", "quay*"],
                true,
            ),
            (
                "nginx:1",
                Prefix,
                Block,
                false,
                &["/nginx:1.*/", "docker.io/library/nginx:1*"],
                false,
            ),
            ("acme/", Prefix, Allow, false, &["docker.io/acme/*"], true),
            (
                "q?y/x*",
                Glob,
                Block,
                false,
                &["/q.*y/x.*/", r"/docker\.io/(?:library/)?q.*y/x.*/"],
                true,
            ),
            (
                "nginx*alpine",
                Glob,
                Block,
                false,
                &["/nginx.*/", r"/docker\.io/(?:library/)?nginx.*/"],
                true,
            ),
            ("*/*", Glob, Allow, false, &["*"], true),
            ("*/*", Glob, Block, false, &["*"], true),
            ("*", Host, Allow, false, &[], true),
            ("gcr.io/acme", HostGlob, Allow, false, &[], true),
            ("*.io", HostGlob, Allow, false, &["*.io"], false),
            ("gcr.io/acme/web:1", Prefix, Allow, false, &["gcr.io/acme/web:1*"], false),
            ("gcr.io/acme/web:1", Prefix, Block, false, &["gcr.io/acme/web:1*"], false),
            ("gcr.io/web:1.*", Glob, Allow, false, &["gcr.io/web:1.*"], false),
            ("gcr.io/*/base:1.*", Glob, Allow, false, &["gcr.io/*/base:1.*"], true),
            ("gcr.io/*/base:1.*", Glob, Allow, true, &["gcr.io/**/base:1.*"], false),
            ("gcr.io/*/base:1.*", Glob, Block, false, &["gcr.io/**/base:1.*"], false),
            ("gcr.io/*:1.*", Glob, Allow, false, &["gcr.io/**:1.*"], false),
            ("*.corp/x:1", Glob, Allow, false, &["*.corp/x:1"], true),
            ("*.corp/x:1", Glob, Block, false, &[r"/.*\.corp/x/"], true),
            ("*:1.2", Glob, Block, false, &["*/**:1.2"], false),
            ("ubuntu:20.14", Glob, Allow, false, &["docker.io/library/ubuntu:20.14"], true),
            ("acme/web", Glob, Block, false, &["docker.io/acme/web"], true),
            ("docker.io/web", Glob, Block, false, &["docker.io/library/web"], true),
            ("redis:7", WholeOrPrefix, Block, false, &["docker.io/library/redis:7"], true),
            ("acme/web:1", WholeOrPrefix, Allow, false, &["docker.io/acme/web:1"], true),
            ("docker.io/nginx:1", Glob, Allow, false, &["docker.io/library/nginx:1"], false),
            ("gcr.io/web@sha256:*", Glob, Allow, false, &[], true),
            ("gcr.io/web@sha256:*", Glob, Block, false, &["gcr.io/web"], true),
            ("gcr.io/*", Glob, Allow, false, &["gcr.io"], false),
            ("gcr.io/acme*", Glob, Allow, false, &["gcr.io/acme*"], false),
            ("*.corp/*", Glob, Allow, false, &["*.corp"], true),
            ("*.corp/*", Glob, Allow, true, &[r"/.*\.corp/.*/"], false),
            ("gcr.io/*/base:*", Glob, Allow, true, &[r"/gcr\.io/.*/base/"], true),
            ("gcr.io/*/base:*", Glob, Allow, false, &[r"/gcr\.io/[^/]*/base/"], true),
            ("gcr.io/web:*", Glob, Allow, false, &[r"/gcr\.io/web/"], true),
            ("docker.io/nginx:*", Glob, Allow, false, &[r"/docker\.io/library/nginx/"], true),
            ("nginx:*", Glob, Allow, false, &[r"/docker\.io/library/nginx/"], true),
            ("acme/web:*", Glob, Block, false, &[r"/docker\.io/acme/web/"], true),
            ("gcr.io/x/*-base/*", Glob, Allow, false, &["gcr.io/x/*-base/*"], true),
            ("*", Glob, Allow, false, &["*"], false),
            ("gcr.io/web", WholeOrPrefix, Allow, false, &[], true),
            ("gcr.io/web:1@sha256:0", WholeOrPrefix, Block, false, &["gcr.io/web"], true),
            ("GCR.io/Acme/", Prefix, Allow, false, &[], true),
        ];
        for (text, covered, of, exactly, patterns, noted) in rows {
            let found = translate(text, *covered, *of, *exactly);
            assert_eq!(found.patterns, *patterns, "{text} {covered:?} {of:?} {exactly}");
            assert_eq!(found.note.is_some(), *noted, "{text} {covered:?} {of:?} {exactly}");
        }
    }
}
