//! Paths of pages, and patterns of them.

/// Whether a path fits a pattern, in which `*` stands for anything, slashes and nothing at all
/// included.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let Some(mut left) = path.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        // The first place will do: whatever fits behind a later one fits behind this one.
        let Some(at) = left.find(part) else {
            return false;
        };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

/// The path of an address, and its query where it has one.
pub(super) fn split(address: &str) -> (&str, Option<&str>) {
    let address = address.split('#').next().unwrap_or_default();
    match address.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (address, None),
    }
}

/// Whether the path may be another spelling of a page that has a plain one: with `//`, `.` or `..`,
/// a backslash, or a letter of ASCII as `%41`. Whoever asks like this may want to go round a rule.
pub(super) fn is_disguised(path: &str) -> bool {
    let is_dots = |segment: &str| matches!(segment, "." | "..");
    let is_ascii_escape = |escape: &str| escape.starts_with(|first: char| first < '8');
    path.contains("//")
        || path.contains('\\')
        || path.split('/').any(is_dots)
        || path.split('%').skip(1).any(is_ascii_escape)
}
