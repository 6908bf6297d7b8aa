//! Keys in a file or a folder, so that they can be changed while the app runs.
//!
//! A file has one key a line. A folder has one key a file, in the order of the files' names: so a
//! secret of Kubernetes is mounted. The first key signs, the others are only accepted.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use hipflask_core::signing::{Key, KeyRing, strength};
use zeroize::Zeroizing;

use super::{ConfigError, KeyFileFault};

/// Nobody has that many keys: it is another file.
const MAX_LEN: u64 = 64 << 10;

/// Reads the keys of a file or folder.
pub(super) fn read(path: &Path, accept_weak: bool) -> Result<KeyRing, ConfigError> {
    let mut keys: Vec<Key> = Vec::new();
    let files = files(path)?;
    for file in &files {
        let text = text_of(file)?;
        let n_lines = text.lines().count();
        if n_lines != 1 && file != path {
            return Err(fault(file, None, KeyFileFault::NotOneKey));
        }
        for (line, number) in text.lines().zip(1..) {
            let number = (n_lines > 1).then_some(number);
            let key = key_of(line, accept_weak).and_then(|key| {
                if keys.contains(&key) { Err(KeyFileFault::Twice) } else { Ok(key) }
            });
            keys.push(key.map_err(|it| fault(file, number, it))?);
        }
    }
    let mut keys = keys.into_iter();
    let current = keys.next().ok_or_else(|| fault(path, None, KeyFileFault::Empty))?;
    Ok(KeyRing::new(current).with_fallbacks(keys))
}

/// Reads the one key of a file that holds nothing else.
pub(super) fn read_one(path: &Path) -> Result<Key, ConfigError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN as usize + 1));
    File::open(path)
        .and_then(|file| file.take(MAX_LEN + 1).read_to_end(&mut bytes))
        .map_err(|source| ConfigError::Unreadable { path: path.into(), source })?;
    only_key(&bytes).map_err(|it| fault(path, None, it))
}

fn only_key(bytes: &[u8]) -> Result<Key, KeyFileFault> {
    let key = match bytes.strip_suffix(b"\n") {
        Some(key) => key.strip_suffix(b"\r").unwrap_or(key),
        None => bytes,
    };
    match std::str::from_utf8(key) {
        _ if bytes.is_empty() => Err(KeyFileFault::Empty),
        _ if bytes.len() as u64 > MAX_LEN => Err(KeyFileFault::TooLarge),
        Ok(text) if text.trim().is_empty() => Err(KeyFileFault::Blank),
        Ok(text) if text.contains(['\n', '\r']) => Err(KeyFileFault::SeveralLines),
        Ok(text) if has_name(text) => Err(KeyFileFault::Name),
        _ => Ok(key.into()),
    }
}

/// Reports whether a line is an assignment, such as `SECRET_KEY = …`.
fn has_name(line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else { return false };
    let name = name.trim();
    // What base64 ends with is no value.
    !value.bytes().all(|byte| byte == b'=')
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns the file itself, or the files of a folder by their names, but for hidden ones.
fn files(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.into(), source };
    if !fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            files.push(path.join(name));
        }
    }
    files.sort();
    Ok(files)
}

fn text_of(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.into(), source };
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        return Err(fault(path, None, KeyFileFault::NotOneKey));
    }
    // Large enough from the start, so that no copy of a key is left behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_LEN as usize + 1));
    let read = File::open(path).and_then(|file| file.take(MAX_LEN + 1).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(fault(path, None, KeyFileFault::NotText))
        }
        Err(error) => Err(unreadable(error)),
        Ok(len) if len as u64 > MAX_LEN => Err(fault(path, None, KeyFileFault::TooLarge)),
        Ok(_) => Ok(text),
    }
}

fn key_of(line: &str, accept_weak: bool) -> Result<Key, KeyFileFault> {
    if line.trim().is_empty() {
        return Err(KeyFileFault::Blank);
    }
    let is_markup = line.starts_with(['#', '[', '{', '"', '\'']);
    if is_markup || line.contains(|it: char| it.is_whitespace() || it.is_control()) {
        return Err(KeyFileFault::Markup);
    }
    if has_name(line) {
        return Err(KeyFileFault::Name);
    }
    match strength::judge(line.as_bytes()) {
        Err(weakness) if !accept_weak => Err(KeyFileFault::Weak(weakness)),
        _ => Ok(line.into()),
    }
}

