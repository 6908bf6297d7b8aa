//! Flask's session system as pure functions: bytes in, values out.

pub mod encoding;
pub mod reason;
pub mod signing;
