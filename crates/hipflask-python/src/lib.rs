//! The extension module of the Python package `hipflask`.

use pyo3::prelude::*;

mod itsdangerous;

#[pymodule]
mod _native {
    use super::*;

    #[pymodule_export]
    use crate::itsdangerous::{Digests, decode_url, deflate, encode_url};

    #[pyfunction]
    fn connect(py: Python<'_>, address: String) -> PyResult<String> {
        py.detach(|| {
            let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            rt.block_on(async { format!("{:?}", hipflask::store::connect(&address).await) });
        });
        Ok(address)
    }
}
