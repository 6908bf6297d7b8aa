//! Flask's session system as pure functions: bytes in, values out.

pub mod cookie;
pub mod encoding;
pub mod http_date;
pub mod reason;
pub mod signing;