fn fault(path: &Path, line: Option<usize>, fault: KeyFileFault) -> ConfigError {
    ConfigError::KeyFile { path: path.into(), line, fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "9f3c6a52be0d47c1886d1f7a0cb35e24";
    const OLD: &str = "71d55a3b0c7a2f93e9d1b4c86605f8ae";

    #[track_caller]
    fn check(path: &Path, expected: Result<&[&str], &str>) {
        let read = read(path, false).map_err(|error| error.to_string());
        let folder = path.parent().unwrap().display().to_string();
        let read = read.map_err(|text| text.replace(&folder, "FOLDER"));
        for key in [NEW, OLD] {
            assert!(!format!("{read:?}").contains(key));
        }
        let keys = |ring: KeyRing| -> Vec<_> {
            ring.keys().map(|key| String::from_utf8(key.as_bytes().to_vec()).unwrap()).collect()
        };
        let expected = expected.map(|keys| keys.iter().map(|&key| key.to_owned()).collect());
        assert_eq!(read.map(keys), expected.map_err(str::to_owned));
    }

    #[test]
    fn file_has_one_key_a_line_the_current_one_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        for (text, expected) in [
            (format!("{NEW}\n"), &[NEW][..]),
            (NEW.to_owned(), &[NEW]),
            (format!("{NEW}\r\n{OLD}\r\n"), &[NEW, OLD]),
            (format!("{OLD}\n{NEW}"), &[OLD, NEW]),
            ("qZ7xvP3mTr9WkLb2NfYcHd5sJg8u==\n".to_owned(), &["qZ7xvP3mTr9WkLb2NfYcHd5sJg8u=="]),
        ] {
            fs::write(&path, text).unwrap();
            check(&path, Ok(expected));
        }
    }

    #[test]
    fn file_that_is_no_list_of_keys_is_refused_with_words() {
        const BLANK: &str =
            "a blank line: write one key a line, the current one first, and nothing else";
        const MARKUP: &str =
            "blanks, quotes, a comment or brackets: write the key alone, one a line";
        const NAME: &str = "`NAME=` before a key: write the key alone";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        for (text, place, expected) in [
            (format!("{NEW}\n\n{OLD}\n"), ", line 2", BLANK),
            (format!("{NEW}\n\n"), ", line 2", BLANK),
            ("\n".into(), "", BLANK),
            (format!("SECRET_KEY={NEW}\n{OLD}"), ", line 1", NAME),
            (format!("SECRET_KEY = \"{NEW}\""), "", MARKUP),
            (format!("[keys]\nnew = '{NEW}'"), ", line 1", MARKUP),
            (format!("# keys\n{NEW}"), ", line 1", MARKUP),
            (format!("\"{NEW}\""), "", MARKUP),
            (format!("{NEW} "), "", MARKUP),
            (
                format!("{NEW}\n{OLD}\n{NEW}"),
                ", line 3",
                "the same key for a second time: remove one of the two",
            ),
            (
                String::new(),
                "",
                "no key: write the current one first, such as `hipflask secret` prints",
            ),
            (
                format!("{NEW}\ntiger\n"),
                ", line 2",
                "the secret key has 5 bytes, expected at least 16: make a random one with \
                 `hipflask secret`",
            ),
            (format!("{NEW}\n").repeat(3000), "", "more than 64 KiB: this is no file of keys"),
        ] {
            fs::write(&path, text).unwrap();
            check(&path, Err(&format!("FOLDER/keys{place}: {expected}")));
        }
        fs::write(&path, b"\xff\xfe").unwrap();
        let text = "expected text: a key of other bytes cannot stand in a file of keys";
        check(&path, Err(&format!("FOLDER/keys: {text}")));
        fs::write(&path, "tiger\n").unwrap();
        assert!(super::read(&path, true).is_ok());
    }

    #[test]
    fn file_of_one_key_has_nothing_else() {
        let check = |bytes: &[u8], expected: Result<&[u8], &str>| {
            let found = only_key(bytes).map_err(|fault| fault.to_string());
            let found = found.as_ref().map(Key::as_bytes).map_err(String::as_str);
            assert_eq!(found, expected, "{}", bytes.escape_ascii());
        };
        for (bytes, key) in [
            (&b"correct horse battery staple\n"[..], &b"correct horse battery staple"[..]),
            (b"c2VjcmV0==\r\n", b"c2VjcmV0=="),
            (b"\"quoted\"", b"\"quoted\""),
            (b"\xff\n\xfe", b"\xff\n\xfe"),
        ] {
            check(bytes, Ok(key));
        }
        let several = "more than one line: expected one key and nothing else";
        let blank = "a blank line: write one key a line, the current one first, and nothing else";
        let name = "`NAME=` before a key: write the key alone";
        check(b"", Err("no key: write the current one first, such as `hipflask secret` prints"));
        check(b" \n", Err(blank));
        check(b"\n\n", Err(blank));
        check(b"key\n\n", Err(several));
        check(b"[node]\nSECRET_KEY = 'x'\n", Err(several));
        check(b"SECRET_KEY=x", Err(name));
        check(b"SECRET_KEY = 'x'", Err(name));
    }

    #[test]
    fn folder_has_one_key_a_file_in_the_order_of_names() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        fs::create_dir_all(keys.join("..2026")).unwrap(); // as Kubernetes has it
        let put = |name: &str, text: &str| fs::write(keys.join(name), text).unwrap();
        let no_key = "no key: write the current one first, such as `hipflask secret` prints";
        check(&keys, Err(&format!("FOLDER/keys: {no_key}")));
        put("previous", OLD);
        put("current", NEW);
        put(".hidden", "x");
        check(&keys, Ok(&[NEW, OLD]));
        put("previous", "");
        let one =
            "expected a file with one key and nothing else, since it lies in a folder of keys";
        check(
            &keys.join("previous"),
            Err(&format!("FOLDER/previous: {no_key}").replace("FOLDER/keys", "FOLDER")),
        );
        check(&keys, Err(&format!("FOLDER/keys/previous: {one}")));
        put("previous", &format!("{OLD}\n{OLD}"));
        check(&keys, Err(&format!("FOLDER/keys/previous: {one}")));
        fs::remove_file(keys.join("previous")).unwrap();
        fs::create_dir(keys.join("previous")).unwrap();
        check(&keys, Err(&format!("FOLDER/keys/previous: {one}")));
    }
}
