//! [MessagePack] as msgspec writes and reads it: UUIDs as text, points in time as the timestamp
//! extension.
//!
//! [MessagePack]: https://github.com/msgpack/msgpack/blob/master/spec.md

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;
