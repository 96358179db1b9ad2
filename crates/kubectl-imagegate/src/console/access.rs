//! Who may ask: the browser of whoever started the console.
//!
//! Everybody on this machine can connect to a port on loopback, and every page in the browser can send
//! requests there. What keeps them out, in this order:
//!
//! 1. `Host` is this machine's own name with our port, so that no other site's name leads here (DNS
//!    rebinding).
//! 2. Where the browser says which site a request is from, it is ours or none.
//! 3. A secret: in a cookie that the browser sends to this site alone and shows to no script. It is put there
//!    once the address brings another secret. The one that is printed can be used again. The one that the
//!    browser is opened with stands on a command line, which other users of the machine can read, and works
//!    once: whoever comes second is told.
//! 4. A request that may change something is a POST of JSON that names our site as its origin and has a third
//!    secret in a header. The page alone is told that one. A form of another site can send neither the media type
//!    nor the header, and a script of it would have to ask us first, which is no GET and no such POST.
//!
//! Source: <https://www.w3.org/TR/fetch-metadata/>,
//! <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis>.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{CONTENT_TYPE, COOKIE, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use sha2::{Digest as _, Sha256};
use tokio_rustls::rustls::crypto::aws_lc_rs;

use crate::cluster::Fault;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The header of the secret that a POST has.
const CONSOLE_TOKEN: HeaderName = HeaderName::from_static("x-console-token");
/// What may be posted to.
const POSTED: [&str; 3] = ["/api/policy/check", "/api/policy/exemption", "/api/policy/apply"];
/// Bytes of a secret.
const SECRET: usize = 32;

/// The secrets of one console, and its address.
pub(super) struct Access {
    port: u16,
    /// In the cookie.
    session: Secret,
    /// In the address that is printed.
    printed: Secret,
    /// In the address that the browser is opened with.
    opened: Secret,
    /// In a header of each POST.
    posted: Secret,
    is_opened: AtomicBool,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is answered.
    Admitted,
    /// It brought the secret of the address: the browser gets the cookie, and goes to the page.
    Entered,
    /// It is refused.
    Refused(Refusal),
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It was sent to another name than this machine's own.
    Host,
    /// It is from another site's page.
    Site,
    /// It has a method that is not for what it asks.
    Method,
    /// It is posted as something else than JSON.
    Form,
    /// It has no secret, or a wrong one.
    Secret,
    /// The address that works once has been used.
    Used,
}

struct Secret(String);

impl Access {
    /// Draws the secrets.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub(super) fn new(port: u16) -> Result<Self, Fault> {
        let is_opened = AtomicBool::new(false);
        let [session, printed, opened, posted] =
            [Secret::draw()?, Secret::draw()?, Secret::draw()?, Secret::draw()?];
        Ok(Self { port, session, printed, opened, posted, is_opened })
    }

    /// What the page puts in a header of each POST.
    pub(super) fn token(&self) -> &str {
        &self.posted.0
    }

    /// For whoever started the console; it can be used again.
    pub(super) fn printed_address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.printed.0)
    }

    /// For a command line: it works once.
    pub(super) fn opened_address(&self) -> String {
        format!("http://127.0.0.1:{}/?once={}", self.port, self.opened.0)
    }

    /// `Set-Cookie` for a browser that has entered. It is gone when the browser ends.
    pub(super) fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name(), self.session.0)
    }

    /// What becomes of a request.
    pub(super) fn admit(&self, request: &Parts) -> Admission {
        match self.checked(request) {
            Ok(admission) => admission,
            Err(refusal) => Admission::Refused(refusal),
        }
    }

    fn checked(&self, request: &Parts) -> Result<Admission, Refusal> {
        let headers = &request.headers;
        if !self.is_own_name(headers) {
            return Err(Refusal::Host);
        }
        if !self.is_own_site(headers) {
            return Err(Refusal::Site);
        }
        if request.method == Method::POST && POSTED.contains(&request.uri.path()) {
            return self.checked_post(headers);
        }
        if request.method != Method::GET || POSTED.contains(&request.uri.path()) {
            return Err(Refusal::Method);
        }
        if request.uri.path() == "/" {
            let query = request.uri.query().unwrap_or_default();
            for (name, value) in form_urlencoded::parse(query.as_bytes()) {
                match &*name {
                    "token" if self.printed.is(&value) => return Ok(Admission::Entered),
                    "token" => return Err(Refusal::Secret),
                    "once" if !self.opened.is(&value) => return Err(Refusal::Secret),
                    "once" if self.is_opened.swap(true, Ordering::Relaxed) => {
                        // A page that is loaded again by whoever has entered.
                        let is_known = self.has_cookie(headers);
                        return if is_known { Ok(Admission::Entered) } else { Err(Refusal::Used) };
                    }
                    "once" => return Ok(Admission::Entered),
                    _ => {}
                }
            }
        }
        if self.has_cookie(headers) { Ok(Admission::Admitted) } else { Err(Refusal::Secret) }
    }

    /// Every browser says where a POST is from.
    fn checked_post(&self, headers: &HeaderMap) -> Result<Admission, Refusal> {
        if !self.has_cookie(headers) {
            return Err(Refusal::Secret);
        }
        if !headers.contains_key(ORIGIN) {
            return Err(Refusal::Site);
        }
        if headers.get(CONTENT_TYPE).is_none_or(|media_type| media_type != "application/json") {
            return Err(Refusal::Form);
        }
        let token = headers.get(CONSOLE_TOKEN).and_then(|token| token.to_str().ok());
        match token {
            Some(token) if self.posted.is(token) => Ok(Admission::Admitted),
            _ => Err(Refusal::Secret),
        }
    }

    fn is_own_name(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        self.own_names().iter().any(|name| name.as_bytes() == host.as_bytes())
    }

    /// Browsers that say nothing of the site are kept out by the cookie, which they send to its own site alone.
    fn is_own_site(&self, headers: &HeaderMap) -> bool {
        let is_own_origin = headers.get_all(ORIGIN).iter().all(|origin| {
            let names = self.own_names();
            names.iter().any(|name| format!("http://{name}").as_bytes() == origin.as_bytes())
        });
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
        is_own_origin && sites.all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"))
    }

    fn own_names(&self) -> [String; 2] {
        ["127.0.0.1", "localhost"].map(|name| match self.port {
            // Browsers leave out the port of the scheme.
            80 => name.to_owned(),
            port => format!("{name}:{port}"),
        })
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let name = self.cookie_name();
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(key, value)| key == name && self.session.is(value))
    }

    /// A browser sends the cookies of one port to the others too, so each console has its own.
    fn cookie_name(&self) -> String {
        format!("imagegate-console-{}", self.port)
    }
}

