//! Records, on both servers: the rules of every store, and what is DynamoDB's own.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use hipflask::store::{
    Created, Deleted, DynamoDbStore, Record, RecordKey, Renewal, Replaced, Store, StoreError,
    Touch,
    conformance::{self, Abilities},
};
use hipflask_servers::dynamodb::SECRET_ACCESS_KEY;

use super::{HOUR, RETIRED, Rig, both, conflict, expiration, is_replaced, key, put, since_epoch};

use crate::{
    counting::increment,
    unreadable::{ID, becomes_a_new_session},
};

const MAX_PAYLOAD: usize = 390_000;

#[tokio::test(flavor = "multi_thread")]
async fn store_keeps_every_rule() {
    for rig in both().await {
        let abilities = Abilities::new().with_max_payload(MAX_PAYLOAD);
        let passed = conformance::run(&rig.store, "suite:", abilities).await.unwrap();
        assert!(passed.rules().len() > 20);
    }
}

#[tokio::test]
async fn every_method_is_one_request() {
    for Rig { store, requests, .. } in both().await {
        let (a, b) = (key("a"), key("b"));
        let one = Record::new(b"one");
        assert!(matches!(store.create(&a, b"one", HOUR).await, Ok(Created::Created(_))));
        assert_eq!(requests.take(), 1);
        assert_eq!(store.create(&a, b"other", HOUR).await.unwrap(), Created::Exists);
        assert_eq!(requests.take(), 1);
        assert_eq!(store.load(&a, None).await.unwrap(), Some(one.clone()));
        assert_eq!(requests.take(), 1);
        assert_eq!(store.load(&b, None).await.unwrap(), None);
        assert_eq!(requests.take(), 1);
        assert!(is_replaced(&store.replace(&a, &one, b"two", HOUR).await.unwrap()));
        assert_eq!(requests.take(), 1);
        assert_eq!(conflict(store.replace(&a, &one, b"three", HOUR).await.unwrap()), b"two");
        assert_eq!(requests.take(), 1);
        assert_eq!(store.replace(&b, &one, b"two", HOUR).await.unwrap(), Replaced::Gone);
        assert_eq!(requests.take(), 1);
        assert_eq!(store.delete(&a).await.unwrap(), Deleted::Deleted);
        assert_eq!(store.delete(&a).await.unwrap(), Deleted::Gone);
        assert_eq!(requests.take(), 2);
    }
}

#[tokio::test]
async fn renew_moves_a_record_in_one_request_or_not_at_all() {
    for Rig { store, requests, .. } in both().await {
        let [old, new, taken, missing] = ["old", "new", "taken", "missing"].map(key);
        let (one, two) = (Record::new(b"one"), Record::new(b"two"));
        store.create(&old, b"one", HOUR).await.unwrap();
        store.create(&taken, b"taken", HOUR).await.unwrap();
        requests.take();
        let renewal = Renewal {
            old: &old,
            current: &two,
            new: &new,
            payload: b"renewed",
            ttl: HOUR,
            retired: RETIRED,
            retired_ttl: HOUR,
        };
        assert_eq!(conflict(store.renew(renewal).await.unwrap()), b"one");
        let gone = store.renew(Renewal { old: &missing, ..renewal }).await.unwrap();
        assert_eq!(gone, Replaced::Gone);
        let refused = store.renew(Renewal { new: &taken, current: &one, ..renewal }).await;
        assert!(matches!(refused, Err(StoreError::Key(_))), "{refused:?}");
        assert_eq!(requests.take(), 3);
        assert_eq!(store.load(&new, None).await.unwrap(), None);
        assert_eq!(store.load(&old, None).await.unwrap(), Some(one.clone()));
        requests.take();
        let renewal = Renewal { current: &one, ..renewal };
        assert!(is_replaced(&store.renew(renewal).await.unwrap()));
        assert_eq!(requests.take(), 1);
        assert_eq!(store.load(&new, None).await.unwrap(), Some(Record::new(b"renewed")));
        assert!(store.load(&old, None).await.unwrap().unwrap().is_retired());
        assert!(conflict(store.replace(&old, &one, b"late", HOUR).await.unwrap()) == RETIRED);
    }
}

