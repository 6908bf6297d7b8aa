//! Sessions in a DynamoDB table, laid out as Flask-Session lays them out: the string `id`, the
//! binary `val`, and `expiration`, a number of Unix seconds on which a time to live can be set.
//!
//! The last stage of the flow; knows nothing of what is in a record. Every write carries a
//! condition, and the answer to a failed condition carries the item, so each method is one round
//! trip; only extending a life on the way may take a second one, see [`DynamoDbStore`].
//!
//! `connect` takes credentials from the address or the environment only: no profiles, no instance
//! metadata, no roles. An application that needs them has a client of its own and gives it to `from_client`.

mod address;
mod error;
mod item;
mod table;

use std::{fmt, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{
        Put, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure, TransactWriteItem,
        Update,
    },
};
use hipflask_core::record::Format;

use self::{
    error::{Failure, ask, replaced},
    item::{Found, Item, Now, bytes, check_size, found, key_of, text},
    table::Cursor,
};
use super::{
    Created, Deleted, Entry, Page, Record, RecordKey, Renewal, Replaced, Revision, Store,
    StoreError, Touch, async_trait,
};

/// Holds for a record that is there; an expired item may stay for days until it is removed.
const LIVE: &str =
    "attribute_exists(val) AND (attribute_not_exists(expiration) OR expiration > :now)";
/// The opposite of [`LIVE`], spelt out because a comparison with what is of another type is never
/// true.
const DEAD: &str = "attribute_not_exists(val) OR expiration <= :now \
    OR attribute_exists(expiration) AND NOT attribute_type(expiration, :number)";
const UNCHANGED: &str =
    "val = :current AND (attribute_not_exists(expiration) OR expiration > :now)";
const TOUCHABLE: &str = "attribute_type(val, :binary) AND NOT val IN (:msgpack, :json, :pickle) \
    AND (attribute_not_exists(expiration) OR expiration > :now AND expiration < :due)";
const WRITE: &str = "SET val = :val, expiration = :expiration";
const EXTEND: &str = "SET expiration = :expiration";

/// Keeps sessions in a DynamoDB table.
///
/// Reading is a consistent `GetItem`. Where it is to extend a life, that is a second request if it
/// is due, because a conditional update costs five times a read or more even if it changes nothing;
/// where every read extends it (`touch_after` is 0), one update does both.
///
/// Requests are repeated only if DynamoDB says that they did nothing, for another transaction was
/// under way: a write that was repeated after a lost answer would meet itself and look like a
/// conflict.
///
/// ```
/// use aws_sdk_dynamodb::{Client, Config, config::{BehaviorVersion, Region}};
/// use hipflask::store::DynamoDbStore;
///
/// let config = Config::builder()
///     .behavior_version(BehaviorVersion::latest())
///     .region(Region::new("eu-central-1"));
/// let store = DynamoDbStore::from_client(&Client::from_conf(config.build()), "Sessions");
/// assert_eq!(format!("{store:?}"), "DynamoDbStore { table: \"Sessions\", .. }");
/// ```
#[derive(Clone)]
pub struct DynamoDbStore {
    client: Client,
    table: Arc<str>,
    purged: Cursor,
}

