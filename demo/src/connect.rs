//! Connects to a store and has it make what it needs there: a table, an index.
//!
//! A larger app would do that when it is deployed; this one is to run at once.

use hipflask::store::{self, AnyStore, ConnectError};

/// Connects to the store at an address, and makes the table or the index that it lacks.
pub(crate) async fn connect(address: &str) -> Result<AnyStore, ConnectError> {
    match address.split(':').next().unwrap_or_default() {
        #[cfg(feature = "dynamodb")]
        "dynamodb" => {
            let store = store::DynamoDbStore::connect(address).await?;
            store.create_table().await?;
            Ok(AnyStore::new(store))
        }
        #[cfg(feature = "mongodb")]
        "mongodb" | "mongodb+srv" => {
            let store = store::MongoDbStore::connect(address).await?;
            store.create_indexes().await?;
            Ok(AnyStore::new(store))
        }
        #[cfg(any(feature = "mysql", feature = "postgres", feature = "sqlite"))]
        "sqlite" | "postgres" | "postgresql" | "mysql" | "mariadb" => {
            Ok(AnyStore::new(store::SqlStore::create_table(address).await?))
        }
        _ => store::connect(address).await,
    }
}
