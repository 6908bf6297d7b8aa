//! A small site with accounts: sign-up, log-in, a page for members, a profile that only its owner
//! changes. Passwords are hashed by bcrypt, as many Flask apps do, so that one beside it knows them.
//!
//! ```sh
//! cargo run --example accounts
//! ```

use std::{collections::BTreeMap, env, fmt::Display, fs, path::PathBuf, sync::Arc};

use axum::{
    Form, Router,
    extract::{FromRequestParts, Path},
    http::{StatusCode, header::LOCATION, request::Parts},
    response::{IntoResponse, Response, Result},
    routing::{get, post},
};
use clap::Parser;
use hipflask::{
    Error, SecretKey, Session, SessionConfig, SessionLayer,
    password::{Passwords, Scheme},
    templates::{Page, Routes, Serde, TemplateError, Templates, context, minijinja},
};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Options {
    /// Port on 127.0.0.1
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// Where sessions are kept: cookie:, memory:, file:DIR, sqlite:PATH, redis://HOST, …
    #[arg(long, default_value = "cookie:")]
    sessions: String,
    /// Folder of the database; made if it is not there
    #[arg(long, default_value = "demo-data")]
    data: PathBuf,
}

/// `AUTOINCREMENT` never uses an id twice: an old cookie may still hold the id of a deleted user.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS users (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    username      TEXT NOT NULL UNIQUE COLLATE NOCASE,
    email         TEXT NOT NULL,
    bio           TEXT NOT NULL DEFAULT '',
    password_hash TEXT NOT NULL
)";

/// bcrypt reads no further.
const LONGEST_PASSWORD: usize = 72;

/// What all pages share.
struct Shared {
    users: SqlitePool,
    templates: Templates,
    passwords: Passwords,
}

type Site = Arc<Shared>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { port, sessions, data } = Options::parse();
    if env::var_os("FLASK_SECRET_KEY").is_none() {
        eprintln!("warning: FLASK_SECRET_KEY is not set: sessions end with this run");
    }
    let config = SessionConfig::new(SecretKey::random()?).with_vars("FLASK", env::vars_os())?;
    let app = Router::new()
        .route("/", get(home))
        .route("/signup", get(sign_up_form).post(sign_up))
        .route("/login", get(log_in_form).post(log_in))
        .route("/welcome", get(welcome))
        .route("/logout", post(log_out))
        .route("/users/{id}", get(profile))
        .route("/users/{id}/edit", get(edit_form).post(edit))
        .route("/users/{id}/delete", post(delete))
        .with_state(site(data).await?)
        .layer(SessionLayer::connect(&config, &sessions).await?);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    eprintln!("Listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

async fn site(data: PathBuf) -> Result<Site, Box<dyn std::error::Error>> {
    fs::create_dir_all(&data)?;
    let file = SqliteConnectOptions::new().filename(data.join("accounts.sqlite3"));
    let users = SqlitePool::connect_with(file.create_if_missing(true)).await?;
    sqlx::raw_sql(SCHEMA).execute(&users).await?;
    let routes = Routes::new()
        .with("home", "/")
        .with("signup", "/signup")
        .with("login", "/login")
        .with("welcome", "/welcome")
        .with("logout", "/logout")
        .with("show_user", "/users/{id}")
        .with("edit_user", "/users/{id}/edit")
        .with("delete_user", "/users/{id}/delete");
    let templates = Templates::new(routes)
        .with_source("base.html", include_str!("templates/accounts/base.html"))?
        .with_source("field.html", include_str!("templates/accounts/field.html"))?
        .with_source("home.html", include_str!("templates/accounts/home.html"))?
        .with_source("signup.html", include_str!("templates/accounts/signup.html"))?
        .with_source("login.html", include_str!("templates/accounts/login.html"))?
        .with_source("welcome.html", include_str!("templates/accounts/welcome.html"))?
        .with_source("profile.html", include_str!("templates/accounts/profile.html"))?
        .with_source("edit.html", include_str!("templates/accounts/edit.html"))?;
    let passwords = Passwords::new().with_scheme(Scheme::BCRYPT);
    Ok(Arc::new(Shared { users, templates, passwords }))
}

// --- who the visitor is, and who may pass

#[derive(Clone, Serialize)]
struct User {
    id: i64,
    username: String,
    email: String,
    bio: String,
}

struct Visitor {
    site: Site,
    session: Session,
    user: Option<User>,
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        let session = Session::from_request_parts(parts, site).await.map_err(Error::from)?;
        let user = match session.get("user_id") {
            Ok(Some(id)) => site.user(id).await?,
            _ => None,
        };
        if user.is_none() {
            // The id of a deleted user, or something that another app with the same key has put there.
            session.remove("user_id")?;
        }
        Ok(Self { site: Arc::clone(site), session, user })
    }
}

