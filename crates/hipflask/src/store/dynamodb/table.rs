//! What concerns the table rather than one record: making it, and clearing it of what has expired.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use tokio::time::sleep;

use super::{DynamoDbStore, Failure, Now, StoreError, ask, item::Item};

/// How often, and how many times, a new table is asked for; it takes some seconds.
const POLL: Duration = Duration::from_millis(500);
const POLLS: usize = 120;
/// How many parts of the table one purge reads: of 1 MB each, so that it ends in good time.
const PURGE_PAGES: usize = 4;

/// The key that the last purge has come to, so that the next one goes on from there.
pub(super) type Cursor = Arc<Mutex<Option<Item>>>;

impl DynamoDbStore {
    /// Creates the table as Flask-Session does, paid for by the request, and has DynamoDB remove
    /// what has expired. A table that is there is kept, and gets the removal if it has none.
    ///
    /// DIFFERENCE: Flask-Session never gets as far as to switch the removal on.
    pub(super) async fn create_table(&self) -> Result<(), StoreError> {
        let id = AttributeDefinition::builder()
            .attribute_name("id")
            .attribute_type(ScalarAttributeType::S)
            .build();
        let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build();
        let create = self
            .client
            .create_table()
            .table_name(&*self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(id.map_err(StoreError::refused)?)
            .key_schema(key.map_err(StoreError::refused)?);
        match ask(|| create.clone().send()).await {
            Ok(_) | Err(Failure::Exists) => {}
            Err(failure) => return Err(failure.into()),
        }
        self.wait_for_table().await?;
        self.enable_removal().await
    }

    async fn wait_for_table(&self) -> Result<(), StoreError> {
        let describe = self.client.describe_table().table_name(&*self.table);
        for _ in 0..POLLS {
            let table = ask(|| describe.clone().send()).await?.table;
            if table.and_then(|table| table.table_status) == Some(TableStatus::Active) {
                return Ok(());
            }
            sleep(POLL).await;
        }
        Err(StoreError::Deadline)
    }

    async fn enable_removal(&self) -> Result<(), StoreError> {
        let describe = self.client.describe_time_to_live().table_name(&*self.table);
        let description = ask(|| describe.clone().send()).await?.time_to_live_description;
        let status = description.and_then(|description| description.time_to_live_status);
        if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
            return Ok(());
        }
        let removal =
            TimeToLiveSpecification::builder().attribute_name("expiration").enabled(true).build();
        let update = self
            .client
            .update_time_to_live()
            .table_name(&*self.table)
            .time_to_live_specification(removal.map_err(StoreError::refused)?);
        ask(|| update.clone().send()).await?;
        Ok(())
    }

    /// Removes what has expired from the next parts of the table.
    pub(super) async fn purge_some(&self, limit: usize) -> Result<usize, StoreError> {
        let now = Now::read();
        let mut removed = 0;
        for _ in 0..PURGE_PAGES {
            let scan = self
                .client
                .scan()
                .table_name(&*self.table)
                .projection_expression("id")
                .filter_expression("expiration <= :now")
                .expression_attribute_values(":now", now.number())
                .set_exclusive_start_key(self.purged_to().clone());
            let page = ask(|| scan.clone().send()).await?;
            for key in page.items.unwrap_or_default() {
                if removed == limit {
                    return Ok(removed);
                }
                removed += usize::from(self.remove_expired(&key, now).await?);
                *self.purged_to() = Some(key);
            }
            self.purged_to().clone_from(&page.last_evaluated_key);
            if page.last_evaluated_key.is_none() {
                break;
            }
        }
        Ok(removed)
    }

    async fn remove_expired(&self, key: &Item, now: Now) -> Result<bool, StoreError> {
        let delete = self
            .client
            .delete_item()
            .table_name(&*self.table)
            .set_key(Some(key.clone()))
            .condition_expression("expiration <= :now")
            .expression_attribute_values(":now", now.number());
        match ask(|| delete.clone().send()).await {
            Ok(_) => Ok(true),
            Err(Failure::Condition(_)) => Ok(false),
            Err(failure) => Err(failure.into()),
        }
    }

    fn purged_to(&self) -> MutexGuard<'_, Option<Item>> {
        self.purged.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
