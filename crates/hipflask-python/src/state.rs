//! A session as the app leaves it → the core's session.

use hipflask::{
    core::session::Session,
    value::{Text, Value},
};
use pyo3::{prelude::*, types::PyDict};

use crate::{error, value::Reader};

/// What the class `Session` says of a session besides its content, and whether it was modified.
#[derive(FromPyObject)]
struct State {
    #[pyo3(attribute("_cleared"))]
    cleared: bool,
    #[pyo3(attribute("_renewed"))]
    renewed: bool,
    #[pyo3(attribute("_ended"))]
    ended: bool,
}

/// Builds the core's session from the app's.
pub(crate) fn core_session<'py>(
    mut core: Session,
    reader: &Reader<'_, 'py>,
    session: &Bound<'py, PyDict>,
    modified: bool,
    grown: &[Text],
) -> PyResult<Session> {
    let state: State = session.extract()?;
    let content = Value::Dict(reader.dict(session)?);
    let all = match (state.ended, state.cleared) {
        (true, _) => core.destroy(),
        (false, true) => core.clear(),
        (false, false) => Ok(()),
    };
    let all = all.and_then(|()| core.set_all(content));
    let all = all.and_then(|()| if state.renewed { core.renew() } else { Ok(()) });
    all.map_err(|error| error::method(session.py(), &error.into()))?;
    core.set_modified(modified);
    grown.iter().for_each(|key| core.note_grown(key));
    Ok(core)
}
