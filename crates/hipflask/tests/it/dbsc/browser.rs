//! A client of our own that plays the browser's part of the draft: it makes keys, keeps cookies, registers when asked,
//! and refreshes before a request whose short-lived cookie is missing.

use axum::{Router, body::Body};
use hipflask::{
    SessionLayer,
    core::encoding::{decode_url, encode_url},
    testing::TestClient,
};
use http::{Request, Response, StatusCode};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value as Json, json};

pub(super) const COOKIE: &str = "__Host-device";
pub(super) const REGISTRATION: &str = "/dbsc/registration";
pub(super) const REFRESH: &str = "/dbsc/refresh";

pub(super) type Answer = Response<String>;

/// A key that a browser has made.
#[derive(Clone)]
pub(super) struct Key(std::sync::Arc<EcdsaKeyPair>);

impl Key {
    pub(super) fn generate() -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap().into())
    }

    pub(super) fn jwk(&self) -> Json {
        let point = self.0.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(encode_url);
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    }

    /// Signs a JWT of any header and claims.
    pub(super) fn sign(&self, header: &Json, claims: &Json) -> String {
        let [header, claims] = [header, claims].map(|json| encode_url(json.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", encode_url(signature.as_ref()))
    }

    pub(super) fn register(&self, challenge: &str) -> String {
        let header = json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": self.jwk()});
        self.sign(&header, &json!({"jti": challenge}))
    }

    pub(super) fn refresh(&self, challenge: &str) -> String {
        self.sign(&json!({"alg": "ES256", "typ": "dbsc+jwt"}), &json!({"jti": challenge}))
    }
}

/// What a browser keeps of a session that is bound.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) refresh: String,
    pub(super) cookie: String,
    pub(super) challenge: Option<String>,
    pub(super) key: Key,
}

#[derive(Clone)]
pub(super) struct Browser {
    pub(super) client: TestClient<Router>,
    pub(super) kept: Option<Kept>,
    /// Where the server wants a key, until the browser makes it.
    pub(super) offer: Option<(String, String)>,
    pub(super) can_bind: bool,
    /// Chromium does not put its strings between quotation marks.
    pub(super) quotes: bool,
    /// How many requests the last refresh took.
    pub(super) n_refreshes: usize,
}

impl Browser {
    pub(super) fn new(app: &Router, sessions: &SessionLayer) -> Self {
        let client = TestClient::new(app.clone(), sessions);
        Self { client, kept: None, offer: None, can_bind: true, quotes: true, n_refreshes: 0 }
    }

    /// Loads a page as browsers do: refreshes first if it must, and registers afterwards if asked to.
    pub(super) async fn get(&mut self, path: &str) -> Answer {
        if self.kept.as_ref().is_some_and(|kept| self.client.cookie(&kept.cookie).is_none()) {
            self.refresh().await;
        }
        let answer = self.load(path).await;
        if self.can_bind && self.offer.is_some() {
            assert_eq!(self.register().await.status(), StatusCode::OK);
        }
        answer
    }

    pub(super) async fn text(&mut self, path: &str) -> String {
        self.get(path).await.into_body()
    }

    /// Loads a page, and only notes what the server wants.
    pub(super) async fn load(&mut self, path: &str) -> Answer {
        let answer = self.client.get(path).await;
        if let Some(header) = answer.headers().get("secure-session-registration") {
            self.offer = Some(offered(header.to_str().unwrap()));
        }
        answer
    }

    /// Makes a key, and has the session bound to it.
    pub(super) async fn register(&mut self) -> Answer {
        let (path, challenge) = self.offer.take().unwrap();
        let key = Key::generate();
        let proof = key.register(&challenge);
        let answer = self.post(&path, &[("Secure-Session-Response", &proof)]).await;
        if answer.status() == StatusCode::OK {
            let told: Json = serde_json::from_str(answer.body()).unwrap();
            assert_eq!(told["scope"]["include_site"], false);
            let [id, refresh, cookie] = [
                &told["session_identifier"],
                &told["refresh_url"],
                &told["credentials"][0]["name"],
            ]
            .map(|text| text.as_str().unwrap().to_owned());
            self.kept = Some(Kept { id, refresh, cookie, challenge: None, key });
        }
        answer
    }

    /// Asks for a new cookie, and proves what the server wants proved.
    pub(super) async fn refresh(&mut self) -> Option<Answer> {
        for n in 1.. {
            let kept = self.kept.clone()?;
            let proof = kept.challenge.as_deref().map(|challenge| kept.key.refresh(challenge));
            let mut headers = vec![("Sec-Secure-Session-Id", &*kept.id)];
            headers.extend(proof.iter().map(|proof| ("Secure-Session-Response", &**proof)));
            let answer = self.post(&kept.refresh, &headers).await;
            self.n_refreshes = n;
            match answer.status() {
                StatusCode::FORBIDDEN if n < 5 => {
                    let challenge = challenged(&answer, &kept.id).unwrap();
                    self.kept.as_mut().unwrap().challenge = Some(challenge);
                }
                status => {
                    if status.is_client_error() {
                        self.kept = None;
                    }
                    return Some(answer);
                }
            }
        }
        None
    }

    pub(super) async fn post(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path);
        for (name, value) in headers {
            let value = if self.quotes { format!("\"{value}\"") } else { (*value).to_owned() };
            request = request.header(*name, value);
        }
        self.client.send(request.body(Body::empty()).unwrap()).await
    }
}

fn offered(header: &str) -> (String, String) {
    let rest = header.strip_prefix("(ES256);path=\"").unwrap();
    let (path, rest) = rest.split_once("\";challenge=\"").unwrap();
    (path.to_owned(), rest.strip_suffix('"').unwrap().to_owned())
}

/// Returns the challenge of an answer, if it is for this session.
pub(super) fn challenged(answer: &Answer, id: &str) -> Option<String> {
    let header = answer.headers().get("secure-session-challenge")?.to_str().unwrap();
    let rest = header.strip_suffix(&format!("\";id=\"{id}\""))?;
    Some(rest.strip_prefix('"').unwrap().to_owned())
}

/// Returns the claims of a token of this server.
pub(super) fn payload(token: &str) -> Vec<u8> {
    decode_url(token.split('.').next().unwrap().as_bytes()).unwrap()
}
