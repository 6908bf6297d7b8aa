//! What is known of a session that was opened, beside the dict that the app sees.

use hipflask::{
    Reason,
    core::{stored::SessionId, visit::Visit},
    value::Text,
};
use pyo3::{
    intern,
    prelude::*,
    types::{PyDict, PyList},
};

use crate::{
    error,
    value::{self, Dialect, Frozen, Reader},
};

/// A session as it was opened: what saving compares with, and why the session is what it is.
#[pyclass(module = "hipflask._native")]
pub(crate) struct Opened {
    /// What the lists and dicts in it were.
    pub(crate) frozen: Frozen,
    pub(crate) visit: Visit,
    pub(crate) id_length: usize,
    /// Lists that were empty in this request, each with its key: all that is in them was appended.
    pub(crate) begun: Vec<(Py<PyAny>, Py<PyList>)>,
    /// What a new id is made of, once somebody has asked for it.
    pub(crate) entropy: Option<Vec<u8>>,
}

#[pymethods]
impl Opened {
    /// The code of the reason.
    #[getter]
    fn reason(&self) -> &'static str {
        self.visit.reason().code()
    }

    /// The reason in words.
    #[getter]
    fn reason_text(&self) -> String {
        self.visit.reason().to_string()
    }

    /// Whether a cookie was offered and refused.
    #[getter]
    fn is_refusal(&self) -> bool {
        self.visit.reason().is_refusal()
    }

    /// The age of the cookie in seconds, if a key confirmed it.
    #[getter]
    fn age(&self) -> Option<i64> {
        self.visit.cookie()?.age
    }

    /// The position of the key that confirmed the cookie: 0 is the current one.
    #[getter]
    fn key(&self) -> Option<usize> {
        self.visit.cookie()?.key
    }

    /// The length of the cookie's value in bytes.
    #[getter]
    fn length(&self) -> Option<usize> {
        Some(self.visit.cookie()?.len)
    }

    /// Notes an empty list that was put into the session.
    fn begin(&mut self, key: Py<PyAny>, list: Py<PyList>) {
        self.begun.push((key, list));
    }

    /// Whether the session cannot be changed because the store does not answer.
    #[getter]
    pub(crate) fn is_read_only(&self) -> bool {
        self.visit.reason() == Reason::StoreUnavailable
    }

    /// The id that the session has, or will have once it is saved.
    #[getter]
    fn sid(&mut self, py: Python<'_>) -> PyResult<String> {
        if let (Some(held), None) = (self.visit.held(), &self.entropy) {
            return Ok(held.id().as_str().into());
        }
        if self.entropy.is_none() {
            self.draw_id(py, None)?;
        }
        let id = self.entropy.as_deref().map(SessionId::from_entropy);
        id.map(|id| id.as_str().into()).ok_or_else(|| error::misuse("no id was drawn"))
    }

    /// Gives the session the id that it will have from its next save on: of these bytes, or else of random
    /// ones.
    #[pyo3(signature = (entropy = None))]
    pub(crate) fn draw_id(&mut self, py: Python<'_>, entropy: Option<Vec<u8>>) -> PyResult<()> {
        self.entropy = Some(entropy.map_or_else(|| random(py, self.id_length), Ok)?);
        Ok(())
    }

    /// Takes the session for what it is now, other requests' changes included.
    pub(crate) fn freeze(&mut self, session: &Bound<'_, PyDict>) {
        let begun = self.frozen.empty_lists(session.py());
        self.begun.extend(begun.map(|(key, list)| (key.unbind(), list.unbind())));
        self.frozen = Frozen::of(session);
    }

    /// Whether a list or dict in the session was changed in place.
    fn is_changed(&self, session: &Bound<'_, PyDict>) -> bool {
        let dialect = if self.id_length > 0 { Dialect::Record } else { Dialect::Tagged };
        self.frozen.is_changed(session, &Reader::new(dialect))
    }
}

/// Returns random bytes of the operating system.
pub(crate) fn random(py: Python<'_>, len: usize) -> PyResult<Vec<u8>> {
    if len == 0 {
        return Ok(Vec::new());
    }
    py.import(intern!(py, "os"))?.call_method1("urandom", (len,))?.extract()
}

impl Opened {
    /// Takes a session as it was just opened.
    pub(crate) fn new(
        session: &Bound<'_, PyDict>,
        visit: Visit,
        id_length: usize,
    ) -> PyResult<Self> {
        if visit.is_outdated() {
            session.setattr(intern!(session.py(), "_modified"), true)?;
        }
        let frozen = Frozen::of(session);
        Ok(Self { frozen, visit, id_length, begun: Vec::new(), entropy: None })
    }

    /// Returns the keys of lists that were empty in this request, and have grown in place since.
    pub(crate) fn grown(&self, session: &Bound<'_, PyDict>) -> PyResult<Vec<Text>> {
        let py = session.py();
        let begun =
            self.begun.iter().map(|(key, list)| (key.bind(py).clone(), list.bind(py).clone()));
        let mut grown = Vec::new();
        for (key, list) in begun.chain(self.frozen.empty_lists(py)) {
            if !list.is_empty() && session.get_item(&key)?.is_some_and(|object| object.is(&list)) {
                grown.push(value::key_of(&key)?);
            }
        }
        Ok(grown)
    }
}
