//! The answers of host calls.

/// What a host call answers, with Envoy's numbers (`WasmResult` of proxy-wasm-cpp-host).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// The thing asked for is not there.
    NotFound = 1,
    /// An argument has no meaning here.
    BadArgument = 2,
    /// A value cannot be put into bytes.
    SerializationFailure = 3,
    /// A value cannot be read from its bytes.
    ParseFailure = 4,
    /// An expression cannot be read or evaluated.
    BadExpression = 5,
    /// A pointer or a length points outside of the module's memory.
    InvalidMemoryAccess = 6,
    /// A queue has no entry.
    Empty = 7,
    /// The entry was changed since it was read.
    CasMismatch = 8,
    /// The result is not what was expected.
    ResultMismatch = 9,
    /// The host failed.
    InternalFailure = 10,
    /// The connection broke.
    BrokenConnection = 11,
    /// The host does not do this.
    Unimplemented = 12,
}

impl Status {
    /// The number that the module gets.
    pub fn code(self) -> u32 {
        self as u32
    }
}
