//! Counts the answers that did not come, for whatever asks the store.

use std::sync::Arc;

use super::EngineError;
use crate::store::StoreError;

/// How often a question is asked again whose answer was lost.
const MAX_LOST: u32 = 2;

/// Answers that did not come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses {
    count: u32,
    /// Why the last answer did not come; the question may have been carried out all the same.
    doubt: Option<Arc<StoreError>>,
}

impl Losses {
    /// Notes that no answer came; an error if the question is not to be asked again.
    pub(crate) fn note(&mut self, error: StoreError) -> Result<(), EngineError> {
        let is_lost = matches!(error, StoreError::Unavailable(_));
        let error = Arc::new(error);
        self.count += 1;
        if is_lost {
            self.doubt = Some(Arc::clone(&error));
        }
        let again = self.count <= MAX_LOST && (is_lost || error.is_unreachable());
        if again { Ok(()) } else { Err(EngineError::Store(error)) }
    }

    /// Reports whether the question may have been carried out although no answer came.
    pub(super) const fn is_in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Notes that an answer came, and returns why there is doubt whether it is the first.
    pub(crate) fn settle(&mut self) -> Option<Arc<StoreError>> {
        self.count = 0;
        self.doubt.take()
    }
}
