//! The files of the pages. `console/` at the top of the repository builds them; they are committed, so that
//! whoever builds the plugin needs no Node.js, and `make console-check` proves that they are what it builds.
//!
//! The playground is the very one that anybody can host, `docs/playground/`, and the editor is in it once for
//! both.

/// What the browser may load for the console, and who may show it: files of our own, and nobody. No text is ever
/// read as markup, not even by mistake.
/// Source: <https://www.w3.org/TR/CSP3/>.
pub(super) const CONSOLE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";
/// The playground connects to nobody. It has a worker, whose address is the one text that may become a script's:
/// the policy named `playground` makes no other.
const PLAYGROUND_POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; \
    style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types playground";
/// A worker has the policy of its own answer, not that of its page: it alone may run WebAssembly, which it fetches,
/// and no other script.
/// Source: <https://www.w3.org/TR/CSP3/#initialize-global-object-csp>.
const WORKER_POLICY: &str = "default-src 'none'; script-src 'wasm-unsafe-eval'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";

/// A file, and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    pub(super) media_type: &'static str,
    pub(super) content_policy: &'static str,
    pub(super) bytes: &'static [u8],
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const ICON: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file of the static build of the playground.
macro_rules! playground {
    ($name:literal) => {
        include_bytes!(concat!("../../../../docs/playground/", $name))
    };
}

/// The file at a path.
pub(super) fn at(path: &str) -> Option<Asset> {
    let (media_type, bytes): (_, &[u8]) = match path {
        "/" => (HTML, include_bytes!("dist/index.html")),
        "/app.js" => (SCRIPT, include_bytes!("dist/app.js")),
        "/app.css" => (STYLE, include_bytes!("dist/app.css")),
        "/favicon.svg" => (ICON, include_bytes!("dist/favicon.svg")),
        "/licences.md" => (TEXT, include_bytes!("dist/licences.md")),
        "/playground/" => (HTML, playground!("index.html")),
        "/playground/playground.js" => (SCRIPT, playground!("playground.js")),
        "/playground/editor.js" => (SCRIPT, playground!("editor.js")),
        "/playground/worker.js" => (SCRIPT, playground!("worker.js")),
        "/playground/imagegate.wasm" => ("application/wasm", playground!("imagegate.wasm")),
        "/playground/playground.css" => (STYLE, playground!("playground.css")),
        "/playground/favicon.svg" => (ICON, playground!("favicon.svg")),
        "/playground/licences.txt" => (TEXT, playground!("licences.txt")),
        "/playground/editor.licences.txt" => (TEXT, playground!("editor.licences.txt")),
        _ => return None,
    };
    let content_policy = match path {
        "/playground/" => PLAYGROUND_POLICY,
        "/playground/worker.js" => WORKER_POLICY,
        _ => CONSOLE_POLICY,
    };
    Some(Asset { media_type, content_policy, bytes })
}

#[cfg(test)]
mod tests {
    use super::at;

    fn text(path: &str) -> &'static str {
        std::str::from_utf8(at(path).unwrap().bytes).unwrap()
    }

    /// The policy of the pages forbids what is inline, and so does nothing where it was let in by mistake.
    #[test]
    fn the_pages_have_nothing_inline_and_load_nothing_from_elsewhere() {
        for (path, script) in
            [("/", "src=\"/app.js\""), ("/playground/", "src=\"./playground.js\"")]
        {
            let page = text(path);
            for forbidden in ["<style", "style=", "onload=", "http://", "https://", "//cdn"] {
                assert!(!page.contains(forbidden), "{path}: {forbidden}");
            }
            let scripts = page.matches("<script").count();
            assert_eq!((scripts, page.matches(script).count()), (1, 1), "{path}");
        }
        for path in [
            "/app.js",
            "/playground/playground.js",
            "/playground/editor.js",
            "/playground/worker.js",
        ] {
            for forbidden in ["eval(", "new Function", "insertAdjacentHTML", "document.write"] {
                assert!(!text(path).contains(forbidden), "{path}: {forbidden}");
            }
        }
    }

    /// Who hosts the page elsewhere sends no header: what it has in itself is the same, but for what only a header
    /// can say.
    #[test]
    fn the_playground_says_itself_what_it_may_do() {
        let header = at("/playground/").unwrap().content_policy;
        let own = header.replace("frame-ancestors 'none'; ", "");
        assert!(text("/playground/").contains(&format!("content=\"{own}\"")), "{own}");
    }

    #[test]
    fn webassembly_runs_in_the_worker_alone() {
        let allowed = |path| at(path).unwrap().content_policy.contains("wasm-unsafe-eval");
        assert!(allowed("/playground/worker.js"));
        for path in
            ["/", "/app.js", "/playground/", "/playground/playground.js", "/playground/editor.js"]
        {
            assert!(!allowed(path), "{path}");
        }
        let worker = at("/playground/worker.js").unwrap().content_policy;
        assert!(worker.contains("script-src 'wasm-unsafe-eval';"), "{worker}");
    }
}