#[async_trait]
impl Store for DynamoDbStore {
    fn system(&self) -> &'static str {
        "aws.dynamodb"
    }

    fn record_format(&self) -> Option<Format> {
        None
    }

    fn renews_at_once(&self) -> bool {
        true
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.create_table().await
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Record>, StoreError> {
        let always = touch.filter(|touch| touch.when_below >= touch.ttl);
        if let Some(touch) = always
            && let Some(answer) = self.load_and_touch(key, touch).await?
        {
            return Ok(answer);
        }
        let get = self.client.get_item().table_name(&*self.table).consistent_read(true);
        let get = get.key("id", key_of(key)?);
        let now = Now::read();
        let item = found(ask(|| get.clone().send()).await?.item, now);
        let due = touch.filter(|touch| {
            let is_due = |item: &Found| item.left.is_none_or(|left| touch.is_due(left));
            always.is_none()
                && item.as_ref().is_some_and(|it| !it.record.is_retired() && is_due(it))
        });
        if let Some(touch) = due
            && let Some(answer) = self.load_and_touch(key, touch).await?
        {
            return Ok(answer);
        }
        Ok(item.map(|item| item.record))
    }

    async fn create(
        &self,
        key: &RecordKey,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Created, StoreError> {
        check_size(payload)?;
        let now = Now::read();
        let put = self.client.put_item().table_name(&*self.table).condition_expression(DEAD);
        let put = put
            .item("id", key_of(key)?)
            .item("val", bytes(payload))
            .item("expiration", now.after(ttl))
            .expression_attribute_values(":number", text("N"))
            .expression_attribute_values(":now", now.number());
        match ask(|| put.clone().send()).await {
            Ok(_) => Ok(Created::Created(Revision::default())),
            Err(Failure::Condition(_)) => Ok(Created::Exists),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn replace(
        &self,
        key: &RecordKey,
        current: &Record,
        payload: &[u8],
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        check_size(payload)?;
        let now = Now::read();
        let update = self.client.update_item().table_name(&*self.table).key("id", key_of(key)?);
        let update = update
            .update_expression(WRITE)
            .condition_expression(UNCHANGED)
            .expression_attribute_values(":val", bytes(payload))
            .expression_attribute_values(":expiration", now.after(ttl))
            .expression_attribute_values(":current", bytes(&current.payload))
            .expression_attribute_values(":now", now.number())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        replaced(ask(|| update.clone().send()).await, now)
    }

    async fn renew(&self, renewal: Renewal<'_>) -> Result<Replaced, StoreError> {
        check_size(renewal.payload)?;
        let now = Now::read();
        let (put, update) = (self.put_new(renewal, now)?, self.retire_old(renewal, now)?);
        let renew = self
            .client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().put(put).build())
            .transact_items(TransactWriteItem::builder().update(update).build());
        replaced(ask(|| renew.clone().send()).await, now)
    }

    async fn delete(&self, key: &RecordKey) -> Result<Deleted, StoreError> {
        let delete = self.client.delete_item().table_name(&*self.table).key("id", key_of(key)?);
        let delete = delete
            .condition_expression(LIVE)
            .expression_attribute_values(":now", Now::read().number());
        match ask(|| delete.clone().send()).await {
            Ok(_) => Ok(Deleted::Deleted),
            Err(Failure::Condition(_)) => Ok(Deleted::Gone),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn scan(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let now = Now::read();
        let scan = self.client.scan().table_name(&*self.table).consistent_read(true);
        let scan = scan
            .filter_expression("begins_with(id, :prefix)")
            .expression_attribute_values(":prefix", text(prefix))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(cursor.map(|id| [("id".into(), text(id))].into()));
        let page = ask(|| scan.clone().send()).await?;
        let entries = page.items.unwrap_or_default().into_iter().filter_map(|item| {
            let key = RecordKey::new(item.get("id")?.as_s().ok()?);
            let Found { record, left } = found(Some(item), now)?;
            Some(Entry { key, record, expires_in: left })
        });
        let next = page.last_evaluated_key.and_then(|key| key.get("id")?.as_s().ok().cloned());
        Ok(Page { entries: entries.collect(), next })
    }

    async fn purge(&self, limit: usize) -> Result<usize, StoreError> {
        self.purge_some(limit).await
    }
}

impl DynamoDbStore {
    /// Extends a life if that is due, and returns the record in either case, in one request; `None`
    /// if DynamoDB is there, but does not allow that now.
    async fn load_and_touch(
        &self,
        key: &RecordKey,
        touch: Touch,
    ) -> Result<Option<Option<Record>>, StoreError> {
        let now = Now::read();
        let (item, touched) = match self.extend(key, touch.ttl, touch.when_below, now).await {
            Ok(item) => (item, true),
            Err(Failure::Condition(item)) => (item, false),
            Err(failure) if failure.is_refusal() => return Ok(None),
            Err(failure) => return Err(failure.into()),
        };
        Ok(Some(found(item, now).map(|item| item.record.with_touched(touched))))
    }

    /// Gives `ttl` to a record that has less than `when_below` left and is not retired.
    async fn extend(
        &self,
        key: &RecordKey,
        ttl: Duration,
        when_below: Duration,
        now: Now,
    ) -> Result<Option<Item>, Failure> {
        let update = self.client.update_item().table_name(&*self.table).key("id", key_of(key)?);
        let update = update
            .update_expression(EXTEND)
            .condition_expression(TOUCHABLE)
            .expression_attribute_values(":expiration", now.after(ttl))
            .expression_attribute_values(":binary", text("B"))
            .expression_attribute_values(":now", now.number())
            .expression_attribute_values(":due", now.plus(when_below))
            .expression_attribute_values(":msgpack", bytes(b"\xc0"))
            .expression_attribute_values(":json", bytes(b"null"))
            .expression_attribute_values(":pickle", bytes(b"\x80\x05N."))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        Ok(ask(|| update.clone().send()).await?.attributes)
    }

    /// The first step of a renewal: the record under its new key.
    fn put_new(&self, renewal: Renewal<'_>, now: Now) -> Result<Put, StoreError> {
        let put = Put::builder()
            .table_name(&*self.table)
            .condition_expression(DEAD)
            .item("id", key_of(renewal.new)?)
            .item("val", bytes(renewal.payload))
            .item("expiration", now.after(renewal.ttl))
            .expression_attribute_values(":number", text("N"))
            .expression_attribute_values(":now", now.number());
        put.build().map_err(StoreError::refused)
    }

    /// The second step: what stays at the old key, if nobody has changed it.
    fn retire_old(&self, renewal: Renewal<'_>, now: Now) -> Result<Update, StoreError> {
        let update = Update::builder()
            .table_name(&*self.table)
            .key("id", key_of(renewal.old)?)
            .update_expression(WRITE)
            .condition_expression(UNCHANGED)
            .expression_attribute_values(":val", bytes(renewal.retired))
            .expression_attribute_values(":expiration", now.after(renewal.retired_ttl))
            .expression_attribute_values(":current", bytes(&renewal.current.payload))
            .expression_attribute_values(":now", now.number())
            .return_values_on_condition_check_failure(OnFailure::AllOld);
        update.build().map_err(StoreError::refused)
    }
}

impl fmt::Debug for DynamoDbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbStore").field("table", &self.table).finish_non_exhaustive()
    }
}
