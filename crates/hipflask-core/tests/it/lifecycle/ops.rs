//! What a handler does to its session, in Python's words, done with ours.

use hipflask_core::{
    session::{Session, SessionError},
    value::{Dict, Value},
};
use serde_json::Value as Json;

use crate::{notation, vectors::Row};

/// What ends a handler early.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Stop {
    Abort,
    Raise,
}

/// The answer of an operation: a value or the name of the exception that Python raises.
type Answer = Result<Value, &'static str>;

/// Runs a list of operations and compares each answer with the one in `results`.
pub(super) fn run(row: &Row, name: &str, session: &mut Session) -> Result<(), Stop> {
    let phase = if name == "ops" { "view" } else { name };
    let mut expected = row.field("results")[phase].as_array().expect("a list of answers").iter();
    for op in row.field(name).as_array().into_iter().flatten() {
        match op[0].as_str().expect("the name of an operation") {
            "abort" => return Err(Stop::Abort),
            "raise" => return Err(Stop::Raise),
            word => {
                let operands = op.as_array().unwrap()[1..].iter();
                let operands =
                    operands.map(|operand| notation::read(operand).expect("expressible"));
                let answer = Op { session, operands: operands.collect() }.run(word);
                compare(row, answer, expected.next().expect("one answer for each operation"));
            }
        }
    }
    assert!(expected.next().is_none(), "an operation was left out in {row:?}");
    Ok(())
}

fn compare(row: &Row, answer: Answer, expected: &Json) {
    match answer {
        Ok(value) => {
            let expected = notation::read(&expected["ok"]).expect("expressible");
            notation::assert_same(&value, &expected, row);
        }
        Err(exception) => row.assert_eq(Some(exception), expected["raised"].as_str()),
    }
}

struct Op<'a> {
    session: &'a mut Session,
    operands: Vec<Value>,
}

impl Op<'_> {
    fn run(self, word: &str) -> Answer {
        if word != "nop" {
            // Every use of `flask.session` counts as access.
            self.session.set_accessed(true);
        }
        let session = &*self.session;
        Ok(match word {
            "nop" => Value::Null,
            "bool" => Value::from(!session.is_blank()),
            "dict" => Value::Dict(session.to_dict()),
            "keys" => Value::List(session.keys().map(Value::Str).collect()),
            "len" => Value::from(session.len()),
            "modified" => Value::from(session.is_modified()),
            "new" => Value::from(session.is_new()),
            "permanent" => Value::from(session.is_permanent()),
            "set_accessed" => {
                self.session.set_accessed(!self.operand(0).is_falsy());
                Value::Null
            }
            "set_modified" => {
                self.session.set_modified(!self.operand(0).is_falsy());
                Value::Null
            }
            "contains" => Value::from(session.contains(self.key())),
            "get" => session.value(self.key()).unwrap_or_else(|| self.operand(1)),
            "getitem" => session.value(self.key()).ok_or("KeyError")?,
            "flash" | "get_flashed" => return self.flash(word),
            _ => return self.change(word),
        })
    }

    fn change(mut self, word: &str) -> Answer {
        let session = &mut *self.session;
        Ok(match word {
            "append" => {
                let [key, item] = <[Value; 2]>::try_from(self.operands).expect("key and item");
                let key = key.as_str().expect("a key");
                let appended = session.modify(key, |list| match list {
                    Value::List(items) => {
                        items.push(item);
                        Value::Null
                    }
                    other => panic!("no list: {other:?}"),
                });
                appended.map_err(exception)?.ok_or("KeyError")?
            }
            "clear" => session.clear().map(|()| Value::Null).map_err(exception)?,
            "del" => self.remove()?.map(|_| Value::Null).ok_or("KeyError")?,
            "pop" => match self.remove()? {
                Some(value) => value,
                None => self.operands.into_iter().nth(1).ok_or("KeyError")?,
            },
            "popitem" => {
                let last = session.keys().last();
                let key = last.as_ref().and_then(|key| key.as_str()).unwrap_or_default();
                let value = session.remove(key).map_err(exception)?.ok_or("KeyError")?;
                Value::Tuple(vec![Value::from(key), value])
            }
            "set" => self.set().map(|()| Value::Null)?,
            "set_permanent" => {
                let permanent = !self.operand(0).is_falsy();
                self.session.set_permanent(permanent).map(|()| Value::Null).map_err(exception)?
            }
            "setdefault" => {
                if !self.session.contains(self.key()) {
                    self.set()?;
                }
                self.session.value(self.key()).expect("it was set")
            }
            "regenerate" => session.renew().map(|()| Value::Null).map_err(exception)?,
            "ior" | "update" => self.update().map(|()| Value::Null)?,
            other => panic!("unknown operation {other}"),
        })
    }

    fn flash(self, word: &str) -> Answer {
        if word == "flash" {
            let category = self.operands.get(1).cloned().unwrap_or("message".into());
            let flashed = self.session.flash(category, self.operand(0));
            return flashed.map(|()| Value::Null).map_err(exception);
        }
        let filter = self.operand(1);
        let names = filter.as_list().unwrap_or_default().iter();
        let names: Vec<_> = names.map(|name| name.as_str().unwrap()).collect();
        let flashes = self.session.take_flashes_of(&names);
        let flashes = flashes.map_err(exception)?.into_iter();
        Ok(Value::List(if self.operand(0).is_falsy() {
            flashes.map(|flash| flash.message).collect()
        } else {
            flashes.map(|flash| Value::Tuple(vec![flash.category, flash.message])).collect()
        }))
    }

    fn update(&mut self) -> Result<(), &'static str> {
        if let Some(why) = self.session.read_only() {
            return Err(exception(why.into()));
        }
        for (key, value) in self.operand(0).as_dict().cloned().unwrap_or_else(Dict::new) {
            self.session.set(key, value).map_err(exception)?;
        }
        self.session.set_modified(true);
        Ok(())
    }

    fn remove(&mut self) -> Result<Option<Value>, &'static str> {
        let key = self.operand(0);
        self.session.remove(key.as_str().expect("a key is a string")).map_err(exception)
    }

    fn set(&mut self) -> Result<(), &'static str> {
        let Value::Str(key) = self.operand(0) else { panic!("a key is a string in Rust") };
        self.session.set(key, self.operand(1)).map_err(exception)
    }

    fn key(&self) -> &str {
        self.operands[0].as_str().expect("a key is a string")
    }

    fn operand(&self, at: usize) -> Value {
        self.operands.get(at).cloned().unwrap_or(Value::Null)
    }
}

fn exception(error: SessionError) -> &'static str {
    match error {
        SessionError::NoSecretKey => "RuntimeError",
        other => panic!("{other}"),
    }
}