impl Visitor {
    /// Turns away who is logged in. Async, as guards are that ask a database.
    async fn guest(&self) -> Result<(), Response> {
        match &self.user {
            None => Ok(()),
            Some(_) => Err(self.go("/welcome", "info", "You are logged in already")?),
        }
    }

    /// Turns away who is not logged in.
    async fn member(&self) -> Result<User, Response> {
        match &self.user {
            Some(user) => Ok(user.clone()),
            None => Err(self.go("/login", "warning", "Please log in first")?),
        }
    }

    /// Turns away everybody but the user of an id.
    async fn owner(&self, id: i64) -> Result<User, Response> {
        let user = self.member().await?;
        if user.id == id {
            Ok(user)
        } else {
            Err(self.go("/welcome", "error", "Not Authorized")?)
        }
    }

    /// Sends the visitor to another page, which shows the message.
    fn go(&self, path: &str, category: &str, message: &str) -> Result<Response, Error> {
        self.session.flash(category, message)?;
        // As in Flask: 302. An app without a past in Flask takes axum's `Redirect::to`, which is 303.
        Ok((StatusCode::FOUND, [(LOCATION, path)]).into_response())
    }

    /// Renders a page, whose template gets the user as `g.user`.
    fn page(&self, name: &str, context: minijinja::Value) -> Result<Page, TemplateError> {
        let g = context! { user => Serde(&self.user) };
        self.site.templates.page_with_g(&self.session, g, name, context)
    }
}

type Id = Path<String>;

/// Reads an id in a path: as many digits as always fit an `i64`.
fn user_id(text: &str) -> Result<i64, StatusCode> {
    let is_id = text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_id).ok_or(StatusCode::NOT_FOUND)
}

// --- pages

async fn home(visitor: Visitor) -> Result<Page> {
    Ok(visitor.page("home.html", context! {})?)
}

async fn welcome(visitor: Visitor) -> Result<Page> {
    visitor.member().await?;
    Ok(visitor.page("welcome.html", context! {})?)
}

async fn sign_up_form(visitor: Visitor) -> Result<Page> {
    visitor.guest().await?;
    Ok(visitor.page("signup.html", context! { form => context! {}, errors => context! {} })?)
}

