//! Whose pages may connect. A browser lets every page open a WebSocket to everywhere, and says only
//! where the page is from.

use axum::http::{HeaderMap, header};
use url::Url;

/// Whether the page that connects is one of this server, by its public URL or the host that the
/// request names, or of a site that is allowed to. Whoever names no page is no browser.
pub(super) fn may_connect(headers: &HeaderMap, public_url: &str, allowed: &[String]) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        return true;
    };
    let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    // `null` is no URL: a page that hides where it is from.
    let (Some(page), None) = (origin, origins.next()) else {
        return false;
    };
    let is_page = |url: &str| Url::parse(url).is_ok_and(|url| url.origin() == page.origin());
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    is_page(public_url)
        || host.is_some_and(|host| is_page(&format!("{}://{host}", page.scheme())))
        || allowed.iter().any(|url| is_page(url))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by it")]
mod tests {
    use super::*;

    fn may(origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "10.0.0.7:8080".parse().unwrap());
        headers.insert(header::ORIGIN, origin.parse().unwrap());
        let allowed = ["https://www.example.org".to_owned()];
        may_connect(&headers, "https://cms.example.org", &allowed)
    }

    #[test]
    fn pages_of_the_server_and_of_allowed_sites_may_connect() {
        assert!(may("https://cms.example.org"));
        assert!(may("https://CMS.example.org:443"));
        assert!(may("http://10.0.0.7:8080"));
        assert!(may("https://www.example.org"));
        assert!(may_connect(
            &HeaderMap::new(),
            "https://cms.example.org",
            &[]
        ));
    }

    #[test]
    fn pages_of_others_may_not() {
        for origin in [
            "null",
            "",
            "https://example.org",
            "http://cms.example.org",
            "https://cms.example.org:8443",
            "https://cms.example.org.evil.example",
            "http://10.0.0.7",
            "file://",
        ] {
            assert!(!may(origin), "{origin}");
        }
        let mut two = HeaderMap::new();
        two.append(header::ORIGIN, "https://cms.example.org".parse().unwrap());
        two.append(header::ORIGIN, "https://evil.example".parse().unwrap());
        assert!(!may_connect(&two, "https://cms.example.org", &[]));
    }
}
