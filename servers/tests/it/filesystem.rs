//! Sessions in files, of which one cannot be read.

use std::fs;

use hipflask::store::FileStore;

use crate::unreadable::{ID, becomes_a_new_session};

/// The SHA-256 of `session:` and the id.
const FILE: &str = "8927e6618b22fd1d46bd17669d58c71fd3e507f4d4e2b19cd150dfe76d69e773";

#[tokio::test]
async fn a_folder_in_the_place_of_a_file_becomes_a_new_session() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path()).unwrap();
    for content in [None, Some("kept")] {
        let place = folder.path().join(FILE);
        fs::create_dir(&place).unwrap();
        content.iter().for_each(|content| fs::write(place.join("file"), content).unwrap());
        becomes_a_new_session(store.clone()).await;
        assert!(!place.exists(), "{ID}");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_becomes_a_new_session() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path()).unwrap();
    fs::File::create(folder.path().join(FILE)).unwrap().set_len(1 << 40).unwrap();
    becomes_a_new_session(store).await;
}
