//! The definition of a store, on the stores that need no server, and on some that are broken.

use hipflask::store::{
    MemoryStore,
    conformance::{self, Abilities},
};

#[tokio::test(flavor = "multi_thread")]
async fn memory_store_conforms() {
    conformance::run(&MemoryStore::new(), "session:", Abilities::new()).await.unwrap();
}

#[cfg(feature = "filesystem")]
#[tokio::test(flavor = "multi_thread")]
async fn file_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let store = hipflask::store::FileStore::new(folder.path()).unwrap();
    let abilities = Abilities::new().without_scan().with_max_payload(1 << 24);
    conformance::run(&store, "session:", abilities).await.unwrap();
}
