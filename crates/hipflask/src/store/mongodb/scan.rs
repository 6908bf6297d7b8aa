//! Reads a collection page by page: by `id` where there is an index of it, else by `_id`, which always has one.
//!
//! Flask-Session makes no index on `id`. Without it each page by `id` would be a pass over the whole collection.

use hipflask_core::encoding;
use mongodb::{
    bson::{DateTime, Document, doc},
    error::Result,
    options::Hint,
};

use super::{
    MongoDbStore, Page, StoreError,
    document::{entry, unexpired},
    refusal::refusal,
};

/// What a cursor by `_id` starts with, and no key of a session does.
const BY_OWN_ID: char = '\0';

impl MongoDbStore {
    pub(super) async fn page(
        &self,
        prefix: &str,
        cursor: Option<&str>,
        limit: usize,
    ) -> std::result::Result<Page, StoreError> {
        let by_own_id = match cursor {
            Some(cursor) => cursor.starts_with(BY_OWN_ID),
            // Who may not ask may still read.
            None => !self.has_index().await.unwrap_or(true),
        };
        let after = cursor.and_then(|it| it.strip_prefix(BY_OWN_ID)).map(decode).transpose()?;
        let now = DateTime::now();
        // The greatest character there is: behind every key with the prefix.
        let mut range = doc! { "$gte": prefix, "$lt": format!("{prefix}\u{10ffff}") };
        if let Some(last) = cursor.filter(|_| !by_own_id) {
            range.insert("$gt", last);
        }
        let mut filter = doc! { "$and": [{ "id": range }, unexpired(now)] };
        if let Some(after) = &after {
            filter.insert("_id", doc! { "$ne": after.get("_id") });
        }
        let order = if by_own_id {
            doc! { "_id": 1 }
        } else {
            doc! { "id": 1 }
        };
        let mut find = self
            .sessions
            .find(filter)
            .projection(doc! { "_id": 1, "id": 1, "val": 1, "expiration": 1 })
            .sort(order.clone())
            .limit(i64::try_from(limit).unwrap_or(i64::MAX));
        if by_own_id {
            find = find.hint(Hint::Keys(order));
        }
        if let Some(after) = after {
            // Unlike `$gt`, it goes from one type of `_id` to the next.
            find = find.min(after);
        }
        let mut found = find.await.map_err(refusal)?;
        let (mut entries, mut last) = (Vec::new(), None);
        while found.advance().await.map_err(refusal)? {
            let document = found.deserialize_current().map_err(refusal)?;
            entries.extend(entry(&document, now));
            last = Some(document);
        }
        let last = last.filter(|_| entries.len() >= limit);
        let next = last.and_then(|last| match by_own_id {
            true => encode(&last),
            false => last.get_str("id").ok().map(str::to_owned),
        });
        Ok(Page { entries, next })
    }

    async fn has_index(&self) -> Result<bool> {
        let mut indexes = self.sessions.list_indexes().await?;
        while indexes.advance().await? {
            let index = indexes.deserialize_current()?;
            if index.keys.keys().next().is_some_and(|key| key == "id") {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Writes the `_id` of a document, of whatever type it is, as a cursor.
fn encode(document: &Document) -> Option<String> {
    let id = doc! { "_id": document.get("_id")?.clone() };
    let mut bytes = Vec::new();
    id.to_writer(&mut bytes).ok()?;
    Some(format!("{BY_OWN_ID}{}", encoding::encode_url(&bytes)))
}

fn decode(text: &str) -> std::result::Result<Document, StoreError> {
    let bytes = encoding::decode_url(text.as_bytes());
    let document = bytes.and_then(|it| Document::from_reader(&mut &*it).ok());
    document.ok_or_else(|| StoreError::refused("expected a cursor that a page has given"))
}

#[cfg(test)]
mod tests {
    use mongodb::bson::oid::ObjectId;

    use super::*;

    #[test]
    fn cursor_has_an_id_of_any_type() {
        for document in [doc! { "_id": ObjectId::new(), "id": "a" }, doc! { "_id": "session:a" }] {
            let cursor = encode(&document).unwrap();
            let after = decode(cursor.strip_prefix(BY_OWN_ID).unwrap()).unwrap();
            assert_eq!(after, doc! { "_id": document.get("_id").unwrap() });
        }
        for text in ["", "A", "AAAA", "not base64!"] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}
