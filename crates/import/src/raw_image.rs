//! Raw images as other engines compare them: where the host ends, where the tag begins, and what wildcards
//! stand for. What is a reference is the core's to say.

/// What a glob without a tag covers of repositories at most, with a `*` for each wildcard.
pub(crate) fn up_to_the_last_wildcard(glob: &str) -> String {
    let glob = glob.replace('?', "*");
    glob.rsplit_once('*').map_or(glob.clone(), |(start, _)| format!("{start}*"))
}

/// A glob as a regex over `host/repository`, with what a `*` stands for.
pub(crate) fn regex(glob: &str, run: &str) -> String {
    let mut regex = String::from("/");
    for character in glob.chars() {
        match character {
            '*' => regex.push_str(run),
            '?' => regex.push('.'),
            '.' | '+' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' | '|' => {
                regex.push('\\');
                regex.push(character);
            }
            other => regex.push(other),
        }
    }
    regex.push('/');
    regex
}

/// The host and what follows its slash. The first segment is a host where it has a dot or a port, or
/// is `localhost`, as runtimes read it.
pub(crate) fn split(text: &str) -> (Option<&str>, Option<&str>) {
    let (first, path) = match text.split_once('/') {
        Some((first, path)) => (first, Some(path)),
        None => (text, None),
    };
    let is_host = first.contains(['.', ':', '*']) || first == "localhost";
    (is_host.then_some(first), path)
}

/// The repository in front of a tag or a digest, where the text has one. A text without a slash that is
/// no image may be a host with a port.
pub(crate) fn without_tag(text: &str, is_image: bool) -> Option<&str> {
    if let Some((repository, _)) = text.split_once('@') {
        return Some(without_tag(repository, is_image).unwrap_or(repository));
    }
    let segment = text.rfind('/').map_or(0, |slash| slash + 1);
    let (_, last) = text.split_at_checked(segment)?;
    let (_, tag) = last.split_once(':')?;
    // A colon in the only segment is that of a port, as far as digits follow.
    let is_number = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_digit());
    if segment == 0 && is_number && !is_image {
        return None;
    }
    text.strip_suffix(tag)?.strip_suffix(':')
}
