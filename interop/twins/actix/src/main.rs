//! The examples once more, in actix-web, by the adapter of `examples/actix`: the same pages, templates
//! and cookies.
//!
//! ```sh
//! cargo run -p hipflask-actix-twins -- counter
//! ```

mod apps;

use std::{env, error::Error, net::Ipv4Addr, sync::Arc};

use actix_web::{App, HttpServer, web::ServiceConfig};
use clap::{Parser, ValueEnum};
use hipflask::{SecretKey, SessionConfig, SessionInterface, templates::TemplateError};
use hipflask_actix_example::sessions;

/// An example of Flask's sessions in actix-web.
#[derive(Parser)]
struct Options {
    /// Which one
    #[arg(value_enum)]
    example: Example,

    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 5000)]
    port: u16,

    /// Where sessions are kept: cookie:, memory:, sqlite:PATH, redis://HOST, …
    #[arg(long, default_value = "cookie:")]
    sessions: String,
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
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let config = options.example.configure(config);
    let interface = SessionInterface::connect(&config, &options.sessions).await?;
    let routes = Arc::new(options.example.routes()?);
    let app =
        move || App::new().configure(|config| routes(config)).wrap(sessions(interface.clone()));
    let server = HttpServer::new(app).workers(2).shutdown_timeout(3);
    Ok(server.bind((Ipv4Addr::LOCALHOST, options.port))?.run().await?)
}
