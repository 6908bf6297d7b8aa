//! The examples once more, in actix-web: the same pages, templates and cookies.
//!
//! ```sh
//! cargo run -p hipflask-actix-example -- counter
//! ```

mod apps;

use std::{error::Error, net::Ipv4Addr, process::ExitCode, sync::Arc};

use actix_web::{App, HttpServer, web::ServiceConfig};
use clap::{Parser, ValueEnum};
use hipflask::{SessionConfig, templates::TemplateError};
use hipflask_actix_example::sessions;
use hipflask_demo::{Listen, exit_status, settings};
use hipflask_examples::random_key;

/// An example of Flask's sessions in actix-web.
#[derive(Parser)]
struct Options {
    /// Which one
    #[arg(value_enum)]
    example: Example,

    #[command(flatten)]
    listen: Listen,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Example {
    Cookies,
    Counter,
    Lifetime,
    Shop,
    SignIn,
    Stored,
}

/// What each worker does to get its routes.
type Routes = Box<dyn Fn(&mut ServiceConfig) + Send + Sync>;

impl Example {
    fn routes(self) -> Result<Routes, TemplateError> {
        Ok(match self {
            Self::Cookies => Box::new(apps::cookies::routes()?),
            Self::Counter => Box::new(apps::counter::routes),
            Self::Lifetime => Box::new(apps::lifetime::routes),
            Self::Shop => Box::new(apps::shop::routes()?),
            Self::SignIn => Box::new(apps::sign_in::routes()?),
            Self::Stored => Box::new(apps::stored::routes),
        })
    }

    fn configure(self, config: SessionConfig) -> SessionConfig {
        match self {
            Self::Lifetime => apps::lifetime::configure(config),
            _ => config,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_status(serve(Options::parse()).await)
}

async fn serve(Options { example, listen }: Options) -> Result<(), Box<dyn Error + Send + Sync>> {
    let config = example.configure(settings(random_key)?);
    let layer = listen.sessions.sessions(&config).await?;
    let routes = Arc::new(example.routes()?);
    let app = move || {
        App::new().configure(|config| routes(config)).wrap(sessions(layer.interface().clone()))
    };
    let server = HttpServer::new(app).workers(2).shutdown_timeout(3);
    Ok(server.bind((Ipv4Addr::LOCALHOST, listen.port))?.run().await?)
}
