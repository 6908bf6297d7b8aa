//! DynamoDB, as two servers that speak its language.

#![expect(clippy::unwrap_used, reason = "clippy exempts tests, but not the functions they share")]

mod connecting;
mod failing;
mod records;
mod table;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use aws_sdk_dynamodb::{
    Client,
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors},
    error::BoxError,
    primitives::Blob,
    types::AttributeValue,
};
use hipflask::store::{DynamoDbStore, RecordKey, Replaced, Store};
use hipflask_servers::{DynamoDb, dynamodb::SECRET_ACCESS_KEY};

const HOUR: Duration = Duration::from_secs(3600);

const RETIRED: &[u8] = b"\xc0";

#[derive(Clone, Debug, Default)]
struct Requests(Arc<AtomicUsize>);

impl Requests {
    fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "requests"
    }

    fn read_before_transmit(
        &self,
        _: &interceptors::BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// A server with its table, a client, and a store that counts its requests.
pub(crate) struct Rig {
    server: DynamoDb,
    client: Client,
    pub(crate) store: DynamoDbStore,
    requests: Requests,
}

async fn rig(server: DynamoDb) -> Rig {
    let requests = Requests::default();
    let client = Client::from_conf(server.config(SECRET_ACCESS_KEY).build());
    let counted = server.config(SECRET_ACCESS_KEY).interceptor(requests.clone()).build();
    let store = DynamoDbStore::from_client(&Client::from_conf(counted), "Sessions");
    store.prepare().await.unwrap();
    requests.take();
    Rig { server, client, store, requests }
}

pub(crate) async fn both() -> [Rig; 2] {
    [rig(DynamoDb::extenddb().unwrap()).await, rig(DynamoDb::dynoxide().unwrap()).await]
}

fn key(name: &str) -> RecordKey {
    RecordKey::new(format!("session:{name}"))
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

/// Puts an item as the table may have it from elsewhere; the expiration as it is written.
async fn put(rig: &Rig, id: &RecordKey, val: Option<&[u8]>, expiration: Option<String>) {
    let val = val.map(|val| AttributeValue::B(Blob::new(val)));
    let put = rig.client.put_item().table_name("Sessions");
    let mut put = put.item("id", AttributeValue::S(id.as_str().to_owned()));
    for (name, value) in [("val", val), ("expiration", expiration.map(AttributeValue::N))] {
        if let Some(value) = value {
            put = put.item(name, value);
        }
    }
    put.send().await.unwrap();
}

async fn expiration(rig: &Rig, id: &RecordKey) -> Option<String> {
    let get = rig.client.get_item().table_name("Sessions").consistent_read(true);
    let get = get.key("id", AttributeValue::S(id.as_str().to_owned()));
    let item = get.send().await.unwrap().item?;
    item.get("expiration").map(|number| number.as_n().unwrap().clone())
}

fn is_replaced(answer: &Replaced) -> bool {
    matches!(answer, Replaced::Replaced(_))
}

fn conflict(answer: Replaced) -> Vec<u8> {
    match answer {
        Replaced::Conflict(record) => record.payload,
        other => panic!("no conflict: {other:?}"),
    }
}
