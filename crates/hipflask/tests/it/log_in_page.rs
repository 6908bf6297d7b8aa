//! The program of docs/log_in.md, which is made of this file, as browsers meet it.

// The page begins here.
use axum::{Router, response::Redirect, routing::{get, post}};
use hipflask::auth::{BoxError, CurrentUser, LogIn, LoginManager, Owned, RememberSeries};
use hipflask::auth::{SafeNext, User, UserLoader};
use hipflask::{ConfigError, Result, Session, SessionConfig, SessionLayer, store::Store};

#[derive(Clone)]
struct Account { id: u64, name: String }

impl User for Account {
    fn id(&self) -> String { self.id.to_string() }
}

struct Accounts; // your database

impl UserLoader for Accounts {
    type User = Account;
    async fn load(&self, id: &str) -> Result<Option<Account>, BoxError> {
        Ok((id == "7").then(|| Account { id: 7, name: "Ada".into() }))
    }
}

async fn log_in(session: Session, next: SafeNext) -> Result<Redirect> { // the password was right
    session.log_in_with(7, &LogIn::new().keeping(["cart"]).remembered())?;
    Ok(Redirect::to(&next.or("/account")))
}
async fn log_out(session: Session) -> Result<Redirect> {
    session.log_out()?;
    session.flash("message", "Good-bye!")?; // lies in a new session
    Ok(Redirect::to("/"))
}
async fn home(user: Option<CurrentUser<Account>>) -> String {
    user.map_or("Welcome!".into(), |user| format!("Welcome, {}!", user.name))
}
async fn account(user: CurrentUser<Account>) -> String { format!("You are {}.", user.name) }
async fn orders(Owned(user): Owned<Account>) -> String { format!("The orders of user {}", user.id) }

fn app(config: &SessionConfig, store: impl Store + Clone) -> Result<Router, ConfigError> {
    let series = RememberSeries::new(config, store.clone())?;
    let users = LoginManager::new(Accounts).login_view("/login").with_remember(series);
    Ok(Router::new()
        .route("/", get(home))
        .route("/account", get(account))
        .route("/users/{id}/orders", get(orders))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .layer(users) // inside of the sessions
        .layer(SessionLayer::stored(config, store)?))
}
// The page ends here.

use axum::http::{StatusCode, header::LOCATION};
use hipflask::{SecretKey, store::MemoryStore, testing::TestClient};

use crate::pages;

#[test]
fn page_has_the_program_of_this_file() {
    let (_, program) = include_str!("log_in_page.rs").split_once("begins here.\n").unwrap();
    let (program, _) = program.split_once("// The page ends").unwrap();
    let runs = "# let config = SessionConfig::new(hipflask::SecretKey::random().unwrap()).hardened();
# app(&config, hipflask::store::MemoryStore::new()).unwrap();";
    pages::check("log_in.md", "program", &format!("```rust\n{program}{runs}\n```\n"));
}

fn browser() -> TestClient<Router> {
    let config = SessionConfig::new(SecretKey::random().unwrap()).hardened();
    let store = MemoryStore::new();
    let sessions = SessionLayer::stored(&config, store.clone()).unwrap();
    TestClient::new(app(&config, store).unwrap(), &sessions)
}

#[tokio::test]
async fn page_lets_pass_whom_it_says() -> Result<()> {
    let mut browser = browser();
    assert_eq!(browser.get("/").await.body(), "Welcome!");
    let log_in = browser.get("/users/7/orders").await.headers()[LOCATION].clone();
    assert_eq!(log_in, "/login?next=%2Fusers%2F7%2Forders");
    browser.session_transaction(|session| session.insert("cart", ["tea"])).await?;
    let back = browser.post_form(log_in.to_str().unwrap(), &[]).await;
    assert_eq!(back.headers()[LOCATION], "/users/7/orders");
    assert_eq!(browser.get("/users/7/orders").await.body(), "The orders of user 7");
    assert_eq!(browser.get("/users/8/orders").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(browser.get("/account").await.body(), "You are Ada.");
    let cart = browser.session_transaction(|session| session.get::<Vec<String>>("cart")).await?;
    assert_eq!(cart.unwrap(), ["tea"], "what is named stays");

    browser.restart();
    assert_eq!(browser.get("/").await.body(), "Welcome, Ada!", "who is remembered");
    browser.post_form("/logout", &[]).await;
    assert_eq!(browser.get("/").await.body(), "Welcome!");
    let flashes = browser.session_transaction(|session| session.take_flashes()).await?;
    assert_eq!(flashes[0].message(), "Good-bye!");
    Ok(())
}
