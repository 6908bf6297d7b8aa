//! A small site with accounts: sign-up, log-in, a page for members, a profile that only its owner
//! changes, the list of a user's own sessions, and a page that takes the visitor's session cookie
//! apart.
//!
//! From the outside in: [`main`] reads the options, [`Listen`] serves, `routes` route through the
//! product's layers; guards decide who may pass, pages answer, [`Site`] holds the parts, and one file of
//! SQLite has users, sessions and who is remembered.

mod admin;
mod database;
mod error;
mod form;
mod guard;
mod indent;
mod key;
mod listen;
mod page;
mod private;
mod redirect;
mod routes;
mod sessions;
mod site;
mod time;
mod users;
mod view;

use std::{
    convert::Infallible, error::Error, net::SocketAddr, path::PathBuf, process::ExitCode,
    time::Duration,
};

use admin::Admin;
use clap::Parser;
use hipflask::password::Passwords;

pub use key::{KeyError, kept_key};
pub use listen::{Listen, ListenError, exit_status};
pub use sessions::{Address, SessionsError, settings};
pub use site::{Site, SiteError};

/// How often is looked for expired records.
const HOUR: Duration = Duration::from_secs(3600);

/// A small site with accounts, whose sessions are Flask's.
#[derive(Parser)]
#[command(name = "hipflask-demo", version)]
struct Options {
    #[command(flatten)]
    listen: Listen,

    /// Folder of the database and of the secret key; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,

    /// Where /healthz and /metrics are; without it, nowhere
    #[arg(long, value_name = "ADDR")]
    admin_listen: Option<SocketAddr>,
}

/// Runs the demo with the options of the command line, until ctrl-c.
pub async fn main() -> ExitCode {
    exit_status(run(&Options::parse()).await)
}

async fn run(options: &Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let admin = match options.admin_listen {
        Some(address) => Some(Admin::bind(address).await?),
        None => None,
    };
    let config = sessions::settings_here(&options.data)?;
    let address = options.listen.sessions.as_ref();
    let site = Site::open(&options.data, Passwords::new(), &config, address).await?;
    tokio::select! {
        served = options.listen.serve(site.clone().router()) => Ok(served?),
        never = keep_clean(&site) => match never {},
        failed = admin::serve(admin) => Ok(failed?),
    }
}

/// Removes what has expired from the database: SQLite does not do so by itself.
async fn keep_clean(site: &Site) -> Infallible {
    loop {
        match site.purge().await {
            Ok(1000) => continue,
            Ok(_) => {}
            Err(error) => eprintln!("cannot remove expired sessions: {error}"),
        }
        tokio::time::sleep(HOUR).await;
    }
}
