//! Runs an example: reads the command line, finds a key, serves the app.

use std::{error::Error, process::ExitCode};

use axum::Router;
use clap::Parser;
use hipflask::SecretKey;
use hipflask_demo::{Listen, exit_status};

use crate::key::secret_key;

/// An example of Flask's sessions in Rust.
#[derive(Parser)]
struct Options {
    #[command(flatten)]
    listen: Listen,
}

/// Serves the app that `build` makes around a key, on 127.0.0.1, until ctrl-c.
pub async fn run<E>(build: impl FnOnce(SecretKey) -> Result<Router, E>) -> ExitCode
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let options = Options::parse();
    exit_status(serve(&options, build).await)
}

async fn serve<E>(
    options: &Options,
    build: impl FnOnce(SecretKey) -> Result<Router, E>,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let key = secret_key()?;
    let app = build(key).map_err(Into::into)?;
    Ok(options.listen.serve(app).await?)
}
