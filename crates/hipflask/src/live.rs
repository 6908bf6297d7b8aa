//! What depends on the keys: made once, and again when a file of keys has changed.
//!
//! A request keeps the rules by which its session was opened, so that a change never falls between
//! opening and saving.

use std::{
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use hipflask_core::{csrf::CsrfTokens, stored::StoredSessions, visit::Sessions};

use crate::{
    SessionConfig,
    config::ConfigError,
    report,
    store::AnyStore,
    sync::{Mutex, PoisonError},
};

/// How long nobody looks for changed keys after somebody has.
const PAUSE: Duration = Duration::from_secs(1);

/// What opens and saves sessions with the keys of one moment.
pub(crate) struct Live {
    pub(crate) sessions: Sessions,
    /// How sessions lie in a store, where one is to follow.
    pub(crate) rules: StoredSessions,
    /// The fingerprints of the keys, the current one first.
    pub(crate) fingerprints: Vec<String>,
    /// The tokens of forms, and the key under which a session keeps their secret.
    pub(crate) csrf: (CsrfTokens, String),
    /// The keys themselves, for what else is signed.
    #[cfg(feature = "dbsc")]
    pub(crate) ring: hipflask_core::signing::KeyRing,
}

impl Live {
    /// Makes what keeps sessions in their cookies.
    pub(crate) fn signed(config: &SessionConfig) -> Result<Self, ConfigError> {
        Ok(Self {
            sessions: config.build()?.into(),
            rules: config.build_stored()?,
            fingerprints: config.secret_key().fingerprints(),
            csrf: (config.csrf_tokens(), config.csrf_field_name().to_owned()),
            #[cfg(feature = "dbsc")]
            ring: config.secret_key().ring().clone(),
        })
    }

    /// Keeps sessions elsewhere.
    pub(crate) fn with_sessions(&self, sessions: impl Into<Sessions>) -> Self {
        Self {
            sessions: sessions.into(),
            rules: self.rules.clone(),
            fingerprints: self.fingerprints.clone(),
            csrf: self.csrf.clone(),
            #[cfg(feature = "dbsc")]
            ring: self.ring.clone(),
        }
    }

    /// Makes the same with the keys of another configuration.
    fn again(&self, config: &SessionConfig, store: Option<&AnyStore>) -> Result<Self, ConfigError> {
        let live = Self::signed(config)?;
        Ok(match (&self.sessions, store) {
            (Sessions::Revocable(_), Some(store)) => {
                live.with_sessions(config.build_revocable()?.for_store(store))
            }
            (Sessions::Stored(_), Some(store)) => {
                live.with_sessions(live.rules.clone().for_store(store))
            }
            _ => live,
        })
    }
}

/// Keys that may change while the app runs.
pub(crate) struct Watched {
    live: RwLock<Arc<Live>>,
    looking: Mutex<Looking>,
}

struct Looking {
    config: SessionConfig,
    next: Instant,
    /// What was told in the log of a file that cannot be used.
    trouble: Option<String>,
}

impl Watched {
    /// Watches the keys of a configuration, if they can change.
    pub(crate) fn new(config: &SessionConfig, live: &Arc<Live>) -> Option<Self> {
        config.secret_key().is_watched().then(|| {
            let (config, next) = (config.clone(), Instant::now() + PAUSE);
            let looking = Mutex::new(Looking { config, next, trouble: None });
            Self { live: RwLock::new(Arc::clone(live)), looking }
        })
    }

    /// Returns what the keys are now. Who comes while another request looks goes on with what was.
    pub(crate) fn live(&self, store: Option<&AnyStore>) -> Arc<Live> {
        if let Ok(mut looking) = self.looking.try_lock() {
            let now = Instant::now();
            if now >= looking.next {
                looking.next = now + PAUSE;
                if let Some(live) = looking.look(&self.current(), store) {
                    *self.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
                }
            }
        }
        self.current()
    }

    fn current(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the configuration that is in force.
    pub(crate) fn config(&self) -> SessionConfig {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner).config.clone()
    }
}

impl Looking {
    fn look(&mut self, current: &Live, store: Option<&AnyStore>) -> Option<Live> {
        let changed = self.config.read_keys_again().and_then(|changed| {
            let Some(config) = changed else { return Ok(None) };
            Ok(Some((current.again(&config, store)?, config)))
        });
        match changed {
            Ok(changed) => {
                let mended = self.trouble.take().is_some();
                let live = changed.map(|(live, config)| {
                    self.config = config;
                    live
                });
                if mended || live.is_some() {
                    report::keys(&self.config.secret_key().fingerprints());
                }
                live
            }
            Err(error) => {
                let trouble = error.to_string();
                if self.trouble.as_ref() != Some(&trouble) {
                    report::keys_refused(&error);
                    self.trouble = Some(trouble);
                }
                None
            }
        }
    }
}
