//! Builds Rust types straight from tagged JSON, without a `Value` in between.
//!
//! A short cut of the reader for a text that the scanner has accepted: it gives what serde's view
//! of the [`Value`] gives, or nothing at all. Whoever asks then builds the value. It leaves tags
//! and whatever else is rare to the reader.

use std::borrow::Cow;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess,
    VariantAccess, Visitor, value::BorrowedStrDeserializer,
};

use super::{ReadError, cursor::Cursor, read};
use crate::value::{Key, Level, VALUE, Value, ValueError};

/// Reads the value that the scanner found in `text`, in which the keys of every object are strictly
/// ascending and free of escapes; `None` if the way over a [`Value`] has to tell the outcome.
pub(crate) fn read_typed<T: DeserializeOwned>(text: &str) -> Option<T> {
    let mut typed = Typed { cursor: Cursor::new(text), failed: false };
    let result = T::deserialize(&mut typed);
    result.ok().filter(|_| !typed.failed)
}

struct Typed<'de> {
    cursor: Cursor<'de>,
    /// An error was returned. A type may go on in spite of it, but the cursor stands anywhere.
    failed: bool,
}

impl<'de> Typed<'de> {
    /// Passes a result on, and keeps in mind whether it is an error.
    #[inline]
    fn noting<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        let result = read(self);
        self.failed |= result.is_err();
        result
    }

    /// Reads one value. A type that takes no notice of it leaves the cursor where no comma is, so
    /// that the next step fails.
    #[inline]
    fn one<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ValueError> {
        self.noting(|typed| seed.deserialize(typed))
    }

    #[inline]
    fn any<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ValueError> {
        match self.cursor.peek() {
            Some(b'"') => self.string(visitor),
            Some(b'-' | b'0'..=b'9') => self.number(visitor),
            Some(b'[') => self.items(b']', |items| visitor.visit_seq(items)),
            Some(b'{') if !self.may_be_tag() => self.items(b'}', |items| visitor.visit_map(items)),
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            _ => self.value()?.deserialize_any(visitor),
        }
    }

    /// Leaves a value to the reader.
    fn value(&mut self) -> Result<Value, ValueError> {
        read::read_next(&mut self.cursor).map_err(fault)
    }

    /// Reports whether the object's first key starts with a blank.
    fn may_be_tag(&self) -> bool {
        let mut ahead = self.cursor.clone();
        ahead.at += 1;
        ahead.skip_blanks();
        ahead.text()[ahead.at..].starts_with("\" ")
    }

    fn word(&mut self, word: &str) -> Result<(), ValueError> {
        self.cursor.word(word).map_err(fault)
    }

    fn string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ValueError> {
        let token = self.cursor.string().map_err(fault)?;
        if !token.escaped {
            return visitor.visit_borrowed_str(self.cursor.inside(token));
        }
        let text = read::text(&self.cursor, token).map_err(fault)?;
        visitor.visit_string(text.into_string().ok_or_else(|| fault(ReadError::BadTag))?)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ValueError> {
        let start = self.cursor.at;
        let token = self.cursor.number().map_err(fault)?;
        let text = &self.cursor.text()[start..token.end];
        if token.float {
            return visitor.visit_f64(text.parse().map_err(ValueError::custom)?);
        }
        if let Ok(small) = text.parse() {
            return visitor.visit_i64(small);
        }
        self.cursor.at = start;
        self.value()?.deserialize_any(visitor)
    }

    /// Lets `visit` take the items of an array or object, all of them.
    fn items<T>(
        &mut self,
        close: u8,
        visit: impl FnOnce(&mut Items<'_, 'de>) -> Result<T, ValueError>,
    ) -> Result<T, ValueError> {
        let _level = Level::enter()?;
        self.cursor.at += 1;
        self.cursor.skip_blanks();
        let mut items = Items { typed: self, close, next: Next::First };
        let result = visit(&mut items)?;
        if items.advance()? {
            return Err(ValueError::custom("expected fewer items"));
        }
        Ok(result)
    }

    /// Steps over a key and its colon.
    fn key(&mut self) -> Result<&'de str, ReadError> {
        let token = self.cursor.string()?;
        self.cursor.skip_blanks();
        self.cursor.expect(b':')?;
        self.cursor.skip_blanks();
        Ok(self.cursor.inside(token))
    }

    /// Steps over a value without recursion, so that what is ignored may be of any depth.
    fn skip(&mut self) -> Result<(), ValueError> {
        let (cursor, mut depth) = (&mut self.cursor, 0_usize);
        loop {
            match cursor.peek() {
                Some(b'"') => drop(cursor.string().map_err(fault)?),
                Some(byte) => {
                    cursor.at += 1;
                    match byte {
                        b'[' | b'{' => depth += 1,
                        b']' | b'}' => depth = depth.saturating_sub(1),
                        _ => cursor.at += plain_len(&cursor.text().as_bytes()[cursor.at..]),
                    }
                }
                None => return cursor.syntax().map_err(fault),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// Reads an object of one key, which names the variant.
    fn variant<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, ValueError> {
        let _level = Level::enter()?;
        self.cursor.at += 1;
        self.cursor.skip_blanks();
        let variant = self.key().map_err(fault)?;
        let result = visitor.visit_enum(Variant { variant, typed: self })?;
        match self.cursor.next_item(b'}').map_err(fault)? {
            true => Err(ValueError::custom("expected a dict of one key")),
            false => Ok(result),
        }
    }
}

/// The error never gets out: the value is read again, and that error counts.
fn fault(error: ReadError) -> ValueError {
    ValueError::custom(error)
}

/// Returns how many bytes go on with a number or word.
fn plain_len(bytes: &[u8]) -> usize {
    let goes_on =
        |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'.' | b'+' | b'-');
    bytes.iter().position(|byte| !goes_on(byte)).unwrap_or(bytes.len())
}

impl<'de> Deserializer<'de> for &mut Typed<'de> {
    type Error = ValueError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.noting(|typed| typed.any(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.noting(|typed| match typed.cursor.peek() {
            Some(b'n') => typed.word("null").and_then(|()| visitor.visit_none()),
            _ => visitor.visit_some(typed),
        })
    }

    /// Only an array is the same for those who ask for a list as for those who ask for anything.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.noting(|typed| match typed.cursor.peek() {
            Some(b'[') => typed.any(visitor),
            _ => typed.value()?.deserialize_seq(visitor),
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.noting(|typed| match name {
            VALUE => typed.value()?.deserialize_newtype_struct(name, visitor),
            _ => visitor.visit_newtype_struct(typed),
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.noting(|typed| typed.skip().and_then(|()| visitor.visit_unit()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.noting(|typed| match typed.cursor.peek() {
            Some(b'{') if !typed.may_be_tag() => typed.variant(visitor),
            _ => typed.value()?.deserialize_enum(name, variants, visitor),
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct tuple tuple_struct map struct identifier
    }
}

/// The items of an array, or the keys and values of an object.
struct Items<'a, 'de> {
    typed: &'a mut Typed<'de>,
    close: u8,
    next: Next,
}

#[derive(Clone, Copy)]
enum Next {
    First,
    More,
    Nothing,
}

impl Items<'_, '_> {
    /// Moves to the next item, or behind the last one, and reports whether there is one.
    #[inline]
    fn advance(&mut self) -> Result<bool, ValueError> {
        let (next, close) = (self.next, self.close);
        let is_there = self.typed.noting(|typed| match next {
            Next::First if typed.cursor.peek() != Some(close) => Ok(true),
            Next::First | Next::More => typed.cursor.next_item(close).map_err(fault),
            Next::Nothing => Ok(false),
        })?;
        self.next = if is_there { Next::More } else { Next::Nothing };
        Ok(is_there)
    }
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = ValueError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        if self.advance()? { self.typed.one(seed).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = ValueError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ValueError> {
        if !self.advance()? {
            return Ok(None);
        }
        let key = self.typed.noting(|typed| typed.key().map_err(fault))?;
        seed.deserialize(Key(Cow::Borrowed(key))).map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ValueError> {
        self.typed.one(seed)
    }
}

struct Variant<'a, 'de> {
    variant: &'de str,
    typed: &'a mut Typed<'de>,
}

impl<'a, 'de> EnumAccess<'de> for Variant<'a, 'de> {
    type Error = ValueError;
    type Variant = Content<'a, 'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), ValueError> {
        let name: BorrowedStrDeserializer<'de, ValueError> =
            BorrowedStrDeserializer::new(self.variant);
        Ok((seed.deserialize(name)?, Content(self.typed)))
    }
}

struct Content<'a, 'de>(&'a mut Typed<'de>);

impl<'de> VariantAccess<'de> for Content<'_, 'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        self.0.noting(|typed| typed.word("null"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        self.0.one(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.0.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.0.deserialize_any(visitor)
    }
}
