//! The texts that a pattern covers: a pattern is about a reference that was parsed and folded, while CEL
//! sees what the user wrote.
//!
//! Each pattern becomes regexes over an image that names its registry. Some texts it covers *surely* and
//! some *perhaps*: where the two are not the same, a floor refuses by the one and admits by the other. They
//! differ for little: globs that reach into the aliases of Docker Hub, ranges of versions, regexes on
//! another spelling of a host.

use std::collections::BTreeMap;

use super::cel::{self, Test};
use super::regex::{self, Unsayable, alternatives, escaped};
use crate::policy::judge::list::Written;
use crate::policy::pattern::glob;
use crate::policy::pattern::registry_pattern::{Pin, RegistryPattern};
use crate::policy::pattern::syntax::{Pattern as _, TagPattern};

/// Whether an image names its registry, as `split_host` of the reference decides it.
pub(super) const NAMES_REGISTRY: &str = "^(?:localhost|[^/]*[.:A-Z][^/]*)/";
/// What has neither a tag nor a digest.
pub(super) const UNTAGGED: &str = "(?:^|/)[^/:@]+$";
/// What is pulled as `latest`, said or not.
pub(super) const LATEST: &str = "(?:^|/)[^/:@]+$|^[^@]*:latest(?:@|$)";
/// What has a tag.
pub(super) const TAGGED: &str = "^[^@]*:[^/:@]+(?:@|$)";
/// The id of an image on the node, whole or shortened.
pub(super) const IMAGE_ID: &str = "^(?:[a-f0-9]{64}|sha(?:256|384|512)(?:[:@][^/]*)?)$";
/// Every reference, and of what is none only what is too long.
pub(super) const REFERENCE: &str = concat!(
    "^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?",
    "(?:[.][A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\\[[A-Fa-f0-9:]+\\])(?::[0-9]+)?/)?",
    "[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*)*",
    "(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?",
    "(?:@(?:sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}))?$",
);

/// Docker Hub, as it can be written.
const DOCKER_HUB: &str = "(?i:docker[.]io|index[.]docker[.]io|registry-1[.]docker[.]io)(?::0*443)?";
/// Its hosts.
const HUB_HOSTS: [&str; 3] = ["docker.io", "index.docker.io", "registry-1.docker.io"];
/// The port that a client of HTTPS adds by itself, or none.
const HTTPS: &str = "(?::0*443)?";
/// An IPv6 address.
const ANY_IPV6: &str = "\\[[^/]*\\]";
/// A repository of one segment: Docker Hub's are below `library`.
const ONE_SEGMENT: &str = "[^/:@]+(?:[:@]|$)";
/// What a reference can be besides its own folded form: another port, case or alias, or a short path.
const UNUSUAL: &str =
    "^(?:[^/]*[A-Z:\\[][^/]*/|(?:index|registry-1)[.]docker[.]io/|docker[.]io/[^/]*$)";
/// The end of a path below which everything is meant.
const BELOW: &str = "(?:[/:@]|$)";
/// The tags that are versions, and some more.
const VERSIONS: &str = "[vV]?[0-9]+(?:[.][0-9]+){0,2}(?:[-_][A-Za-z0-9_.-]*)?";
/// Characters of the regex of a list.
const LONGEST: usize = 1_800;

/// Patterns over registries and images, as regexes over an image that names its registry.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    /// By host, what follows the slash.
    surely: BTreeMap<String, Vec<String>>,
    perhaps: BTreeMap<String, Vec<String>>,
    /// Regexes of the policy: sure where an image is spelled as it is folded.
    as_folded: Vec<String>,
    /// Every image is covered perhaps; surely too if nothing else is said.
    everything: Option<Everything>,
    /// Whether some image is covered perhaps, and not surely.
    inexact: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Everything {
    Surely,
    Perhaps,
}

/// How much of a list a test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// All of it.
    Whole,
    /// Some patterns are said roughly.
    Roughly,
    /// The list is too long: only its hosts are looked at.
    ByHost,
    /// Nothing: it is too long, or says what CEL cannot.
    Nothing,
}

impl Places {
    /// The patterns of a list, at the positions that `is_meant` names.
    pub(super) fn of(written: &Written, is_meant: impl Fn(usize) -> bool) -> Self {
        let mut places = Self::default();
        let patterns = written.iter().enumerate().filter(|(position, _)| is_meant(*position));
        for (_, pattern) in patterns {
            match RegistryPattern::parse(pattern) {
                Ok(pattern) => places.add(&pattern),
                // The list was compiled from this text.
                Err(_) => places.add_unsayable(),
            }
        }
        places
    }

