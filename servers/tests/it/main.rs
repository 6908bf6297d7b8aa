//! Every store on its real server.

#[cfg(all(feature = "mysql", feature = "postgres", feature = "sqlite"))]
mod sql;
