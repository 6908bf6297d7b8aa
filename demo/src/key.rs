//! The key that signs the sessions, unless the environment has one: made on the first run and kept
//! in the data folder.
//!
//! The file is for its owner alone; the key is never in the code and never in an error.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use hipflask::{ConfigError, SecretKey, config::generate_secret};

use crate::private;

const FILE: &str = "secret_key";

/// Why there is no key.
///
/// ```
/// use hipflask_demo::KeyError;
///
/// let file = std::path::PathBuf::from("demo-data/secret_key");
/// let source = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
/// assert!(KeyError::File { file, source }.to_string().contains("demo-data/secret_key"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key file, or its folder, cannot be made or protected.
    #[error("cannot keep the secret key in {}", file.display())]
    File {
        /// The key file.
        file: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The key cannot be read, or there is no randomness to make one.
    #[error(transparent)]
    Key(#[from] ConfigError),
}

/// Returns the key that is kept in a folder; on the first run makes it.
///
/// # Errors
///
/// [`KeyError`] when the key file cannot be read or made, or is empty.
pub fn kept_key(folder: &Path) -> Result<SecretKey, KeyError> {
    let file = folder.join(FILE);
    if !file.exists() {
        let secret = generate_secret()?;
        make(&file, &secret).map_err(|source| KeyError::File { file: file.clone(), source })?;
        eprintln!("Made a secret key and kept it in {}", file.display());
    }
    keep_to_owner(&file).map_err(|source| KeyError::File { file: file.clone(), source })?;
    Ok(SecretKey::from_file(file)?)
}

/// Writes the key file whole or not at all: it gets its name once it is complete, and if another
/// process was faster, that one's key stays.
fn make(file: &Path, secret: &str) -> io::Result<()> {
    private::make_folder(file.parent().unwrap_or(Path::new("")))?;
    let draft = file.with_extension(std::process::id().to_string());
    writeln!(private::options().write(true).create_new(true).open(&draft)?, "{secret}")?;
    let linked = fs::hard_link(&draft, file);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

/// Takes away what a careless copy may have granted to others.
#[cfg(unix)]
fn keep_to_owner(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        eprintln!("warning: others could read {}, now only its owner can", file.display());
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn keep_to_owner(_file: &Path) -> io::Result<()> {
    Ok(())
}
