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

use super::{super::ConnectError, Cursor, DynamoDbStore};

const ADDRESS: ConnectError = ConnectError::Address {
    expected: "dynamodb://REGION/TABLE or dynamodb://REGION/TABLE?endpoint=URL",
};
const ENDPOINT: ConnectError = ConnectError::Address {
    expected: "dynamodb://REGION/TABLE?endpoint=http://HOST:PORT or https://HOST",
};
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than what load balancers give a connection that nobody uses.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_CONNECTIONS: usize = 100;

impl DynamoDbStore {
    /// Takes a client from an address, `dynamodb://REGION/TABLE`, and credentials from the
    /// environment variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if it is set,
    /// `AWS_SESSION_TOKEN`. The option `endpoint` is the URL of another server than Amazon's.
    ///
    /// Nothing is asked yet: a wrong key or a missing table is an error of the first operation.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] when the address is not of this form, or a variable is not set.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        let Parts { region, table, endpoint } = Parts::of(url)?;
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(credentials()?)
            .http_client(http_client().map_err(ConnectError::Refused)?)
            .timeout_config(timeouts.build());
        config.set_endpoint_url(endpoint.map(str::to_owned));
        Ok(Self::from_client(&Client::from_conf(config.build()), table))
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
struct Parts<'a> {
    region: &'a str,
    table: &'a str,
    endpoint: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Result<Self, ConnectError> {
        let rest = url.strip_prefix("dynamodb://").ok_or(ADDRESS)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (region, table) = path.split_once('/').ok_or(ADDRESS)?;
        let is_word = |text: &str, others: &str| {
            text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        if region.is_empty() || !is_word(region, "-") {
            return Err(ADDRESS);
        }
        if !(3..=255).contains(&table.len()) || !is_word(table, "-_.") {
            return Err(ADDRESS);
        }
        let mut endpoint = None;
        for option in query.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=').unwrap_or((option, "")) {
                ("endpoint", url) if is_endpoint(url) => endpoint = Some(url),
                ("endpoint", _) => return Err(ENDPOINT),
                (name, _) => return Err(ConnectError::Option { name: name.to_owned() }),
            }
        }
        Ok(Self { region, table, endpoint })
    }
}

fn is_endpoint(url: &str) -> bool {
    let is_http =
        matches!(url.split_once("://"), Some(("http" | "https", host)) if !host.is_empty());
    is_http && !url.contains('@') && url.parse::<http::Uri>().is_ok()
}

fn credentials() -> Result<Credentials, ConnectError> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(id), Some(secret)) =
        (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
    else {
        return Err(ConnectError::Refused(
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: set them, or give a client \
             with other credentials to DynamoDbStore::from_client"
                .into(),
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
        let parts = Parts::of(url).map(|it| (it.region, it.table, it.endpoint));
        assert_eq!(parts.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn address_names_region_table_and_endpoint() {
        let form = "the store's address should be \
            dynamodb://REGION/TABLE or dynamodb://REGION/TABLE?endpoint=URL";
        let endpoint = "the store's address should be \
            dynamodb://REGION/TABLE?endpoint=http://HOST:PORT or https://HOST";
        check("dynamodb://eu-central-1/Sessions", Ok(("eu-central-1", "Sessions", None)));
        check("dynamodb://eu-central-1/my.app_s-1?", Ok(("eu-central-1", "my.app_s-1", None)));
        check(
            "dynamodb://local/Sessions?endpoint=http://127.0.0.1:8000",
            Ok(("local", "Sessions", Some("http://127.0.0.1:8000"))),
        );
        check("dynamo://eu-central-1/Sessions", Err(form));
        check("dynamodb://eu-central-1", Err(form));
        check("dynamodb://eu-central-1/", Err(form));
        check("dynamodb:///Sessions", Err(form));
        check("dynamodb://eu-central-1/no", Err(form));
        check("dynamodb://eu-central-1/a/b/c", Err(form));
        check("dynamodb://id:secret@eu-central-1/Sessions", Err(form));
        check("dynamodb://r/Sessions?endpoint=127.0.0.1:8000", Err(endpoint));
        check("dynamodb://r/Sessions?endpoint=http://", Err(endpoint));
        check("dynamodb://r/Sessions?endpoint=http://id:secret@host", Err(endpoint));
        check("dynamodb://r/Sessions?endpoint", Err(endpoint));
        check(
            "dynamodb://r/Sessions?retries=3",
            Err("the store's address has an unknown option: retries"),
        );
    }
}
