//! Every store on its real server.

#[cfg(feature = "dynamodb")]
mod dynamodb;