async fn sign_up(visitor: Visitor, Form(form): Form<Fields>) -> Result<Response> {
    visitor.guest().await?;
    let form = form.tidied();
    let errors = form.errors(&["username", "email", "password"]);
    if !errors.is_empty() {
        let page = visitor.page("signup.html", context! { form => Serde(form), errors })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    if !visitor.site.add(form).await? {
        return Ok(visitor.go("/signup", "error", "Username already taken")?);
    }
    Ok(visitor.go("/login", "success", "Account created, now log in")?)
}

async fn log_in_form(visitor: Visitor) -> Result<Page> {
    visitor.guest().await?;
    Ok(visitor.page("login.html", context! {})?)
}

async fn log_in(visitor: Visitor, Form(form): Form<Fields>) -> Result<Response> {
    visitor.guest().await?;
    let Some(id) = visitor.site.verify(form.tidied()).await? else {
        return Ok(visitor.go("/login", "error", "Wrong username or password")?);
    };
    visitor.session.clear()?;
    // In a store, who has planted the session's id, or read it, does not get in with the user.
    visitor.session.renew()?;
    visitor.session.insert("user_id", id)?;
    Ok(visitor.go("/welcome", "success", "You are logged in")?)
}

async fn log_out(visitor: Visitor) -> Result<Response> {
    visitor.session.destroy()?;
    Ok(visitor.go("/login", "info", "You have been logged out")?)
}

async fn profile(Path(id): Id, visitor: Visitor) -> Result<Page> {
    let id = user_id(&id)?;
    visitor.member().await?;
    let user = visitor.site.user(id).await?.ok_or(StatusCode::NOT_FOUND)?;
    Ok(visitor.page("profile.html", context! { user => Serde(user) })?)
}

async fn edit_form(Path(id): Id, visitor: Visitor) -> Result<Page> {
    let user = visitor.owner(user_id(&id)?).await?;
    Ok(visitor.page("edit.html", context! { form => Serde(user), errors => context! {} })?)
}

async fn edit(Path(id): Id, visitor: Visitor, Form(form): Form<Fields>) -> Result<Response> {
    let user = visitor.owner(user_id(&id)?).await?;
    let form = form.tidied();
    let errors = form.errors(&["email", "bio"]);
    if !errors.is_empty() {
        let page = visitor.page("edit.html", context! { form => Serde(form), errors })?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    visitor.site.change(user.id, &form).await?;
    Ok(visitor.go(&format!("/users/{}", user.id), "success", "Profile updated")?)
}

async fn delete(Path(id): Id, visitor: Visitor) -> Result<Response> {
    let user = visitor.owner(user_id(&id)?).await?;
    visitor.site.delete(user.id).await?;
    visitor.session.destroy()?;
    Ok(visitor.go("/signup", "info", "Account deleted")?)
}

// --- what visitors type

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Fields {
    username: String,
    email: String,
    bio: String,
    #[serde(skip_serializing)] // never sent back
    password: String,
}

impl Fields {
    fn tidied(mut self) -> Self {
        for text in [&mut self.username, &mut self.email, &mut self.bio] {
            *text = text.trim().replace("\r\n", "\n");
        }
        self
    }

    /// Says for each of the fields that is not valid what to do about it.
    fn errors(&self, fields: &[&str]) -> BTreeMap<&'static str, &'static str> {
        let Self { username, email, bio, password } = self;
        let is_word = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
        let parts: Vec<_> = email.split('@').collect();
        let is_name = (3..=30).contains(&username.len()) && username.chars().all(is_word);
        let is_address = email.chars().count() <= 254
            && !email.contains(char::is_whitespace)
            && matches!(parts[..], [user, host] if !user.is_empty() && !host.is_empty());
        let is_password = password.chars().count() >= 8 && password.len() <= LONGEST_PASSWORD;
        let is_bio = bio.chars().count() <= 500;
        let name = "Use 3 to 30 letters, digits, dots, dashes or underscores";
        let rules = [
            ("username", is_name, name),
            ("email", is_address, "Enter an e-mail address"),
            ("password", is_password, "Use 8 to 72 characters"),
            ("bio", is_bio, "Use at most 500 characters"),
        ];
        let wrong = rules.into_iter().filter(|(field, ok, _)| fields.contains(field) && !ok);
        wrong.map(|(field, _, error)| (field, error)).collect()
    }
}

// --- users

impl Shared {
    async fn user(&self, id: i64) -> Result<Option<User>, Response> {
        let found = sqlx::query_as("SELECT username, email, bio FROM users WHERE id = ?").bind(id);
        let row = found.fetch_optional(&self.users).await.map_err(failed)?;
        Ok(row.map(|(username, email, bio)| User { id, username, email, bio }))
    }

    /// Adds a user; `false` when the name is taken.
    async fn add(&self, form: Fields) -> Result<bool> {
        let hash = self.passwords.hash_async(form.password).await.map_err(failed)?;
        let add = "INSERT INTO users (username, email, password_hash) VALUES (?, ?, ?)";
        let add = sqlx::query(add).bind(form.username).bind(form.email).bind(hash);
        match add.execute(&self.users).await {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            added => Ok(added.map(|_| true).map_err(failed)?),
        }
    }

    /// Returns whose name and password these are.
    async fn verify(&self, form: Fields) -> Result<Option<i64>> {
        let find = sqlx::query_as("SELECT id, password_hash FROM users WHERE username = ?");
        let found = find.bind(form.username).fetch_optional(&self.users).await.map_err(failed)?;
        let (id, hash) = found.unzip();
        let is_right = self.passwords.verify_async(hash, form.password).await.map_err(failed)?;
        Ok(id.filter(|_| is_right))
    }

    async fn change(&self, id: i64, form: &Fields) -> Result<()> {
        let change = sqlx::query("UPDATE users SET email = ?, bio = ? WHERE id = ?");
        let change = change.bind(&form.email).bind(&form.bio).bind(id);
        change.execute(&self.users).await.map_err(failed)?;
        Ok(())
    }

    async fn delete(&self, id: i64) -> Result<()> {
        let delete = sqlx::query("DELETE FROM users WHERE id = ?").bind(id);
        delete.execute(&self.users).await.map_err(failed)?;
        Ok(())
    }
}

/// Tells the operator what failed, and the visitor only that something did.
fn failed(error: impl Display) -> Response {
    eprintln!("error: {error}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
