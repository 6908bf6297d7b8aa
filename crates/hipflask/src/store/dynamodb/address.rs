//! `dynamodb://REGION/TABLE[?endpoint=URL]` ⇄ a client, or the application's own client.

use std::{env, error::Error, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, Region, SharedHttpClient, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    pool::{Client as Http, ConnectionPool},
    tls::{Provider, rustls_provider::CryptoMode},
};

use super::{Cursor, DynamoDbStore};
use crate::store::{
    ConnectError, RecordKey, Store,
    address::{split_options, unknown_option},
};

const ADDRESS: ConnectError = ConnectError::Address {
    expected: "dynamodb://REGION/TABLE, or dynamodb://REGION/TABLE?endpoint=http://HOST:PORT",
};
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than what load balancers give a connection that nobody uses.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_CONNECTIONS: usize = 100;

impl DynamoDbStore {
    /// Takes a client from an address, `dynamodb://REGION/TABLE`. The option `endpoint` is the URL
    /// of another server than Amazon's. Credentials are the options `access_key_id`,
    /// `secret_access_key` and perhaps `session_token`, or else the environment variables
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if it is set, `AWS_SESSION_TOKEN`.
    ///
    /// Nothing is asked yet: a wrong key or a missing table is an error of the first operation. With
    /// the option `create=true`, the table is created if it cannot be read.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the address is not of this form, or a variable is not set.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let Parts { region, table, endpoint, credentials, create } = Parts::of(url)?;
        let credentials = credentials.map_or_else(from_environment, Ok)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(credentials)
            .http_client(http_client().map_err(ConnectError::refused)?)
            .timeout_config(timeouts.build());
        config.set_endpoint_url(endpoint);
        let store = Self::from_client(&Client::from_conf(config.build()), table);
        if create && store.load(&RecordKey::new("create"), None).await.is_err() {
            store.create_table().await?;
        }
        Ok(store)
    }

    /// Takes an application's own client, which brings its region, credentials and timeouts.
    ///
    /// Its retries are switched off here, see [`DynamoDbStore`].
    pub fn from_client(client: &Client, table: impl Into<Arc<str>>) -> Self {
        let config = client.config().to_builder().retry_config(RetryConfig::disabled());
        Self {
            client: Client::from_conf(config.build()),
            table: table.into(),
            purged: Cursor::default(),
        }
    }
}

/// An address, taken apart.
struct Parts {
    region: String,
    table: String,
    endpoint: Option<String>,
    credentials: Option<Credentials>,
    create: bool,
}

impl Parts {
    fn of(url: &str) -> Result<Self, ConnectError> {
        let (path, options) = split_options(url.strip_prefix("dynamodb://").ok_or(ADDRESS)?)?;
        let (region, table) = path.split_once('/').ok_or(ADDRESS)?;
        let is_word = |text: &str, others: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        let is_region = !region.is_empty() && is_word(region, "-");
        if !is_region || !(3..=255).contains(&table.len()) || !is_word(table, "-_.") {
            return Err(ADDRESS);
        }
        let (mut endpoint, mut id, mut secret, mut token) = (None, None, None, None);
        let mut create = false;
        for (name, value) in options {
            let option = match name.as_str() {
                "endpoint" if is_endpoint(&value) => &mut endpoint,
                "access_key_id" => &mut id,
                "secret_access_key" => &mut secret,
                "session_token" => &mut token,
                "create" => {
                    create = value.parse().map_err(|_| unknown_option(&name))?;
                    continue;
                }
                _ => return Err(unknown_option(&name)),
            };
            *option = Some(value).filter(|value| !value.is_empty());
        }
        let credentials = match (id, secret) {
            (Some(id), Some(secret)) => Some(Credentials::new(id, secret, token, None, "address")),
            (None, None) if token.is_none() => None,
            (None, _) => return Err(unknown_option("access_key_id")),
            (_, None) => return Err(unknown_option("secret_access_key")),
        };
        let (region, table) = (region.to_owned(), table.to_owned());
        Ok(Self { region, table, endpoint, credentials, create })
    }
}

