//! A process's own connections to the store.
//!
//! Servers such as gunicorn load the app first and fork then. A connection that two processes share
//! mixes up their answers, so each process connects for itself, when it first needs the store.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hipflask::{
    Reason, SessionConfig, SessionInterface,
    config::OnOutage,
    store::{AnyStore, ConnectError, StoreError, connect},
};
use pyo3::prelude::*;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{error, fork, log};

/// A store that each process connects to for itself.
pub(crate) struct Processes {
    config: SessionConfig,
    address: String,
    /// Locked only while Python is attached, so that nobody holds it at the moment of a fork.
    current: Mutex<Option<Arc<Process>>>,
}

struct Process {
    id: u32,
    /// Driven by whoever waits for an answer: one thread needs no other to be woken.
    runtime: Runtime,
    interface: OnceLock<SessionInterface>,
    /// Held by the request that connects.
    turn: tokio::sync::Mutex<()>,
    /// How often connecting was in vain.
    failures: AtomicUsize,
}

impl Processes {
    pub(crate) fn new(py: Python<'_>, config: SessionConfig, address: String) -> PyResult<Self> {
        fork::watch(py)?;
        Ok(Self { config, address, current: Mutex::new(None) })
    }

    /// Connects unless this process has done so, and waits for `work`, while other threads of Python
    /// run.
    pub(crate) fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl AsyncFnOnce(&SessionInterface) -> T + Send,
    ) -> PyResult<T> {
        self.try_run(py, work)?.map_err(|error| error::connect(py, &error))
    }

    /// As [`run`](Self::run), for those who can do without a connection.
    pub(crate) fn try_run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl AsyncFnOnce(&SessionInterface) -> T + Send,
    ) -> PyResult<Result<T, ConnectError>> {
        let process = self.process()?;
        Ok(py.detach(|| {
            let _no_fork = fork::hold_off();
            let call = async {
                let interface = match process.interface.get() {
                    Some(interface) => interface,
                    // Boxed, for it has the states of all kinds of stores: each call would copy it.
                    None => Box::pin(self.interface(&process)).await?,
                };
                Ok::<_, ConnectError>(work(interface).await)
            };
            log::during(|| process.runtime.block_on(call))
        }))
    }

    /// Reports whether visitors get an empty session while the store is away.
    pub(crate) fn are_anonymous_on_outage(&self) -> bool {
        self.config.on_outage() == OnOutage::Anonymous
    }

    /// Connects, unless another request does so: then its success, or failure, is for this one, too.
    async fn interface<'a>(
        &self,
        process: &'a Process,
    ) -> Result<&'a SessionInterface, ConnectError> {
        let before = process.failures.load(Ordering::Acquire);
        let _turn = process.turn.lock().await;
        if let Some(interface) = process.interface.get() {
            return Ok(interface);
        }
        if process.failures.load(Ordering::Acquire) != before {
            return Err(ConnectError::refused("another request has just tried in vain"));
        }
        match self.connect().await {
            Ok(interface) => Ok(process.interface.get_or_init(|| interface)),
            Err(error) => {
                process.failures.fetch_add(1, Ordering::Release);
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<SessionInterface, ConnectError> {
        // Longer than one operation may take: a cluster is asked for its shape, a pool is filled.
        let deadline = self.config.store_deadline().max(Duration::from_secs(1)) * 2;
        let connecting = timeout(deadline, connect(&self.address));
        let connected = connecting.await.unwrap_or_else(|_| Err(StoreError::Deadline.into()));
        let store: AnyStore = connected.inspect_err(|error| {
            let reason = Reason::StoreUnavailable.code();
            tracing::error!(target: "hipflask", reason, operation = "connect", "{error}");
        })?;
        SessionInterface::stored(&self.config, store).map_err(ConnectError::refused)
    }

    fn process(&self) -> PyResult<Arc<Process>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let id = std::process::id();
        if let Some(process) = current.as_ref().filter(|process| process.id == id) {
            return Ok(Arc::clone(process));
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (interface, turn, failures) = Default::default();
        let process = Arc::new(Process { id, runtime, interface, turn, failures });
        if let Some(parents) = current.replace(Arc::clone(&process)) {
            leave_alone(parents);
        }
        Ok(process)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let current = self.current.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(parents) = current.take_if(|process| process.id != std::process::id()) {
            leave_alone(parents);
        }
    }
}

/// Leaves to the parent what a forked process finds of it. Dropping it would close the parent's
/// connections under its feet, because they share the system's list of what to wait for, and would
/// wait for threads that are not here.
#[expect(clippy::mem_forget, reason = "once in a process that was forked")]
fn leave_alone(parents: Arc<Process>) {
    std::mem::forget(parents);
}
