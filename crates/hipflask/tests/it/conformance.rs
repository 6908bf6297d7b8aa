//! The definition of a store, on the stores that need no server, and on some that are broken.

use hipflask::store::{
    MemoryStore,
    conformance::{self, Abilities},
};

#[tokio::test]
async fn memory_store_conforms() {
    conformance::run(&MemoryStore::new(), "session:", Abilities::new()).await.unwrap();
}
