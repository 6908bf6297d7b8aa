//! Reads addresses: MongoDB's connection strings with the options `collection` and `create`.

use std::time::Duration;

use mongodb::options::{
    Acknowledgment, ClientOptions, ReadPreference, SelectionCriteria, WriteConcern,
};

use super::super::address::{ConnectError, percent_decode, unknown_option};

const EXPECTED: ConnectError = ConnectError::Address {
    expected: "mongodb://[USER:PASSWORD@]HOST[:PORT][,…][/DATABASE][?collection=…&…]",
};

/// What the driver waits for a server, unless the address says less.
const PATIENCE: Duration = Duration::from_secs(3);

/// What an address says.
pub(super) struct Address {
    pub(super) options: ClientOptions,
    pub(super) database: String,
    pub(super) collection: String,
    /// Whether the index that expired records are removed by is created.
    pub(super) create: bool,
    pub(super) concern: WriteConcern,
}

/// Takes an address apart. Reads must see the last write, so they can only go to the primary, and
/// writes must be answered.
pub(super) async fn read(address: &str) -> Result<Address, ConnectError> {
    // `mongodb+srv` would need a resolver of its own.
    if !address.starts_with("mongodb://") {
        return Err(EXPECTED);
    }
    let (address, collection, create) = take_ours(address)?;
    let mut options = ClientOptions::parse(&address)
        .await
        .map_err(|error| wrong_address(&address, &error.to_string()))?;
    let primary = SelectionCriteria::ReadPreference(ReadPreference::Primary);
    if options.selection_criteria.as_ref().is_some_and(|criteria| *criteria != primary) {
        return Err(unknown_option("readPreference"));
    }
    let concern = options.write_concern.take().unwrap_or_else(majority);
    if concern.w == Some(Acknowledgment::Nodes(0)) {
        return Err(unknown_option("w"));
    }
    for timeout in [&mut options.server_selection_timeout, &mut options.connect_timeout] {
        *timeout = Some(timeout.map_or(PATIENCE, |time| time.min(PATIENCE)));
    }
    let database = options.default_database.clone().unwrap_or_else(|| "flask_session".into());
    Ok(Address { options, database, collection, create, concern })
}

/// Returns the default: a write is answered when a majority has it, or with an error in time.
pub(super) fn majority() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).w_timeout(PATIENCE).build()
}

/// Separates the options that are ours from those of the driver.
fn take_ours(address: &str) -> Result<(String, String, bool), ConnectError> {
    let (servers, query) = address.split_once('?').unwrap_or((address, ""));
    let (mut collection, mut create) = ("sessions".to_owned(), false);
    let mut others = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("collection", name)) => collection = percent_decode(name)?,
            Some(("create", value)) => {
                create = value.parse().map_err(|_| unknown_option("create"))?;
            }
            _ => others.push(pair),
        }
    }
    if collection.is_empty() || collection.contains(['$', '\0']) {
        return Err(unknown_option("collection"));
    }
    // The driver wants a slash before the options.
    let slash = if servers.matches('/').count() > 2 { "" } else { "/" };
    Ok((format!("{servers}{slash}?{}", others.join("&")), collection, create))
}

/// Finds the option that the driver complains of; its text may hold what is secret.
fn wrong_address(address: &str, complaint: &str) -> ConnectError {
    let (_, query) = address.split_once('?').unwrap_or((address, ""));
    let is_named = |name: &&str| {
        let mut words = complaint.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word.eq_ignore_ascii_case(name))
    };
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    let found = names.filter(|name| !name.is_empty()).find(is_named);
    found.map_or(EXPECTED, unknown_option)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn read_has_the_defaults_of_flask_session() {
        let address = read("mongodb://h").await.unwrap();
        assert_eq!((&*address.database, &*address.collection), ("flask_session", "sessions"));
        assert_eq!(address.concern.w, Some(Acknowledgment::Majority));
        assert!(address.options.server_selection_timeout.unwrap() <= Duration::from_secs(5));
    }

    #[tokio::test]
    async fn read_takes_database_collection_and_the_driver_s_options() {
        assert!(!read("mongodb://h/?create=false").await.unwrap().create);
        let text = "mongodb://u:p@h1,h2:1/web?collection=s&replicaSet=rs0&w=2&authSource=admin\
                    &create=true";
        let address = read(text).await.unwrap();
        assert!(address.create);
        assert_eq!((&*address.database, &*address.collection), ("web", "s"));
        assert_eq!(address.options.repl_set_name.as_deref(), Some("rs0"));
        assert_eq!(address.options.hosts.len(), 2);
        assert_eq!(address.concern.w, Some(Acknowledgment::Nodes(2)));
    }

    #[tokio::test]
    async fn read_names_the_option_that_is_wrong() {
        for (option, expected) in [
            ("collecton=a", "collecton"),
            ("collection=", "collection"),
            ("create=yes", "create"),
            ("w=0", "w"),
            ("readPreference=secondaryPreferred", "readPreference"),
            ("serverSelectionTimeoutMS=soon", "serverSelectionTimeoutMS"),
        ] {
            let error = read(&format!("mongodb://u:p@h/?{option}")).await.err().unwrap();
            assert!(matches!(&error, ConnectError::Option { name } if name == expected), "{error}");
        }
    }

    #[tokio::test]
    async fn read_refuses_other_addresses_without_repeating_them() {
        for address in ["mongodb://", "mongodb+srv://u:hunter2@h", "mongodb://u:hunter2:x@h"] {
            let error = read(address).await.err().unwrap();
            assert!(matches!(error, ConnectError::Address { .. }), "{address}: {error}");
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        }
    }
}
