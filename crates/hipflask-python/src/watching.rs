//! Watching a session after its request, for connections that outlive it.

use std::sync::Arc;

use hipflask::{
    Reason,
    core::{engine::EngineError, session::Session, store::StoreError, visit::Watch},
};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    engine::{Engine, time},
    opened::random,
};

/// A session that is watched. Whoever has it looks from time to time.
#[pyclass(module = "hipflask._native")]
pub(crate) struct Watching {
    engine: Py<Engine>,
    watch: Watch,
}

impl Watching {
    /// Watches the session of a cookie with this value.
    pub(crate) fn of(engine: &Bound<'_, Engine>, cookie: &[u8]) -> PyResult<Self> {
        let sessions = engine.get().sessions();
        let watch = sessions.watch(&Session::new(), Reason::Verified, Some(cookie), None);
        let watch = watch.map_err(|reason| PyValueError::new_err(reason.code()))?;
        Ok(Self { engine: engine.clone().unbind(), watch })
    }
}

#[pymethods]
impl Watching {
    /// Looks, and returns the code of the reason why the session has ended, if it has.
    fn look(&mut self, py: Python<'_>, now: f64) -> Option<&'static str> {
        let (engine, now) = (self.engine.get(), time(now));
        let mut opening = engine.sessions().look(&self.watch, now);
        let driven = engine.drive(py, &mut opening).unwrap_or_else(|_| {
            Err(EngineError::Store(Arc::new(StoreError::unreachable("there is no connection"))))
        });
        let looked = driven.map(|()| opening.finish());
        self.watch.looked(looked, now).map(Reason::code)
    }

    /// In how many seconds to look again.
    fn pause(&self, py: Python<'_>) -> PyResult<f64> {
        let random = random(py, 4)?.try_into().map_or(u32::MAX, u32::from_le_bytes);
        Ok(self.engine.get().sessions().pause(&self.watch, random).as_secs_f64())
    }
}
