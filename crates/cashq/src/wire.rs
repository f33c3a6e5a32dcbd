//! A transfer's body as it was written: which fields are there and as what. Borrows from the text; no tree, no floats.

use std::borrow::Cow;
use std::fmt;

use gate::strict::{Skip, once, unreadable};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of a transfer, in the order of the contract's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    SenderPhone,
    ReceiverPhone,
    Amount,
    Service,
    Country,
    Currency,
    Attribute,
}

impl Field {
    const ALL: [Field; 8] = [
        Field::Id,
        Field::SenderPhone,
        Field::ReceiverPhone,
        Field::Amount,
        Field::Service,
        Field::Country,
        Field::Currency,
        Field::Attribute,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Field::Id => "id",
            Field::SenderPhone => "sender_phone",
            Field::ReceiverPhone => "receiver_phone",
            Field::Amount => "amount",
            Field::Service => "service",
            Field::Country => "receiver_country",
            Field::Currency => "receiver_currency",
            Field::Attribute => "attribute",
        }
    }
}

/// A body: one strict JSON object.
#[derive(Debug)]
pub(crate) struct Wire<'a>([Option<&'a RawValue>; Field::ALL.len()]);

/// A value that is not what it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotIt {
    Missing,
    /// The word says what it is: `a number`.
    Other(&'static str),
    /// An array or a string that JSON itself does not allow, and why.
    Broken(String),
}

impl<'a> Wire<'a> {
    /// Reads the body, or says why it is none.
    pub(crate) fn read(body: &'a str) -> Result<Wire<'a>, String> {
        let mut from = serde_json::Deserializer::from_str(body);
        let read = from.deserialize_map(Object { names: Field::ALL.map(Field::name) });
        let fields = read.and_then(|fields| from.end().map(|()| fields)).map_err(|error| unreadable(&error))?;
        Ok(Wire(fields))
    }

    /// The field's text.
    pub(crate) fn text(&self, field: Field) -> Result<Cow<'a, str>, NotIt> {
        text(self.0[field as usize])
    }

    /// The items of `attribute`, unread.
    pub(crate) fn items(&self) -> Result<Vec<&'a RawValue>, NotIt> {
        let raw = self.0[Field::Attribute as usize].ok_or(NotIt::Missing)?;
        match kind(raw) {
            "an array" => serde_json::from_str(raw.get()).map_err(|error| NotIt::Broken(unreadable(&error))),
            other => Err(NotIt::Other(other)),
        }
    }
}

/// `name` and `value` of one item of `attribute`, each as far as it is there.
pub(crate) type Pair<'a> = [Option<&'a RawValue>; 2];

/// Reads one item of `attribute`; other keys in it are skipped.
pub(crate) fn pair(item: &RawValue) -> Result<Pair<'_>, NotIt> {
    if kind(item) != "an object" {
        return Err(NotIt::Other(kind(item)));
    }
    let mut from = serde_json::Deserializer::from_str(item.get());
    from.deserialize_map(Object { names: ["name", "value"] }).map_err(|error| NotIt::Broken(unreadable(&error)))
}

/// The text of a JSON string. Without escapes it is borrowed.
pub(crate) fn text(raw: Option<&RawValue>) -> Result<Cow<'_, str>, NotIt> {
    let raw = raw.ok_or(NotIt::Missing)?;
    let Some(quoted) = raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err(NotIt::Other(kind(raw)));
    };
    if !quoted.contains('\\') {
        return Ok(Cow::Borrowed(quoted));
    }
    serde_json::from_str(raw.get()).map(Cow::Owned).map_err(|error| NotIt::Broken(unreadable(&error)))
}

fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'"') => "a string",
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// Reads the values of the keys that have these names, in their order. Every key may be there once, at every depth.
struct Object<const PLACES: usize> {
    names: [&'static str; PLACES],
}

impl<'de, const PLACES: usize> Visitor<'de> for Object<PLACES> {
    type Value = [Option<&'de RawValue>; PLACES];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut places = [None; PLACES];
        let mut others = Vec::new();
        while let Some(key) = fields.next_key_seed(Key(&self.names))? {
            match key {
                Named::Place(place) if places[place].is_some() => {
                    return Err(A::Error::custom(format_args!("the key `{}` is there twice", self.names[place])));
                }
                Named::Place(place) => places[place] = Some(fields.next_value::<&RawValue>()?),
                Named::Other(name) => {
                    once(&mut others, name)?;
                    fields.next_value_seed(Skip::within(1))?;
                }
            }
        }
        Ok(places)
    }
}

/// A key: its place, or the name of one that nobody wants.
enum Named {
    Place(usize),
    Other(String),
}

struct Key<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Named, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, name: &str) -> Result<Named, E> {
        let place = self.0.iter().position(|known| *known == name);
        Ok(place.map_or_else(|| Named::Other(name.to_owned()), Named::Place))
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, NotIt, Wire, pair, text};

    #[test]
    fn fields_are_found_however_they_are_written() {
        let body = r#" {"\u0069d": "7", "amount": "5\u002e0", "extra": {"a": [1.5, {"b": null}]}, "service": 1271,
            "attribute": [{"value": "v", "name": "n", "more": []}, 7, {"name": "n"}]} "#;
        let wire = Wire::read(body).unwrap();
        assert_eq!(wire.text(Field::Id).unwrap(), "7");
        assert_eq!(wire.text(Field::Amount).unwrap(), "5.0");
        assert_eq!(wire.text(Field::Service), Err(NotIt::Other("a number")));
        assert_eq!(wire.text(Field::Country), Err(NotIt::Missing));
        let items = wire.items().unwrap();
        let [name, value] = pair(items[0]).unwrap();
        assert_eq!((text(name).unwrap().as_ref(), text(value).unwrap().as_ref()), ("n", "v"));
        assert_eq!(pair(items[1]).unwrap_err(), NotIt::Other("a number"));
        assert_eq!(text(pair(items[2]).unwrap()[1]), Err(NotIt::Missing));
    }

    #[test]
    fn what_is_not_strict_is_refused() {
        let twice =
            [r#"{"id":"1","id":"2"}"#, r#"{"id":"1","\u0069d":"2"}"#, r#"{"x":1,"x":2}"#, r#"{"x":{"y":1,"y":2}}"#];
        for body in twice {
            assert!(Wire::read(body).err().is_some_and(|why| why.contains("twice")), "{body}");
        }
        for body in ["", "[]", "7", "null", "{", "{}x", r#"{"id":}"#, "{\"id\":\"\u{1}\"}", r#"{"id":"\ud800"#] {
            assert!(Wire::read(body).is_err(), "{body}");
        }
        let wire = Wire::read(r#"{"id":"\ud800"}"#);
        assert!(wire.is_ok_and(|wire| matches!(wire.text(Field::Id), Err(NotIt::Broken(_)))), "half a character");
    }
}
