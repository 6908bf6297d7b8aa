//! Flask's session system as pure functions: bytes in, values out.

pub mod cookie;
pub mod encoding;
pub mod flash;
pub mod http_date;
pub mod interface;
pub mod reason;
pub mod serializer;
pub mod session;
pub mod signing;
pub mod value;