    /// Whether `subject` is covered surely, and whether all of that is said; `None` where nothing is.
    pub(super) fn surely(&self, subject: &str) -> (Option<Test>, Said) {
        let mut said = if self.inexact { Said::Roughly } else { Said::Whole };
        if self.everything == Some(Everything::Surely) {
            return (Some(Test::cheap("true")), said);
        }
        let mut known = Vec::new();
        let mut length = 0;
        for (host, rests) in &self.surely {
            let place = format!("{host}/{}", alternatives(rests));
            // To be sure of fewer images is to admit more of what is refused.
            if length + place.len() > LONGEST {
                said = Said::Roughly;
                continue;
            }
            length += place.len() + 1;
            known.push(place);
        }
        let mut tests = Vec::new();
        if !known.is_empty() {
            tests.push(Test::matches(subject, &format!("^{}", alternatives(&known))));
        }
        let as_folded = alternatives(&self.as_folded);
        if length + as_folded.len() > LONGEST {
            said = Said::Roughly;
        } else if !self.as_folded.is_empty() {
            let matched = Test::matches(subject, &format!("^{as_folded}(?:[:@]|$)"));
            let usual = Test::matches(subject, UNUSUAL).not();
            tests.extend(Test::all([matched, usual]));
        }
        let test = Test::any(tests);
        let is_lost = test.is_none() && said != Said::Whole;
        (test, if is_lost { Said::Nothing } else { said })
    }

    /// Whether `subject` is covered perhaps; `None` where that cannot be ruled out for any image.
    pub(super) fn perhaps(&self, subject: &str) -> (Option<Test>, Said) {
        match self.everything {
            Some(Everything::Surely) => return (None, Said::Whole),
            Some(Everything::Perhaps) => return (None, Said::Nothing),
            None => {}
        }
        let said = if self.inexact { Said::Roughly } else { Said::Whole };
        let places =
            self.perhaps.iter().map(|(host, rests)| format!("{host}/{}", alternatives(rests)));
        let mut places: Vec<_> = places.collect();
        if !self.as_folded.is_empty() {
            places.push(format!("{}(?:[:@]|$)", alternatives(&self.as_folded)));
            places.push(UNUSUAL.trim_start_matches('^').to_owned());
        }
        if places.is_empty() {
            return (Some(Test::cheap("false")), said);
        }
        let whole = format!("^{}", alternatives(&places));
        if whole.len() <= LONGEST {
            return (Some(Test::matches(subject, &whole)), said);
        }
        let hosts: Vec<_> = self.perhaps.keys().map(|host| format!("{host}/")).collect();
        let by_host = format!("^{}", alternatives(&hosts));
        if self.as_folded.is_empty() && by_host.len() <= LONGEST {
            return (Some(Test::matches(subject, &by_host)), Said::ByHost);
        }
        (None, Said::Nothing)
    }

    fn add(&mut self, pattern: &RegistryPattern) {
        match pattern {
            RegistryPattern::Everything => self.everything = Some(Everything::Surely),
            RegistryPattern::Place { host, path } => self.place(host, path.as_deref(), None),
            RegistryPattern::Images { host, path, pin } => self.place(host, Some(path), Some(pin)),
            RegistryPattern::Regex(hir) => match regex::print(hir, is_letter_of_place) {
                Ok(text) => {
                    self.as_folded.extend(text);
                    self.inexact = true;
                }
                Err(Unsayable) => self.add_unsayable(),
            },
        }
    }

    fn add_unsayable(&mut self) {
        self.inexact = true;
        self.everything.get_or_insert(Everything::Perhaps);
    }

    fn place(&mut self, host: &str, path: Option<&str>, pin: Option<&Pin>) {
        let tail = pin.map_or_else(|| Covered::exactly(BELOW), covered_by_pin);
        if host == "docker.io" {
            self.on_docker_hub(path, pin, &tail);
            return;
        }
        let hosts = if host.contains('*') {
            if HUB_HOSTS.iter().any(|hub| glob::matches(host, hub)) {
                // What is said of Docker Hub's own paths is not said of its aliases' names.
                self.inexact = true;
            }
            if glob::matches(host, "docker.io") {
                self.perhaps_on_docker_hub(path, pin, &tail);
            }
            host_glob(host)
        } else {
            exact_host(host)
        };
        let rest = match path {
            None => Covered::exactly(""),
            Some(path) => tail.behind(&path_glob(path)),
        };
        self.insert(hosts, rest);
    }