#[tokio::test]
async fn load_extends_a_life_only_when_it_is_due() {
    for rig in both().await {
        let Rig { store, requests, .. } = &rig;
        let a = key("a");
        store.create(&a, b"one", HOUR / 2).await.unwrap();
        let before = expiration(&rig, &a).await;
        let check = async |when_below, touched, n_requests| {
            requests.take();
            let touch = Touch { ttl: HOUR, when_below };
            let record = store.load(&a, Some(touch)).await.unwrap().unwrap();
            assert_eq!((record.payload.as_slice(), record.touched), (&b"one"[..], touched));
            assert_eq!(requests.take(), n_requests);
        };
        check(HOUR / 4, false, 1).await;
        assert_eq!(expiration(&rig, &a).await, before);
        check(HOUR * 3 / 4, true, 2).await;
        assert_ne!(expiration(&rig, &a).await, before);
        check(HOUR * 3 / 4, false, 1).await;
        // Where every read extends the life, reading and writing are one request.
        check(HOUR * 2, true, 1).await;
        let touch = Touch { ttl: HOUR, when_below: HOUR * 2 };
        assert_eq!(store.load(&key("b"), Some(touch)).await.unwrap(), None);
        assert_eq!(requests.take(), 1);
        for payload in [RETIRED, b"null", b"\x80\x05N."] {
            let retired = RecordKey::new(format!("session:retired-{}", payload.len()));
            store.create(&retired, payload, HOUR / 2).await.unwrap();
            let before = expiration(&rig, &retired).await;
            for when_below in [HOUR * 3 / 4, HOUR * 2] {
                let touch = Touch { ttl: HOUR, when_below };
                let record = store.load(&retired, Some(touch)).await.unwrap().unwrap();
                assert!(record.is_retired() && !record.touched);
            }
            assert_eq!(expiration(&rig, &retired).await, before);
            store.delete(&retired).await.unwrap();
        }
    }
}

#[tokio::test]
async fn items_of_flask_session_are_read() {
    for rig in both().await {
        let store = &rig.store;
        let flask = key("flask");
        // Python's Decimal of a float: every digit of the binary fraction.
        let fraction = ".1234560012817382812500000000";
        let live = format!("{}{fraction}", since_epoch().as_secs() + 1000);
        put(&rig, &flask, Some(b"\x81\xa1a\x01"), Some(live)).await;
        let record = store.load(&flask, None).await.unwrap().unwrap();
        assert_eq!(record.payload, b"\x81\xa1a\x01");
        let page = store.scan("session:", None, 10).await.unwrap();
        let left = page.entries[0].expires_in.unwrap().as_secs();
        assert!((990..=1000).contains(&left), "{left}");
        assert!(is_replaced(&store.replace(&flask, &record, b"new", HOUR).await.unwrap()));
        let written = expiration(&rig, &flask).await.unwrap();
        assert!(written.parse::<u64>().unwrap() > since_epoch().as_secs(), "{written}");
    }
}

#[tokio::test]
async fn what_has_expired_or_is_no_record_is_absent() {
    for rig in both().await {
        let store = &rig.store;
        let past = format!("{}.5", since_epoch().as_secs() - 1);
        let future = (since_epoch().as_secs() + 1000).to_string();
        let val = Some(&b"one"[..]);
        let cases = [(val, Some(past)), (None, Some(future))];
        for (case, (val, expiration)) in cases.into_iter().enumerate() {
            let item = key(&format!("case-{case}"));
            put(&rig, &item, val, expiration.clone()).await;
            let (one, touch) = (Record::new(b"one"), Touch { ttl: HOUR, when_below: HOUR });
            assert_eq!(store.load(&item, None).await.unwrap(), None);
            assert_eq!(store.load(&item, Some(touch)).await.unwrap(), None);
            let touch = Touch { when_below: HOUR / 2, ..touch };
            assert_eq!(store.load(&item, Some(touch)).await.unwrap(), None);
            assert_eq!(store.replace(&item, &one, b"two", HOUR).await.unwrap(), Replaced::Gone);
            assert_eq!(store.delete(&item).await.unwrap(), Deleted::Gone);
            assert!(store.scan("", None, 10).await.unwrap().entries.is_empty());
            let renewal = Renewal {
                old: &item,
                current: &one,
                new: &key("new"),
                payload: b"two",
                ttl: HOUR,
                retired: RETIRED,
                retired_ttl: HOUR,
            };
            assert_eq!(store.renew(renewal).await.unwrap(), Replaced::Gone);
            let created = store.create(&item, b"two", HOUR).await.unwrap();
            assert!(matches!(created, Created::Created(_)), "case {case}");
            assert_eq!(store.delete(&item).await.unwrap(), Deleted::Deleted);
        }
    }
}

