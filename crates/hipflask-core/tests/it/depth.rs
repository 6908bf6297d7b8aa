//! Deep nesting: read and dropped on a small stack up to the limit, refused beyond it.

use std::thread;

use hipflask_core::{
    serializer::{Limits, ReadError, WriteError, from_json, to_json},
    session::Session,
    value::{Value, from_value, to_value},
};

/// What a thread of tokio or of the standard library has.
const STACK: usize = 2 << 20;

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
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
