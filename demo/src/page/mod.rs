//! The pages, one file per concern. A handler's guard says who may call it.

pub(crate) mod account;
pub(crate) mod cookie;
pub(crate) mod login;
pub(crate) mod profile;
pub(crate) mod refused;
pub(crate) mod sessions;
