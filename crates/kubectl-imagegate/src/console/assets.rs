//! The files of the page. `console/` at the top of the repository builds them; they are committed, so that
//! whoever builds the plugin needs no Node.js, and `make console-check` proves that they are what it builds.

/// A file, and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    pub(super) media_type: &'static str,
    pub(super) bytes: &'static [u8],
}

/// The file at a path.
pub(super) fn at(path: &str) -> Option<Asset> {
    let (media_type, bytes): (_, &[u8]) = match path {
        "/" => ("text/html; charset=utf-8", include_bytes!("dist/index.html")),
        "/app.js" => ("text/javascript; charset=utf-8", include_bytes!("dist/app.js")),
        "/editor.js" => ("text/javascript; charset=utf-8", include_bytes!("dist/editor.js")),
        "/app.css" => ("text/css; charset=utf-8", include_bytes!("dist/app.css")),
        "/favicon.svg" => ("image/svg+xml", include_bytes!("dist/favicon.svg")),
        "/licences.md" => ("text/plain; charset=utf-8", include_bytes!("dist/licences.md")),
        _ => return None,
    };
    Some(Asset { media_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::at;

    /// The policy of the page forbids what is inline, and so does nothing where it was let in by mistake.
    #[test]
    fn the_page_has_nothing_inline_and_loads_nothing_from_elsewhere() {
        let page = std::str::from_utf8(at("/").unwrap().bytes).unwrap();
        for forbidden in ["<style", "style=", "onload=", "http://", "https://", "//cdn"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        let scripts = page.matches("<script").count();
        assert_eq!((scripts, page.matches("src=\"/app.js\"").count()), (1, 1));
        for path in ["/app.js", "/editor.js"] {
            let script = std::str::from_utf8(at(path).unwrap().bytes).unwrap();
            for forbidden in ["eval(", "new Function", "insertAdjacentHTML", "document.write"] {
                assert!(!script.contains(forbidden), "{path}: {forbidden}");
            }
        }
    }
}
