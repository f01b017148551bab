//! Bounds on texts, on what is loaded and on what one decision may cost.

/// Bounds on what is loaded and on what one decision may cost. Over a bound,
/// a model or policy is refused, and a decision is an error, which denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a policy, of all kinds. Default 1,000,000.
    pub rows: usize,
    /// Distinct patterns in a policy that need a regular expression.
    /// Default 100,000.
    pub patterns: usize,
    /// Bytes of one pattern or of one expression in a row. Default 4,096.
    pub pattern_bytes: usize,
    /// Bytes of memory for one compiled regular expression. Default 256 KiB.
    pub regex_bytes: usize,
    /// Definitions of one kind in a model, such as `m` to `m64`. Default 64.
    pub definitions: usize,
    /// Names in one definition. Default 256.
    pub fields: usize,
    /// Nesting of an expression. Default 64; more than 128 counts as 128,
    /// which is what the stack of a Wasm module carries.
    pub expression_depth: usize,
    /// Steps of one decision, over all rows. Default 20,000,000, which stays
    /// well under a second. What takes steps:
    ///
    /// - one: a term or operator evaluated; a row looked at; a lookup made, and
    ///   each node of an index that it passes and each pattern that it finds;
    ///   a name compared with a role or with a pattern of a role graph; an
    ///   element of a list or object compared; a byte of an expression parsed;
    ///   a pattern run.
    /// - 1/8: a row of one of several lists that are merged.
    /// - bytes / 64: text copied, or searched for one character, as keyMatch
    ///   does.
    /// - bytes / 16: text looked up in a table: values, names and domains of
    ///   role questions, patterns, rules for `eval`. So much, and 4, costs a
    ///   pattern of keyMatch2 to keyMatch5 that is made of plain segments,
    ///   variables and a last `*`, for the bytes of text and pattern.
    /// - bytes x places / 4: a regular expression, and so other patterns of
    ///   keyMatch2 to 5, run over a text that starts as the pattern does. Places
    ///   are 3, and the parts of the pattern that can be half matched at
    ///   once: few in a key pattern, else roughly the pattern's length after
    ///   the first repetition. For keyMatch4, keyGet2 and keyGet3, an eighth
    ///   more for each variable and one more.
    /// - bytes x tokens / 8: a glob, for each of its alternatives, run over a
    ///   text that starts as the glob does. Both count from the first
    ///   wildcard on; a class is as many tokens as it has ranges, and one.
    /// - 100,000: a pattern that comes with the request and has to be
    ///   compiled.
    pub expression_steps: u64,
    /// Names visited to answer one role question, but for those that the
    /// policy gathered when it loaded; a role that a request gives twice may
    /// count twice. Default 1,000,000.
    pub role_visits: usize,
    /// Role links that one request may bring. Default 10,000.
    pub request_roles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 1_000_000,
            patterns: 100_000,
            pattern_bytes: 4_096,
            regex_bytes: 256 * 1_024,
            definitions: 64,
            fields: 256,
            expression_depth: 64,
            expression_steps: 20_000_000,
            role_visits: 1_000_000,
            request_roles: 10_000,
        }
    }
}
