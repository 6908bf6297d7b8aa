//! Runs an example: reads the command line and the settings, connects to the store, serves the app.

use std::{error::Error, process::ExitCode};

use axum::Router;
use clap::Parser;
use hipflask::{ConfigError, SecretKey, SessionConfig, SessionLayer};
use hipflask_demo::{Listen, exit_status, settings};

/// An example of Flask's sessions in Rust.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    listen: Listen,
}

/// What an example is: a router, or the reason why there is none.
///
/// ```
/// use axum::Router;
/// use hipflask_examples::App;
///
/// assert!(Router::new().into_router().is_ok());
/// let failed: Result<Router, std::fmt::Error> = Err(std::fmt::Error);
/// assert!(failed.into_router().is_err());
/// ```
pub trait App {
    /// Returns the router.
    ///
    /// # Errors
    ///
    /// The reason why there is none.
    fn into_router(self) -> Result<Router, Box<dyn Error + Send + Sync>>;
}

impl App for Router {
    fn into_router(self) -> Result<Router, Box<dyn Error + Send + Sync>> {
        Ok(self)
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> App for Result<Router, E> {
    fn into_router(self) -> Result<Router, Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}

/// Serves the app that `app` makes around the session layer, on 127.0.0.1, until ctrl-c.
///
/// Sessions are kept where `--sessions` says, under Flask's settings of the environment.
pub async fn run<A: App>(app: impl FnOnce(SessionLayer) -> A) -> ExitCode {
    run_with(|config| config, app).await
}

/// As [`run`], for an app that has settings of its own.
pub async fn run_with<A: App>(
    configure: impl FnOnce(SessionConfig) -> SessionConfig,
    app: impl FnOnce(SessionLayer) -> A,
) -> ExitCode {
    let Options { listen } = Options::parse();
    exit_status(serve(&listen, configure, app).await)
}

async fn serve<A: App>(
    listen: &Listen,
    configure: impl FnOnce(SessionConfig) -> SessionConfig,
    app: impl FnOnce(SessionLayer) -> A,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = configure(settings(random_key)?);
    let app = app(listen.sessions.sessions(&config).await?).into_router()?;
    Ok(listen.serve(app).await?)
}

/// Makes a key for one run, and says so: for [`settings`], where the environment has none.
///
/// ```
/// let config = hipflask_demo::settings(hipflask_examples::random_key)?;
/// # Ok::<(), hipflask::ConfigError>(())
/// ```
///
/// # Errors
///
/// [`ConfigError`] when the operating system gives no random bytes.
pub fn random_key() -> Result<SecretKey, ConfigError> {
    eprintln!("warning: FLASK_SECRET_KEY is not set: what is signed now is void after this run");
    SecretKey::random()
}