fn is_endpoint(url: &str) -> bool {
    let is_http =
        matches!(url.split_once("://"), Some(("http" | "https", host)) if !host.is_empty());
    is_http && !url.contains('@') && url.parse::<http::Uri>().is_ok()
}

fn from_environment() -> Result<Credentials, ConnectError> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(id), Some(secret)) =
        (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
    else {
        return Err(ConnectError::refused(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: set them, or name the keys \
             in the address, or give a client to DynamoDbStore::from_client",
        ));
    };
    Ok(Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
}

fn http_client() -> Result<SharedHttpClient, Box<dyn Error + Send + Sync>> {
    let pool = ConnectionPool::builder()
        .idle_timeout(IDLE_TIMEOUT)
        .max_connections_per_host(MAX_CONNECTIONS)
        .tls_provider(Provider::rustls(CryptoMode::Ring))
        .build_https()?;
    Ok(SharedHttpClient::new(Http::new(&pool)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: Result<(&str, &str, Option<&str>), &str>) {
        let found = Parts::of(url).map_err(|error| error.to_string());
        let found = found.as_ref().map(|it| (&*it.region, &*it.table, it.endpoint.as_deref()));
        assert_eq!(found.map_err(String::as_str), expected);
    }

    #[test]
    fn address_names_region_table_and_endpoint() {
        let form = "the address of a session store must be dynamodb://REGION/TABLE, or \
            dynamodb://REGION/TABLE?endpoint=http://HOST:PORT";
        let wrong = |name| {
            let option = format!("the address of the session store has the option `{name}`");
            option + ", which is unknown or wrong"
        };
        let local = "http://127.0.0.1:8000";
        check("dynamodb://eu-central-1/Sessions", Ok(("eu-central-1", "Sessions", None)));
        check("dynamodb://eu-central-1/my.app_s-1?", Ok(("eu-central-1", "my.app_s-1", None)));
        let with_endpoint = format!("dynamodb://r/Sessions?endpoint={local}");
        check(&with_endpoint, Ok(("r", "Sessions", Some(local))));
        check(
            "dynamodb://r/Sessions?endpoint=https%3A%2F%2Fhost",
            Ok(("r", "Sessions", Some("https://host"))),
        );
        for other in [
            "dynamo://eu-central-1/Sessions",
            "dynamodb://eu-central-1",
            "dynamodb://eu-central-1/",
            "dynamodb:///Sessions",
            "dynamodb://eu-central-1/no",
            "dynamodb://eu-central-1/a/b/c",
            "dynamodb://id:secret@eu-central-1/Sessions",
        ] {
            check(other, Err(form));
        }
        for endpoint in ["127.0.0.1:8000", "http://", "http://id:secret@host", "ftp://host", ""] {
            check(&format!("dynamodb://r/Sessions?endpoint={endpoint}"), Err(&wrong("endpoint")));
        }
        check("dynamodb://r/Sessions?retries=3", Err(&wrong("retries")));
        check("dynamodb://r/Sessions?create=true", Ok(("r", "Sessions", None)));
        check("dynamodb://r/Sessions?create=yes", Err(&wrong("create")));
        let secret = "secret_access_key=a%2Bb";
        check(&format!("dynamodb://r/Sessions?{secret}"), Err(&wrong("access_key_id")));
        check("dynamodb://r/Sessions?session_token=T", Err(&wrong("access_key_id")));
        check("dynamodb://r/Sessions?access_key_id=I", Err(&wrong("secret_access_key")));
        let keys = format!("access_key_id=I&{secret}");
        let parts = Parts::of(&format!("dynamodb://r/Sessions?{keys}&session_token=T")).ok();
        let keys = parts.and_then(|parts| parts.credentials).unwrap();
        assert_eq!((keys.access_key_id(), keys.secret_access_key()), ("I", "a+b"));
        assert_eq!(keys.session_token(), Some("T"));
    }
}
