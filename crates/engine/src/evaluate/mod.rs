//! Expressions, evaluated for one request and one row.

mod arithmetic;
pub(crate) mod frame;
pub(crate) mod functions;
pub(crate) mod value;