impl Secret {
    fn draw() -> Result<Self, Fault> {
        let mut bytes = [0; SECRET];
        let random = aws_lc_rs::default_provider().secure_random;
        let none = |_| Fault::usage("the system has no random numbers to make the address of");
        random.fill(&mut bytes).map_err(none)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The time that this takes says nothing of the secret.
    fn is(&self, candidate: &str) -> bool {
        Sha256::digest(&self.0) == Sha256::digest(candidate)
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").field("port", &self.port).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;

    use super::{Access, Admission, Refusal};

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn only_the_browser_of_whoever_has_the_secret_is_admitted() {
        use Admission::{Admitted, Entered, Refused};
        let access = Access::new(4321).unwrap();
        let cookie = access.cookie();
        let cookie = cookie.split(';').next().unwrap();
        let token = access.printed_address();
        let token = token.strip_prefix("http://127.0.0.1:4321").unwrap();
        let own = ("host", "127.0.0.1:4321");
        let name = ("host", "localhost:4321");
        let known = ("cookie", cookie);
        let among = format!("a=b; {cookie}; c");
        let longer = format!("{cookie}x");
        let other_port = cookie.replace("4321", "4322");
        for (headers, path, expected) in [
            (&[own, known][..], "/api/now", Admitted),
            (&[name, known], "/", Admitted),
            (&[own, ("cookie", &among)], "/", Admitted),
            (&[own, known, ("origin", "http://127.0.0.1:4321")], "/", Admitted),
            (&[own, known, ("sec-fetch-site", "same-origin")], "/api/now", Admitted),
            (&[own, known, ("sec-fetch-site", "none")], "/", Admitted),
            (&[own], token, Entered),
            // DNS rebinding, and names that only look like ours.
            (&[("host", "evil.example:4321"), known], "/", Refused(Refusal::Host)),
            (&[("host", "evil.example:4321")], token, Refused(Refusal::Host)),
            (&[("host", "localhost"), known], "/", Refused(Refusal::Host)),
            (&[("host", "127.0.0.1:4321.evil.example"), known], "/", Refused(Refusal::Host)),
            (&[("host", "127.0.0.1:80"), known], "/", Refused(Refusal::Host)),
            (&[("host", "[::1]:4321"), known], "/", Refused(Refusal::Host)),
            (&[own, own, known], "/", Refused(Refusal::Host)),
            (&[known], "/", Refused(Refusal::Host)),
            // Another site's page, even one of this machine.
            (&[own, known, ("origin", "http://evil.example")], "/", Refused(Refusal::Site)),
            (&[own, known, ("origin", "http://localhost:8000")], "/", Refused(Refusal::Site)),
            (&[own, known, ("origin", "null")], "/", Refused(Refusal::Site)),
            (&[own, known, ("sec-fetch-site", "cross-site")], "/", Refused(Refusal::Site)),
            (&[own, known, ("sec-fetch-site", "same-site")], "/", Refused(Refusal::Site)),
            (&[own, ("sec-fetch-site", "cross-site")], token, Refused(Refusal::Site)),
            // Without the secret, or with something like it.
            (&[own], "/", Refused(Refusal::Secret)),
            (&[own], "/api/now", Refused(Refusal::Secret)),
            (&[own, ("cookie", &longer)], "/", Refused(Refusal::Secret)),
            (&[own, ("cookie", &other_port)], "/", Refused(Refusal::Secret)),
            (&[own, ("cookie", "imagegate-console-4321=")], "/", Refused(Refusal::Secret)),
            (&[own, known], "/?token=", Refused(Refusal::Secret)),
            (&[own], &format!("{token}x"), Refused(Refusal::Secret)),
            (&[own], &token.replace("token", "once"), Refused(Refusal::Secret)),
            // The address is for the page, and for nothing else.
            (&[own], &token.replace("/?", "/api/now?"), Refused(Refusal::Secret)),
        ] {
            let admission = access.admit(&request("GET", path, headers));
            assert_eq!(admission, expected, "{headers:?} {path}");
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"] {
            let admission = access.admit(&request(method, "/", &[own, known]));
            assert_eq!(admission, Refused(Refusal::Method), "{method}");
        }
    }

    #[test]
    fn only_the_page_itself_posts() {
        use Admission::{Admitted, Refused};
        let access = Access::new(4321).unwrap();
        let cookie = access.cookie();
        let known = ("cookie", cookie.split(';').next().unwrap());
        let host = ("host", "127.0.0.1:4321");
        let own = ("origin", "http://127.0.0.1:4321");
        let json = ("content-type", "application/json");
        let token = ("x-console-token", access.token());
        let check = "/api/policy/check";
        let same = ("sec-fetch-site", "same-origin");
        let printed = access.printed_address();
        let printed = printed.rsplit('=').next().unwrap();
        for (headers, path, expected) in [
            (&[host, known, own, json, token][..], check, Admitted),
            (&[host, known, own, json, token, same], "/api/policy/apply", Admitted),
            // Nobody posts anywhere else.
            (&[host, known, own, json, token], "/api/policy", Refused(Refusal::Method)),
            (&[host, known, own, json, token], "/", Refused(Refusal::Method)),
            // Another site, by its name or by ours, and a client that does not say.
            (
                &[host, known, ("origin", "http://evil.example"), json, token],
                check,
                Refused(Refusal::Site),
            ),
            (&[host, known, ("origin", "null"), json, token], check, Refused(Refusal::Site)),
            (&[host, known, json, token], check, Refused(Refusal::Site)),
            (
                &[host, known, own, json, token, ("sec-fetch-site", "cross-site")],
                check,
                Refused(Refusal::Site),
            ),
            (&[("host", "evil.example"), known, own, json, token], check, Refused(Refusal::Host)),
            // What a form can send.
            (
                &[host, known, own, ("content-type", "text/plain"), token],
                check,
                Refused(Refusal::Form),
            ),
            (
                &[host, known, own, ("content-type", "application/x-www-form-urlencoded"), token],
                check,
                Refused(Refusal::Form),
            ),
            (&[host, known, own, token], check, Refused(Refusal::Form)),
            // Without one of the secrets, or with another one in its place.
            (&[host, own, json, token], check, Refused(Refusal::Secret)),
            (&[host, known, own, json], check, Refused(Refusal::Secret)),
            (
                &[host, known, own, json, ("x-console-token", printed)],
                check,
                Refused(Refusal::Secret),
            ),
            (&[host, known, own, json, ("x-console-token", "")], check, Refused(Refusal::Secret)),
        ] {
            let admission = access.admit(&request("POST", path, headers));
            assert_eq!(admission, expected, "{headers:?} {path}");
        }
        for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"] {
            let headers = [host, known, own, json, token];
            let admission = access.admit(&request(method, check, &headers));
            assert_eq!(admission, Refused(Refusal::Method), "{method}");
        }
    }

    #[test]
    fn the_address_that_stands_on_a_command_line_works_once() {
        let access = Access::new(80).unwrap();
        let opened = access.opened_address();
        let opened = opened.strip_prefix("http://127.0.0.1:80").unwrap();
        let own = ("host", "127.0.0.1");
        assert_eq!(access.admit(&request("GET", opened, &[own])), Admission::Entered);
        let second = access.admit(&request("GET", opened, &[own]));
        assert_eq!(second, Admission::Refused(Refusal::Used));
        let cookie = access.cookie();
        let known = ("cookie", cookie.split(';').next().unwrap());
        assert_eq!(access.admit(&request("GET", opened, &[own, known])), Admission::Entered);
    }

    #[test]
    fn no_two_secrets_are_alike_and_none_is_in_a_log() {
        let (one, other) = (Access::new(1).unwrap(), Access::new(1).unwrap());
        assert_ne!(one.printed_address(), other.printed_address());
        assert_ne!(one.cookie(), other.cookie());
        assert_ne!(one.printed.0, one.opened.0);
        assert_eq!(one.printed.0.len(), 43);
        assert!(!format!("{one:?}").contains(&one.session.0));
        assert_ne!(one.token(), one.session.0);
    }
}
