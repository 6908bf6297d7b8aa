//! Writes many records with one command, which waits for the disk once.

use mongodb::bson::{DateTime, doc, serialize_to_bson};

use super::{Creation, MongoDbStore, StoreError, document::created, refusal::refusal};

impl MongoDbStore {
    pub(super) async fn create_all(
        &self,
        records: &[Creation<'_>],
    ) -> Result<Vec<bool>, StoreError> {
        let now = DateTime::now();
        let updates = records.iter().map(|Creation { key, payload, ttl }| {
            let change = created(key, payload, *ttl, now)?;
            Ok(doc! { "q": { "id": key.as_str() }, "u": change, "upsert": true })
        });
        let concern = self.sessions.write_concern().map(serialize_to_bson).transpose();
        let command = doc! {
            "update": self.sessions.name(),
            "updates": updates.collect::<Result<Vec<_>, StoreError>>()?,
            "ordered": false,
            "writeConcern": concern.map_err(|error| refusal(error.into()))?,
        };
        let database = self.sessions.client().database(&self.sessions.namespace().db);
        let answer = database.run_command(command).await.map_err(refusal)?;
        let mut written = vec![false; records.len()];
        // Where a document was, it is not told whether it had expired and was written over.
        let inserted = answer.get_array("upserted").ok();
        for it in
            inserted.into_iter().flatten().filter(|_| !answer.contains_key("writeConcernError"))
        {
            let index =
                it.as_document().and_then(|it| usize::try_from(it.get_i32("index").ok()?).ok());
            if let Some(is_written) = index.and_then(|index| written.get_mut(index)) {
                *is_written = true;
            }
        }
        Ok(written)
    }
}
