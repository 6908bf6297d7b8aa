//! The extension module of the Python package `hipflask`: its engine, and nothing that users call.
//!
//! `engine` opens and saves, with `stored` where a store is asked; `opened` is what it keeps of a
//! session meanwhile, `state` what the app leaves; `value` translates what is in sessions, `settings`
//! what is in an app's configuration; `process` holds connections, of which `fork` takes care, and `client` asks those of the app; `log`
//! and `error` bring back what went wrong. The classes that users see are Python's, beside it.

mod client;
mod engine;
mod error;
mod fork;
mod itsdangerous;
mod kinds;
mod log;
mod opened;
mod process;
mod settings;
mod state;
mod stored;
mod updating;
mod value;
mod watching;

use hipflask::{
    SecretKey,
    store::{ConnectError, SqlStore, StoreKind},
};
use pyo3::prelude::*;

#[pymodule]
mod _native {
    use super::*;

    #[pymodule_export]
    use crate::{
        engine::Engine,
        itsdangerous::{Digests, decode_url, deflate, encode_url},
        log::take_log,
        opened::Opened,
        updating::Updating,
        watching::Watching,
    };

    /// Says what makes a secret key easy to guess, if anything does.
    #[pyfunction]
    fn weakness(key: &[u8]) -> Option<String> {
        hipflask::core::signing::strength::judge(key).err().map(|weakness| weakness.to_string())
    }

    /// Returns the keys of a file or folder, the current one first.
    #[pyfunction]
    fn read_keys(py: Python<'_>, path: std::path::PathBuf) -> PyResult<Vec<Vec<u8>>> {
        let keys = SecretKey::watch(path).map_err(|mistake| error::config(py, &mistake))?;
        Ok(keys.ring().keys().map(|key| key.as_bytes().to_vec()).collect())
    }

    /// Returns the kind of store that an address is of, or else the scheme that may have been meant.
    #[pyfunction]
    fn store_kind(address: &str) -> (Option<&'static str>, Option<&'static str>) {
        match StoreKind::of(address) {
            Ok(kind) => (Some(kind.feature()), None),
            Err(ConnectError::Scheme { nearest }) => (None, Some(nearest)),
            Err(_) => (None, None),
        }
    }

    /// Returns the statements of a table of sessions, by the address of a store.
    #[pyfunction]
    fn sql_statements(py: Python<'_>, address: &str) -> PyResult<Vec<(&'static str, Vec<String>)>> {
        SqlStore::statements(address).map_err(|mistake| error::connect(py, &mistake))
    }

    /// Names the settings of the engine, and says which take a truth value.
    #[pyfunction]
    fn settings() -> Vec<(&'static str, bool)> {
        crate::settings::names()
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        log::install();
        kinds::look_up_times(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