    fn on_docker_hub(&mut self, path: Option<&str>, pin: Option<&Pin>, tail: &Covered) {
        let hub = || Covered::exactly(DOCKER_HUB);
        let Some(path) = path else { return self.insert(hub(), Covered::exactly("")) };
        let (text, across) = (path_glob(path), path.contains("**"));
        // Written in several segments, the path is the repository.
        let several = match (path.contains('/'), across) {
            (true, _) => tail.behind(&text),
            (false, false) if pin.is_none() => Covered::exactly(format!("{text}/")),
            (false, false) => return,
            (false, true) => Covered { surely: None, ..tail.behind(&text) },
        };
        self.insert(hub(), several);
        // Written in one segment, it is below `library`.
        if across {
            self.insert(hub(), Covered { surely: None, perhaps: Some(ONE_SEGMENT.to_owned()) });
            return;
        }
        let mut segments = path.split('/');
        if !segments.next().is_some_and(|first| glob::matches(first, "library")) {
            return;
        }
        match (segments.next(), segments.next(), pin) {
            (None, _, None) => self.insert(hub(), Covered::exactly(ONE_SEGMENT)),
            (Some(name), None, None) => {
                self.insert(hub(), Covered::exactly(format!("{}(?:[:@]|$)", path_glob(name))));
            }
            (Some(name), None, Some(_)) => self.insert(hub(), tail.behind(&path_glob(name))),
            _ => {}
        }
    }

    /// The same for a glob that matches Docker Hub among other hosts.
    fn perhaps_on_docker_hub(&mut self, path: Option<&str>, pin: Option<&Pin>, tail: &Covered) {
        let mut hub = Self::default();
        hub.on_docker_hub(path, pin, tail);
        for (host, rests) in hub.perhaps {
            self.perhaps.entry(host).or_default().extend(rests);
        }
    }

    fn insert(&mut self, host: Covered, rest: Covered) {
        self.inexact |= host.surely != host.perhaps || rest.surely != rest.perhaps;
        if let (Some(host), Some(rest)) = (host.surely, rest.surely) {
            self.surely.entry(host).or_default().push(rest);
        }
        if let (Some(host), Some(rest)) = (host.perhaps, rest.perhaps) {
            self.perhaps.entry(host).or_default().push(rest);
        }
    }
}

/// Regexes of what is covered; `None` of nothing.
#[derive(Clone, Debug)]
struct Covered {
    surely: Option<String>,
    perhaps: Option<String>,
}

impl Covered {
    fn exactly(text: impl Into<String>) -> Self {
        let text = Some(text.into());
        Self { surely: text.clone(), perhaps: text }
    }

    fn behind(&self, front: &str) -> Self {
        let joined = |text: &String| format!("{front}{text}");
        Self {
            surely: self.surely.as_ref().map(joined),
            perhaps: self.perhaps.as_ref().map(joined),
        }
    }
}

/// Patterns over tags, as regexes over an image.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags {
    surely: Vec<String>,
    perhaps: Vec<String>,
    everything: bool,
    inexact: bool,
}

impl Tags {
    pub(super) fn of(written: &Written) -> Self {
        let mut tags = Self::default();
        for pattern in written.iter() {
            match TagPattern::parse(pattern) {
                Ok(TagPattern::Text(text)) => {
                    let text = tag_glob(&text);
                    tags.surely.push(text.clone());
                    tags.perhaps.push(text);
                }
                Ok(TagPattern::Regex(hir)) => match regex::print(&hir, is_letter_of_tag) {
                    Ok(text) => {
                        tags.surely.extend(text.clone());
                        tags.perhaps.extend(text);
                    }
                    Err(Unsayable) => tags.add_unsayable(),
                },
                Ok(TagPattern::Versions(_)) => {
                    tags.inexact = true;
                    tags.perhaps.push(VERSIONS.to_owned());
                }
                Err(_) => tags.add_unsayable(),
            }
        }
        tags
    }

    fn add_unsayable(&mut self) {
        self.inexact = true;
        self.everything = true;
    }

    /// Whether the tag that `subject` has surely matches; `None` where that is said of none.
    pub(super) fn surely(&self, subject: &str) -> (Option<Test>, Said) {
        let mut said = if self.inexact { Said::Roughly } else { Said::Whole };
        let mut length = 0;
        let mut known = Vec::new();
        for tag in &self.surely {
            if length + tag.len() > LONGEST {
                said = Said::Roughly;
                continue;
            }
            length += tag.len() + 1;
            known.push(tag.clone());
        }
        if known.is_empty() {
            return (None, if said == Said::Whole { said } else { Said::Nothing });
        }
        (Some(has_tag(subject, &known)), said)
    }

