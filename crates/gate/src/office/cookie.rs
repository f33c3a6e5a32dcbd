//! The cookie that carries a browser's session: how it is called, handed over and taken back, and what a request with it must
//! show, so that no page of another site can have sent it.

use axum::response::Response;
use base::Secret;
use http::header::{COOKIE, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

/// A page of another site cannot add this header without asking first, and whoever asks here gets no leave.
const MARK: HeaderName = HeaderName::from_static("x-pacspace-csrf");

/// Where browsers find the dashboard, as they write it themselves: scheme, host, and the port where it is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// Of an address with or without a path.
    pub fn of(url: &str) -> Origin {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let (scheme, host) = (scheme.to_ascii_lowercase(), rest.split('/').next().unwrap_or(rest).to_ascii_lowercase());
        let usual = if scheme == "https" { ":443" } else { ":80" };
        Origin(format!("{scheme}://{}", host.strip_suffix(usual).unwrap_or(&host)))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Only over http is the cookie called and set otherwise: browsers take neither the prefix nor `Secure` there.
    fn is_secure(&self) -> bool {
        self.0.starts_with("https://")
    }

    fn cookie_name(&self) -> &'static str {
        if self.is_secure() { "__Host-counterfoil" } else { "counterfoil" }
    }

    pub(super) fn hand_over(&self, response: &mut Response, cookie: &Secret<String>) {
        self.set(response, cookie.expose(), "");
    }

    /// The browser forgets it.
    pub(super) fn take_back(&self, response: &mut Response) {
        self.set(response, "", "; Max-Age=0");
    }

    /// No other site's page sends it and no script reads it; it ends with the browser, or with its session.
    fn set(&self, response: &mut Response, value: &str, life: &str) {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{life}", self.cookie_name());
        if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
            cookie.set_sensitive(true);
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }

    /// The cookies of this name, of which an honest browser sends one at most.
    pub(super) fn cookies<'a>(&self, headers: &'a HeaderMap) -> Vec<&'a str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, _)| *name == self.cookie_name()).map(|(_, value)| value).collect()
    }

    /// Whether a page of the dashboard sent this, as far as its headers can tell: the mark is there, and where the browser says
    /// whose page it was, it was one of ours.
    pub(super) fn vouches(&self, headers: &HeaderMap) -> bool {
        is_marked(headers) && headers.get_all(ORIGIN).iter().all(|origin| origin.as_bytes() == self.0.as_bytes())
    }
}

/// A client that sends the mark speaks for a browser.
pub(super) fn is_marked(headers: &HeaderMap) -> bool {
    let mut marks = headers.get_all(MARK).iter();
    matches!((marks.next(), marks.next()), (Some(mark), None) if mark == "1")
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (url, origin) in [
            ("https://Pay.Example", "https://pay.example"),
            ("https://pay.example:443/", "https://pay.example"),
            ("HTTP://pay.example:80", "http://pay.example"),
            ("https://pay.example:8443/office", "https://pay.example:8443"),
            ("http://127.0.0.1:7000", "http://127.0.0.1:7000"),
            ("http://[::1]:7000/", "http://[::1]:7000"),
        ] {
            assert_eq!(Origin::of(url), Origin(origin.to_owned()), "{url}");
        }
    }
}
