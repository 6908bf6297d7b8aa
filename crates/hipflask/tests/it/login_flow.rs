//! The recorded flows of a real app with Flask-Login, taken by an app with a `LoginManager`.

use std::{collections::BTreeMap, path::Path, time::Duration};

use axum::{Router, routing::get};
use hipflask::{
    Result, SecretKey, Session, SessionConfig, SessionLayer,
    auth::{
        BoxError, CurrentUser, LogIn, LoginManager, Protection, RememberCookie, RememberSigner,
        User, UserLoader,
    },
};
use hipflask_core::{
    auth::{IDENTIFIER, REMEMBER_SECONDS},
    cookie::{Attributes, SameSite},
    session::AUTHENTICATED,
    signing::KeyRing,
};
use http::{Request, Uri, header};
use serde_json::{Value as Json, json};
use tower::ServiceExt;

use crate::app::{self, lines, set_cookies, text};

#[derive(Clone)]
struct Account(String);

impl User for Account {
    fn id(&self) -> String {
        self.0.clone()
    }
}

struct Accounts;

impl UserLoader for Accounts {
    type User = Account;

    async fn load(&self, id: &str) -> std::result::Result<Option<Account>, BoxError> {
        Ok((id != "gone").then(|| Account(id.into())))
    }
}

async fn log_in(session: Session, uri: Uri) -> Result<()> {
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let asked: BTreeMap<_, _> = pairs.collect();
    let mut how = LogIn::new().with_fresh(!asked.contains_key("stale"));
    if asked.contains_key("r") {
        how = how.remembered();
    }
    if let Some(seconds) = asked.get("d") {
        how = how.remembered_for(Duration::from_secs_f64(seconds.parse().unwrap()));
    }
    session.log_in_with(*asked.get("u").unwrap_or(&"1"), &how)
}

async fn me(user: Option<CurrentUser<Account>>) -> String {
    user.map_or("False".into(), |user| format!("'{}'", user.id()))
}

fn site(row: &Json) -> Router {
    let config = SessionConfig::new(SecretKey::new("k").insecure_accept_weak());
    let signer = RememberSigner::new(&KeyRing::new("k")).unwrap();
    let mut remember = RememberCookie::new(signer);
    if let Some(name) = row["config"]["REMEMBER_COOKIE_NAME"].as_str() {
        let attributes = Attributes::new().with_http_only(false).with_secure(true);
        remember = remember
            .with_name(name)
            .with_duration(Duration::from_secs(10))
            .with_attributes(attributes.with_same_site(SameSite::Lax));
    }
    let mut manager =
        LoginManager::new(Accounts).login_view("/login").with_remember_cookie(remember);
    if let Some(protection) = row["protection"].as_str() {
        let protection = if protection == "basic" { Protection::Basic } else { Protection::Strong };
        manager = manager.with_protection(protection, |_, _| Some("127.0.0.1".into()));
    }
    Router::new()
        .route("/in", get(log_in))
        .route("/me", get(me))
        .route("/out", get(async |session: Session| session.log_out()))
        .route("/need", get(async |_: CurrentUser<Account>| ""))
        .route("/plain", get(async || ""))
        .route("/set", get(async |session: Session| session.insert("x", 1)))
        .route("/perm", get(async |session: Session| session.set_permanent(true)))
        .layer(manager)
        .route("/dump", get(dump))
        .layer(SessionLayer::signed(&config).unwrap().with_clock(|| app::NOW))
}

async fn dump(session: Session) -> Result<String> {
    let mut content: serde_json::Map<String, Json> = session.extract()?;
    content.remove(AUTHENTICATED);
    Ok(Json::Object(content).to_string())
}