    /// Whether it perhaps matches; `None` where that cannot be ruled out for any tag.
    pub(super) fn perhaps(&self, subject: &str) -> (Option<Test>, Said) {
        if self.everything || self.perhaps.iter().map(String::len).sum::<usize>() > LONGEST {
            return (None, Said::Nothing);
        }
        let said = if self.inexact { Said::Roughly } else { Said::Whole };
        (Some(has_tag(subject, &self.perhaps)), said)
    }
}

fn has_tag(subject: &str, tags: &[String]) -> Test {
    Test::matches(subject, &format!("^[^@]*:{}(?:@|$)", alternatives(tags)))
}

/// A regex over names, as of namespaces and users.
pub(super) fn name_glob(pattern: &str) -> String {
    globbed(pattern, "[^/]*", "(?:/|[^/])*")
}

/// The regex as a literal, with both ends.
pub(super) fn names(globs: &[String]) -> String {
    cel::quoted(&format!("^{}$", alternatives(globs)))
}

fn exact_host(host: &str) -> Covered {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    };
    let port = match port {
        // A host of one word keeps the port of HTTPS, and may have left it out where it has an upper-case
        // letter, without which it would be no host.
        None | Some("443") => HTTPS.to_owned(),
        Some(port) => format!(":0*{}", escaped(port)),
    };
    let surely = format!("(?i:{}){port}", escaped(name));
    if name.starts_with('[') {
        // One address has many spellings.
        return Covered { surely: Some(surely), perhaps: Some(format!("{ANY_IPV6}{port}")) };
    }
    Covered::exactly(surely)
}

fn host_glob(glob: &str) -> Covered {
    // Zeros in front of a port are dropped, and so are they in the glob's text.
    let wide = globbed(glob, "[^/]*", "[^/]*").replace(':', ":0*");
    let mut perhaps = vec![format!("(?i:{wide}){HTTPS}")];
    if glob.contains(':') {
        // A word in upper case has the port of HTTPS without having one.
        perhaps.push("[^/.:]+".to_owned());
    }
    if !glob.contains('.') {
        perhaps.push(format!("{ANY_IPV6}(?::[0-9]+)?"));
    }
    let narrow = globbed(glob, "[A-Za-z0-9.-]*", "[A-Za-z0-9.-]*");
    let is_sure = glob.contains('.')
        && !glob.contains([':', '['])
        && !HUB_HOSTS.iter().any(|hub| glob::matches(glob, hub));
    let surely = is_sure.then(|| format!("(?i:{narrow}){HTTPS}"));
    Covered { surely, perhaps: Some(alternatives(&perhaps)) }
}

fn path_glob(path: &str) -> String {
    globbed(path, "[^/:@]*", "[^:@]*")
}

fn tag_glob(tag: &str) -> String {
    globbed(tag, "[A-Za-z0-9_.-]*", "[A-Za-z0-9_.-]*")
}

/// A glob as a regex, with what `*` and `**` stand for.
fn globbed(glob: &str, within: &str, across: &str) -> String {
    let mut text = String::new();
    let mut rest = glob;
    while let Some(at) = rest.find('*') {
        let (literal, stars) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(&escaped(literal));
        rest = stars.trim_start_matches('*');
        text.push_str(if stars.len() - rest.len() > 1 { across } else { within });
    }
    text.push_str(&escaped(rest));
    text
}

/// What a tag or a digest behind a path stands for.
fn covered_by_pin(pin: &Pin) -> Covered {
    match pin {
        Pin::Tag(TagPattern::Text(tag)) => {
            let tagged = format!(":{}(?:@|$)", tag_glob(tag));
            let is_latest = glob::matches(tag, "latest");
            Covered::exactly(if is_latest { format!("(?:{tagged}|$)") } else { tagged })
        }
        Pin::Tag(TagPattern::Versions(_)) => {
            Covered { surely: None, perhaps: Some(format!(":{VERSIONS}(?:@|$)")) }
        }
        // A slash would end the segment, so that there is none.
        Pin::Tag(TagPattern::Regex(_)) => Covered { surely: None, perhaps: Some(String::new()) },
        Pin::Digest(digest) => Covered::exactly(format!("(?::[^/:@]*)?@{}$", escaped(digest))),
        Pin::Both { tag, digest } => {
            Covered::exactly(format!(":{}@{}$", tag_glob(tag), escaped(digest)))
        }
    }
}

/// The letters of `host/repository` as a reference is folded, without those of ports and of IPv6.
fn is_letter_of_place(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._/-".contains(&byte)
}

fn is_letter_of_tag(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-".contains(&byte)
}
