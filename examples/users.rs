//! Users as an app has them: guards, a way back after the log-in, remember me. With Flask-Login's keys,
//! so that a Flask app with the same key has the same user.
//!
//! ```sh
//! cargo run --example users
//! ```

use std::{collections::HashMap, env, sync::Arc};

use axum::{
    Form, Router,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use hipflask::{
    Result, SecretKey, Session, SessionConfig, SessionLayer,
    auth::{BoxError, CurrentUser, LogIn, LoginManager, Owned, SafeNext, User, UserLoader},
    password,
};
use serde::Deserialize;
use tokio::net::TcpListener;

/// What a row of an app's table of users has.
#[derive(Clone)]
struct Account {
    id: String,
    name: &'static str,
    hash: String,
}

impl User for Account {
    fn id(&self) -> String {
        self.id.clone()
    }
}

/// The table: an app has a database.
#[derive(Clone)]
struct Accounts(Arc<HashMap<String, Account>>);

impl UserLoader for Accounts {
    type User = Account;

    async fn load(&self, id: &str) -> std::result::Result<Option<Account>, BoxError> {
        Ok(self.0.get(id).cloned())
    }
}

const TRY: &str = r#"<p>Try <a href="/members">the members' page</a>, then log in as <code>ada</code> with
<code>correct horse</code>. Your page is <a href="/members/7">/members/7</a>, and another's is
<a href="/members/8">/members/8</a>.</p>"#;

const FORM: &str = r#"<form method="post">
<input name="name" placeholder="Name"> <input name="password" type="password" placeholder="Password">
<label><input name="remember" type="checkbox" value="yes"> Remember me</label>
<button>Log in</button></form>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hash = password::hash_async("correct horse").await?;
    // A Flask app with Flask-Security knows its users by their `fs_uniquifier`.
    let ada = Account { id: env::var("FS_UNIQUIFIER").unwrap_or("7".into()), name: "ada", hash };
    let accounts = Accounts(Arc::new(HashMap::from([(ada.id.clone(), ada)])));
    // At a site with https, `hardened()` guards the cookie with all that browsers offer. On plain http,
    // as here, they would not keep such a cookie.
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let sessions = env::var("SESSIONS").unwrap_or("memory:".into());
    let app = Router::new()
        .route("/", get(index))
        .route("/log_in", get(form).post(log_in))
        .route("/members", get(members))
        .route("/members/{id}", get(member))
        .route("/log_out", post(log_out))
        .with_state(accounts.clone())
        .layer(LoginManager::new(accounts).login_view("/log_in").with_flask_remember(&config)?)
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let address = env::var("ADDRESS").unwrap_or("127.0.0.1:5000".into());
    let listener = TcpListener::bind(address).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// Strangers are welcome here: `Option`.
async fn index(user: Option<CurrentUser<Account>>, session: Session) -> Result<Html<String>> {
    let hello = user.map(|user| format!("<p>Hello, {}!</p>\n", user.name)).unwrap_or_default();
    Ok(Html(format!("<h1>Users</h1>\n{}{hello}{TRY}", messages(&session)?)))
}

/// What earlier requests have flashed. It is no visitor's text, which would have to be escaped.
fn messages(session: &Session) -> Result<String> {
    let flashes = session.take_flashes()?.into_iter();
    Ok(flashes.map(|flash| format!("<p>{}</p>\n", flash.message())).collect())
}

/// The form is sent to its own address, and `next` stays in it.
async fn form(session: Session) -> Result<Html<String>> {
    Ok(Html(format!("<h1>Log in</h1>\n{}{FORM}", messages(&session)?)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Credentials {
    name: String,
    password: String,
    remember: Option<String>,
}

async fn log_in(
    session: Session,
    next: SafeNext,
    State(accounts): State<Accounts>,
    Form(form): Form<Credentials>,
) -> Result<Response> {
    let user = accounts.0.values().find(|user| user.name == form.name);
    // Without a hash, because nobody has that name, it takes as long: the time does not tell who exists.
    let hash = user.map(|user| user.hash.clone());
    let is_right = password::verify_async(hash, form.password).await?;
    let Some(user) = user.filter(|_| is_right) else {
        session.flash("error", "Wrong name or password")?;
        return Ok(Html(format!("<h1>Log in</h1>\n{}{FORM}", messages(&session)?)).into_response());
    };
    let how = if form.remember.is_some() { LogIn::new().remembered() } else { LogIn::new() };
    session.log_in_with(user.id(), &how)?;
    if env::var_os("FS_UNIQUIFIER").is_some() {
        // What Flask-Security looks for: when the password was given, and that the browser needs a new
        // CSRF cookie.
        session.insert("fs_paa", session.authenticated_at().map(|at| at.as_secs()))?;
        session.insert("fs_cc", "set")?;
    }
    session.flash("success", "You are logged in")?;
    Ok(Redirect::to(&next.or("/members")).into_response())
}

/// Only users get here: a guard is what a handler asks for.
async fn members(user: CurrentUser<Account>, session: Session) -> Result<Html<String>> {
    let log_out = r#"<form method="post" action="/log_out"><button>Log out</button></form>"#;
    Ok(Html(format!("<h1>Welcome, {}</h1>\n{}{log_out}", user.name, messages(&session)?)))
}

/// Only the user of this `{id}` gets here.
async fn member(user: Owned<Account>) -> String {
    format!("This is {}'s page.", user.name)
}

async fn log_out(session: Session) -> Result<Redirect> {
    session.log_out()?; // a copy of the cookie is void now, too
    session.flash("info", "You are logged out")?;
    Ok(Redirect::to("/"))
}
