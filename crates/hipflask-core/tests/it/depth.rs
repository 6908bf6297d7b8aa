//! Deep nesting: read and dropped on a small stack up to the limit, refused beyond it.

use std::thread;

use hipflask_core::{
    serializer::{Limits, ReadError, WriteError, from_json, to_json},
    session::Session,
    value::{Value, from_value, to_value},
};

/// What a thread of tokio or of the standard library has.
const STACK: usize = 2 << 20;

pub(crate) fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    thread::Builder::new().stack_size(STACK).spawn(test).unwrap().join().unwrap();
}

fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}1{}", open.repeat(levels), close.repeat(levels))
}

/// The ways to nest, each with the number of levels that one `open` counts for.
const NESTS: [(&str, &str, usize); 4] =
    [("[", "]", 1), (r#"{"a":"#, "}", 1), (r#"{" t":["#, "]}", 2), (r#"{" di":{" t__":"#, "}}", 2)];

#[test]
fn a_thousand_levels_are_read_used_and_dropped() {
    on_a_small_stack(|| {
        for (open, close, n_levels) in NESTS {
            let text = nested(open, close, Limits::MAX_DEPTH / n_levels);
            let value = from_json(&text, Limits::default()).unwrap();
            let copy = value.clone();
            assert_eq!(value, copy);
            assert!(format!("{value:?}").contains('1'));
            assert_eq!(to_json(&value), Err(WriteError::TooDeep));
            assert_eq!(from_value::<Value>(copy).unwrap(), value);
            assert_eq!(to_value(&value).unwrap(), value);
        }
    });
}

#[test]
fn a_session_of_a_thousand_levels_is_read_and_used() {
    on_a_small_stack(|| {
        for (open, close, n_levels) in NESTS {
            let inner = nested(open, close, (Limits::MAX_DEPTH - 1) / n_levels);
            let text = format!(r#"{{"a":1,"deep":{inner}}}"#);
            let session = Session::from_json(text, Limits::default()).unwrap();
            assert_eq!(session.get::<u8>("a"), Ok(Some(1)));
            assert_eq!(session.get::<Value>("deep"), Ok(session.value("deep")));
            assert_eq!(session.to_json(), Err(WriteError::TooDeep));
        }
    });
}

#[test]
fn types_are_built_from_256_levels_at_most() {
    on_a_small_stack(|| {
        for (open, close, n_levels) in [NESTS[0], NESTS[1]] {
            let text = |levels| nested(open, close, levels / n_levels);
            let deep = |levels| from_json(&text(levels), Limits::default()).unwrap();
            let value = from_value::<serde_json::Value>(deep(256)).unwrap();
            assert_eq!(value.to_string(), text(256));
            for levels in [257, 1_000] {
                let error = from_value::<serde_json::Value>(deep(levels)).unwrap_err();
                assert!(error.to_string().contains("256 levels"), "{error}");
            }
            let session = |levels| {
                let text = format!(r#"{{"deep":{}}}"#, text(levels));
                Session::from_json(text, Limits::default()).unwrap()
            };
            assert!(session(256).get::<serde_json::Value>("deep").is_ok());
            assert!(session(257).get::<serde_json::Value>("deep").is_err());
            // What is left out costs nothing, and a refusal leaves nothing behind.
            assert!(from_value::<serde::de::IgnoredAny>(deep(1_000)).is_ok());
            assert!(from_value::<serde_json::Value>(deep(256)).is_ok());
        }
        #[derive(Debug, serde::Deserialize)]
        enum Nest {
            #[serde(rename = "a")]
            More(Box<Self>),
            #[serde(untagged)]
            End(u8),
        }
        let deep = |levels| from_json(&nested(r#"{"a":"#, "}", levels), Limits::default()).unwrap();
        assert!(from_value::<Nest>(deep(1_000)).is_err());
        let mut nest = from_value::<Nest>(deep(2)).unwrap();
        while let Nest::More(inner) = nest {
            nest = *inner;
        }
        assert!(matches!(nest, Nest::End(1)));
    });
}

#[test]
fn deeper_levels_are_refused() {
    on_a_small_stack(|| {
        for (open, close, n_levels) in NESTS {
            for levels in [Limits::MAX_DEPTH / n_levels + 1, 100_000] {
                let text = nested(open, close, levels);
                let limits = Limits::default().with_depth(usize::MAX);
                assert_eq!(from_json(&text, limits), Err(ReadError::TooDeep));
                let session = Session::from_json(text, limits);
                assert_eq!(session.map(|_| ()), Err(ReadError::TooDeep));
            }
        }
    });
}

#[test]
fn what_is_written_is_as_deep_as_python_reads() {
    on_a_small_stack(|| {
        for (open, close, n_levels) in NESTS {
            let text = nested(open, close, 490 / n_levels);
            let value = from_json(&text, Limits::default()).unwrap();
            assert_eq!(to_json(&value).as_deref(), Ok(&text[..]));
            let text = nested(open, close, 490 / n_levels + 1);
            let value = from_json(&text, Limits::default()).unwrap();
            assert_eq!(to_json(&value), Err(WriteError::TooDeep));
        }
        // The session itself is a level.
        let session = |levels| {
            let text = format!(r#"{{"k":{}}}"#, nested("[", "]", levels));
            Session::from_json(text, Limits::default()).unwrap().to_json()
        };
        assert!(session(489).is_ok());
        assert_eq!(session(490), Err(WriteError::TooDeep));
    });
}
