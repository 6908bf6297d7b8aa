//! The outside of the demo: `--port`, `--sessions`, and a server that stops at ctrl-c.
//!
//! The outermost layer; knows nothing of the pages that it serves.

use std::{
    error::Error,
    io,
    net::{Ipv4Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use axum::Router;
use tokio::net::TcpListener;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::{self, format::FmtSpan},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{error::report, sessions::Address, site::SiteError};

/// How long requests that are under way may take to finish after ctrl-c.
const GRACE: Duration = Duration::from_secs(3);

/// Where to listen, and where sessions live.
///
/// ```
/// use clap::Parser;
/// use hipflask_demo::Listen;
///
/// #[derive(Parser)]
/// struct Options {
///     #[command(flatten)]
///     listen: Listen,
/// }
///
/// assert_eq!(Options::try_parse_from(["demo", "--port", "5001"])?.listen.port, 5001);
/// # Ok::<(), clap::Error>(())
/// ```
#[derive(Clone, Debug, clap::Args)]
#[non_exhaustive]
pub struct Listen {
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 5000)]
    pub port: u16,

    /// Where sessions are kept: cookie:, memory:, file:DIR, sqlite:PATH, redis://HOST, …; in the demo's
    /// own database unless this is given
    #[arg(long, value_name = "URL")]
    pub sessions: Option<Address>,
}

/// Why nothing is served.
///
/// ```
/// use hipflask_demo::ListenError;
///
/// let taken = std::io::Error::from(std::io::ErrorKind::AddrInUse);
/// let error = ListenError::Bind { address: ([127, 0, 0, 1], 5000).into(), source: taken };
/// assert!(error.to_string().contains("--port"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The address cannot be had, most often because another program has it.
    #[error("cannot listen on {address}: stop the program that does, or choose another --port")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The listener broke.
    #[error("cannot serve any longer")]
    Serve(#[from] io::Error),
}

impl Listen {
    /// Serves an app until ctrl-c.
    ///
    /// # Errors
    ///
    /// [`ListenError`] when the port cannot be had or the listener breaks.
    pub async fn serve(&self, app: Router) -> Result<(), ListenError> {
        // Why a session is refused, and why a page failed; with RUST_LOG=hipflask=debug, each span.
        let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
        let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
        let log = fmt::layer().with_writer(io::stderr).without_time();
        let log = log.with_span_events(FmtSpan::CLOSE);
        let _ = tracing_subscriber::registry().with(log).with(wanted).try_init();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = TcpListener::bind(address)
            .await
            .map_err(|source| ListenError::Bind { address, source })?;
        eprintln!("Listening on http://{} (ctrl-c stops)", listener.local_addr()?);
        tokio::select! {
            served = async { axum::serve(listener, app).with_graceful_shutdown(ctrl_c()).await } => {
                Ok(served?)
            }
            () = overdue() => Ok(()),
        }
    }
}

/// Says on standard error what went wrong, with its causes, and turns it into an exit status: 2 for
/// wrong usage, otherwise 1.
pub fn exit_status(result: Result<(), Box<dyn Error + Send + Sync>>) -> ExitCode {
    let Err(error) = result else { return ExitCode::SUCCESS };
    report(&*error);
    match error.downcast_ref() {
        Some(SiteError::Sessions(error)) if error.is_usage() => ExitCode::from(2),
        _ => ExitCode::FAILURE,
    }
}

async fn ctrl_c() {
    // Without a handler ctrl-c still ends the program, only less politely.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Ends some time after ctrl-c: a browser may hold a connection open for ever.
async fn overdue() {
    ctrl_c().await;
    tokio::time::sleep(GRACE).await;
}