#[tokio::test]
async fn an_item_of_another_kind_becomes_a_new_session() {
    for rig in both().await {
        let id = AttributeValue::S(format!("session:{ID}"));
        let put = rig.client.put_item().table_name("Sessions").item("id", id);
        put.item("val", AttributeValue::S("text".to_owned())).send().await.unwrap();
        assert_eq!(rig.store.scan("session:", None, 10).await.unwrap().entries.len(), 1);
        becomes_a_new_session(rig.store).await;
    }
}

#[tokio::test]
async fn an_item_without_an_end_lives_and_gets_one_when_it_is_read() {
    for rig in both().await {
        let store = &rig.store;
        for when_below in [HOUR / 2, HOUR] {
            let item = key(&format!("{when_below:?}"));
            put(&rig, &item, Some(b"one"), None).await;
            assert_eq!(store.create(&item, b"two", HOUR).await.unwrap(), Created::Exists);
            assert_eq!(store.load(&item, None).await.unwrap().unwrap().payload, b"one");
            let page = store.scan(item.as_str(), None, 10).await.unwrap();
            assert_eq!(page.entries[0].expires_in, None);
            let record = store.load(&item, Some(Touch { ttl: HOUR, when_below })).await.unwrap();
            assert!(record.unwrap().touched);
            assert!(expiration(&rig, &item).await.is_some());
            let other = key(&format!("other-{when_below:?}"));
            put(&rig, &other, Some(b"one"), None).await;
            let replaced = store.replace(&other, &Record::new(b"one"), b"two", HOUR).await;
            assert!(is_replaced(&replaced.unwrap()));
            put(&rig, &other, Some(b"one"), None).await;
            assert_eq!(store.delete(&other).await.unwrap(), Deleted::Deleted);
        }
    }
}

#[tokio::test]
async fn largest_record_is_the_servers_limit() {
    for Rig { store, requests, .. } in both().await {
        let a = key("a");
        let error = store.create(&a, &[7; 500_000], HOUR).await.unwrap_err();
        let StoreError::TooLarge { size: 500_000, limit } = error else { panic!("{error}") };
        assert_eq!(requests.take(), 0);
        assert_eq!(limit, MAX_PAYLOAD);
        let (first, second) = (vec![0; limit], vec![255; limit]);
        store.create(&a, &first, HOUR).await.unwrap();
        let current = store.load(&a, None).await.unwrap().unwrap();
        assert!(current.payload == first);
        assert!(is_replaced(&store.replace(&a, &current, &second, HOUR).await.unwrap()));
        assert!(store.load(&a, None).await.unwrap().unwrap().payload == second);
        assert!(matches!(store.load(&RecordKey::new(""), None).await, Err(StoreError::Key(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_clients_lose_no_count() {
    for rig in both().await {
        let counter = key("counter");
        rig.store.create(&counter, b"0", HOUR).await.unwrap();
        let clients = (0..4).map(|_| {
            let config = rig.server.config(SECRET_ACCESS_KEY).build();
            let store = DynamoDbStore::from_client(&Client::from_conf(config), "Sessions");
            tokio::spawn(async move {
                let counter = key("counter");
                for _ in 0..250 {
                    increment(&store, &counter).await.unwrap();
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        let record = rig.store.load(&counter, None).await.unwrap().unwrap();
        assert_eq!(record.payload, b"1000");
    }
}