/// Takes the steps as a browser, and returns what it has met.
async fn follow(row: &Json) -> Vec<Json> {
    let (app, mut jar) = (site(row), BTreeMap::new());
    let mut met = Vec::new();
    for step in row["steps"].as_array().unwrap() {
        let ask = |path: &str, jar: &BTreeMap<String, String>| {
            let cookies: Vec<_> =
                jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = Request::get(path)
                .header(header::USER_AGENT, step["user_agent"].as_str().unwrap())
                .header(header::COOKIE, cookies.join("; "));
            app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
        };
        let response = ask(step["path"].as_str().unwrap(), &jar).await.unwrap();
        let mut remembered = Vec::new();
        for line in set_cookies(&response) {
            let (name, rest) = line.split_once('=').unwrap();
            if line.contains("; Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
            }
            remembered.extend((name != "session").then(|| without_attributes_of_deletion(line)));
        }
        let (status, location) = (
            response.status().as_u16(),
            lines(response.headers(), header::LOCATION).first().map(|it| (*it).to_owned()),
        );
        let body = (status == 200).then_some(text(response).await);
        let session: Json =
            serde_json::from_str(&text(ask("/dump", &jar).await.unwrap()).await).unwrap();
        met.push(json!({"status": status, "location": location, "body": body,
            "remembered": remembered, "session": session}));
    }
    met
}

/// DIFFERENCE: Flask-Login's deletion has only `Domain` and `Path`.
fn without_attributes_of_deletion(line: &str) -> String {
    line.split_inclusive("; Max-Age=0").next().unwrap().to_owned()
}

fn recorded(row: &Json) -> Vec<Json> {
    let step = |step: &Json| {
        let cookies = step["set_cookie"].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
        let remembered: Vec<_> = cookies
            .filter(|it| !it.starts_with("session="))
            .map(without_attributes_of_deletion)
            .collect();
        let mut session = plain(&step["session_after"]);
        // DIFFERENCE: Flask-Login leaves it for ever, although nothing reads it again.
        let content = session.as_object_mut().unwrap();
        content.remove(REMEMBER_SECONDS);
        if row["protection"].is_null() {
            content.remove(IDENTIFIER); // DIFFERENCE: here only where somebody looks at it
        }
        json!({"status": step["status"], "location": step["location"], "body": step["body"],
            "remembered": remembered, "session": session})
    };
    row["steps"].as_array().unwrap().iter().map(step).collect()
}

fn plain(described: &Json) -> Json {
    let content = &described["v"];
    let items = || content.as_array().unwrap();
    match described["t"].as_str().unwrap() {
        "dict" => {
            let key = |pair: &Json| pair[0]["v"].as_str().unwrap().to_owned();
            Json::Object(items().iter().map(|pair| (key(pair), plain(&pair[1]))).collect())
        }
        "list" | "tuple" => items().iter().map(plain).collect(),
        "int" => {
            content.as_str().map_or(content.clone(), |digits| digits.parse::<i64>().unwrap().into())
        }
        _ => content.clone(),
    }
}

/// Why a flow goes another way here, if it does.
fn difference(row: &Json) -> Option<&'static str> {
    let protection = row["protection"].as_str();
    match paths(row)[..] {
        ["/set", "/me"] if protection.is_some() => Some("nobody is logged in: nothing to protect"),
        ["/need", "/in"] => Some("log-in keeps nothing of the anonymous visitor that is not named"),
        _ => None,
    }
}

fn paths(row: &Json) -> Vec<&str> {
    row["steps"].as_array().unwrap().iter().map(|step| step["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn flows_are_flask_logins() {
    let file = "../hipflask-core/tests/vectors/extensions.jsonl";
    let rows = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let (mut n_same, mut n_different, mut n_left) = (0, 0, 0);
    for row in rows.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()) {
        if row["kind"] != "login_flow" {
            continue;
        }
        let config = &row["config"];
        let has_foreign_setting = ["REMEMBER_COOKIE_REFRESH_EACH_REQUEST", "USE_SESSION_FOR_NEXT"]
            .iter()
            .any(|name| !config[name].is_null());
        let has_foreign_page = paths(&row).iter().any(|path| ["/fresh", "/confirm"].contains(path));
        if has_foreign_setting || has_foreign_page {
            n_left += 1;
            continue;
        }
        let (met, recorded) = (follow(&row).await, recorded(&row));
        match difference(&row) {
            None => {
                assert_eq!(met, recorded, "{} {config} {:?}", row["protection"], paths(&row));
                n_same += 1;
            }
            Some(reason) => {
                assert_ne!(met, recorded, "no difference after all: {reason}");
                n_different += 1;
            }
        }
    }
    assert_eq!((n_same, n_different, n_left), (52, 8, 66));
}
