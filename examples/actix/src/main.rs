//! A counter in the session, in actix-web, by the adapter that is this package's library.
//!
//! ```sh
//! cargo run -p hipflask-actix-example
//! ```

use std::env;

use actix_web::{App, HttpResponse, HttpServer, http::header::ContentType, web::get};
use hipflask::{SecretKey, SessionConfig, SessionInterface};
use hipflask_actix_example::{Error, Session, sessions};

const TRY: &str = r#"<h1>Flask's sessions in actix-web</h1>
<p>Count at <a href="/count">/count</a>, and end the session at <a href="/end">/end</a>.</p>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An app takes `SessionConfig::from_env()`: the Flask app's key, and its other settings.
    let config = SessionConfig::new(SecretKey::random()?);
    let interface = SessionInterface::signed(&config)?;
    let app = move || {
        App::new()
            .route("/", get().to(index))
            .route("/count", get().to(count))
            .route("/end", get().to(end))
            .wrap(sessions(interface.clone()))
    };
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let server = HttpServer::new(app).workers(2).bind(address)?;
    for address in server.addrs() {
        eprintln!("Listening on http://{address}");
    }
    Ok(server.run().await?)
}

async fn index() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).body(TRY)
}

async fn count(session: Session) -> Result<String, Error> {
    let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

async fn end(session: Session) -> Result<&'static str, Error> {
    session.destroy()?;
    Ok("ended")
}
