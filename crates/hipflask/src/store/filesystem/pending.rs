//! A file that is written before it takes the place of another one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::name::OURS;

/// A file under a name of its own, removed again unless it takes another one's place.
pub(super) struct Pending {
    path: PathBuf,
}

impl Pending {
    pub(super) fn write(folder: &Path, mode: u32, content: &[u8]) -> io::Result<Self> {
        let random = getrandom::u64().map_err(io::Error::other)?;
        let path = folder.join(format!("hipflask{random:016x}{OURS}"));
        let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
        let pending = Self { path };
        permit(&file, mode)?;
        file.write_all(content)?;
        Ok(pending)
    }

    /// Takes the place of another file, or a free one, in one step.
    pub(super) fn become_file(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.path.clear();
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens a file only for locking it, and makes it if there is none.
pub(super) fn open_to_lock(path: &Path, mode: u32) -> io::Result<File> {
    match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => return result,
    }
    let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(path)?;
    permit(&file, mode)?;
    Ok(file)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &OpenOptions {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &OpenOptions {
    options
}

/// Sets permissions whatever the process's mask is.
#[cfg(unix)]
fn permit(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn permit(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Makes a folder that the same users may use as the files in it.
pub(super) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    fs::set_permissions(
        path,
        std::os::unix::fs::PermissionsExt::from_mode(mode | (mode & 0o444) >> 2),
    )?;
    #[cfg(not(unix))]
    let _ = mode;
    Ok(())
}
