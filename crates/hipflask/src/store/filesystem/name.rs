//! What the files of a folder are called.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::store::RecordKey;

/// How the names end that cachelib leaves alone: it neither counts nor removes such files.
pub(super) const OURS: &str = ".__wz_cache";

/// The key under which cachelib keeps the number of its files.
const COUNT: &str = "__wz_cache_count";

/// The names of one record's file.
pub(super) struct Name {
    /// The name now: the SHA-256 of the key.
    pub(super) file: String,
    /// The name before cachelib 0.16: its MD5.
    pub(super) old_file: String,
}

impl Name {
    pub(super) fn of(key: &RecordKey) -> Self {
        Self::hash(key.as_str())
    }

    /// Returns the name of the file that has the number of files.
    pub(super) fn count() -> Self {
        Self::hash(COUNT)
    }

    fn hash(key: &str) -> Self {
        Self { file: hex(&Sha256::digest(key)), old_file: hex(&md5::Md5::digest(key)) }
    }
}

/// Reports whether a file can be a record, by its name.
pub(super) fn is_record(file: &str) -> bool {
    matches!(file.len(), 32 | 64)
        && file.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing into a string does not fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cachelibs() {
        let name = Name::count();
        assert_eq!(name.file, "79bc207ee04a581ab2348ca1f3494e64cd0ec36128735b8c6bc85ddd8fe1938c");
        assert_eq!(name.old_file, "2029240f6d1128be89ddc32729463129");
        assert!(is_record(&name.file) && is_record(&name.old_file));
        assert!(!is_record("tmpab12.__wz_cache") && !is_record(&name.file.to_uppercase()));
    }
}
