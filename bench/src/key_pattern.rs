//! keyMatch2 patterns in other clothes.

/// The regular expression that keyMatch2 makes of a pattern whose variables
/// are whole segments.
#[must_use]
pub fn regex(pattern: &str) -> String {
    let segments: Vec<&str> = pattern
        .split('/')
        .map(|segment| match segment {
            "*" => ".*",
            variable if variable.starts_with(':') => "[^/]+",
            literal => literal,
        })
        .collect();
    format!("^{}$", segments.join("/"))
}

/// A path that the pattern matches, its variables filled by `fill`.
pub fn path(pattern: &str, mut fill: impl FnMut() -> String) -> String {
    let segments: Vec<String> = pattern
        .split('/')
        .map(|segment| match segment {
            "*" => format!("{}/{}", fill(), fill()),
            variable if variable.starts_with(':') => fill(),
            literal => literal.to_owned(),
        })
        .collect();
    segments.join("/")
}
