//! How answers are written, which the client chooses by the header `Accept`.

use axum::http::{HeaderMap, HeaderValue, header};

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum MediaType {
    /// The one of GraphQL over HTTP, in which a refusal has a status that says so.
    GraphqlResponse,
    /// The one before there was that, in which every answer to a request has the status 200.
    Json,
}

/// How much a client wants a media type, and how exactly it named it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Wish {
    quality: f32,
    exactness: u8,
}

impl MediaType {
    /// The one that the client prefers; none when it takes neither. Whoever doesn't say gets JSON, as
    /// clients do that know no other. Of two that are as welcome, the one counts that was named, and of
    /// two that were named the one of GraphQL.
    pub(super) fn preferred(headers: &HeaderMap) -> Option<Self> {
        let accepted = headers.get_all(header::ACCEPT);
        let mut values = accepted.iter();
        // What nearly all clients send costs next to nothing.
        match (values.next().map(HeaderValue::as_bytes), values.next()) {
            (None | Some(b"*/*" | b"application/json"), None) => return Some(Self::Json),
            (Some(b"application/graphql-response+json"), None) => {
                return Some(Self::GraphqlResponse);
            }
            _ => {}
        }
        let ranges: Vec<&str> = accepted
            .iter()
            .flat_map(|value| value.to_str().unwrap_or_default().split(','))
            .collect();
        let graphql = Self::GraphqlResponse.wish(&ranges);
        let json = Self::Json.wish(&ranges);
        match (graphql, json) {
            (None, None) => None,
            (Some(graphql), Some(json)) if graphql == json && graphql.exactness < NAMED => {
                Some(Self::Json)
            }
            (graphql, json) if graphql >= json => Some(Self::GraphqlResponse),
            _ => Some(Self::Json),
        }
    }

    /// The same, of an answer that has to be written whatever the client takes.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self::preferred(headers).unwrap_or(Self::Json)
    }

    /// The header `Content-Type`.
    pub(in crate::http) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }

    fn subtype(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "graphql-response+json",
            Self::Json => "json",
        }
    }

    /// How much the client wants it: what the range says that names it most exactly.
    fn wish(self, ranges: &[&str]) -> Option<Wish> {
        let wishes = ranges.iter().filter_map(|range| self.wish_of(range));
        let wish = wishes.reduce(|most, wish| match wish.exactness > most.exactness {
            true => wish,
            false => most,
        });
        wish.filter(|wish| wish.quality > 0.0)
    }

    fn wish_of(self, range: &str) -> Option<Wish> {
        let mut parts = range.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let exactness = match (kind, subtype) {
            ("*", "*") => 0,
            (kind, "*") if kind.eq_ignore_ascii_case("application") => 1,
            (kind, subtype)
                if kind.eq_ignore_ascii_case("application")
                    && subtype.eq_ignore_ascii_case(self.subtype()) =>
            {
                NAMED
            }
            _ => return None,
        };
        let mut quality = 1.0;
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.eq_ignore_ascii_case("q") {
                quality = value
                    .parse()
                    .ok()
                    .filter(|quality| (0.0..=1.0).contains(quality))?;
            } else if name.eq_ignore_ascii_case("charset") && !is_utf8(value) {
                return None;
            }
        }
        Some(Wish { quality, exactness })
    }
}

/// Named in full, and not by a star.
const NAMED: u8 = 2;

/// Whether a body is JSON as we read it.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let mut parts = content_type.unwrap_or_default().split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case("application/json")
        && parts
            .filter_map(|parameter| parameter.split_once('='))
            .all(|(name, value)| !name.eq_ignore_ascii_case("charset") || is_utf8(value))
}

fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim_matches('"');
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// Whether the client is a browser that shows a page.
pub(super) fn wants_page(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter();
    accepted.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.contains("text/html"))
    })
}
