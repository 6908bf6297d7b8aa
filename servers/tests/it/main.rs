//! Every store on its real server.

#[cfg(feature = "memcached")]
mod memcached;
#[cfg(feature = "mongodb")]
mod mongodb;
#[cfg(feature = "dynamodb")]
mod dynamodb;
