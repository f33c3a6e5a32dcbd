//! JSON read strictly: no duplicate keys at any depth, no deep nesting, nothing after the value.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Objects and arrays within each other.
pub const DEPTH_MOST: usize = 16;

/// Reads `T`, or says in one sentence what is wrong, with the path of the field where there is one. A struct is read from
/// an object alone.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let mut checked = serde_json::Deserializer::from_str(text);
    Skip::whole().deserialize(&mut checked).and_then(|()| checked.end()).map_err(|error| unreadable(&error))?;
    let mut reading = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(ByName(&mut reading)).map_err(|error| {
        let path = error.path().to_string();
        let why = without_place(&error.inner().to_string());
        if path == "." { sentence(&why) } else { sentence(&format!("{path}: {why}")) }
    })
}

/// The outermost value. serde's own reading takes an array for a struct, by the order of its fields; this does not.
struct ByName<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for ByName<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// What is wrong with a text that is not JSON, or not strict.
pub fn unreadable(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "The body is not whole JSON: it ends early.".to_owned();
    }
    sentence(&format!("The body is not strict JSON: {error}"))
}

fn without_place(why: &str) -> String {
    why.rsplit_once(" at line ").map_or(why, |(why, _)| why).to_owned()
}

/// Parts of the body may be quoted in it, so it is bounded and printable.
fn sentence(why: &str) -> String {
    let mut text: String = why.chars().filter(|letter| !letter.is_control()).take(200).collect();
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// Reads any value, keeps nothing, and refuses what is not strict. For fields that nobody wants.
pub struct Skip {
    depth_left: usize,
}

impl Skip {
    /// For a whole body.
    pub fn whole() -> Skip {
        Skip { depth_left: DEPTH_MOST }
    }

    /// For a value that stands `depth` objects or arrays deep.
    pub fn within(depth: usize) -> Skip {
        Skip { depth_left: DEPTH_MOST.saturating_sub(depth) }
    }

    fn deeper<E: Error>(&self) -> Result<Skip, E> {
        let depth_left = self.depth_left.checked_sub(1);
        depth_left.map(|depth_left| Skip { depth_left }).ok_or_else(|| E::custom("nested too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.deeper()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut names: Vec<String> = Vec::new();
        while let Some(name) = fields.next_key::<String>()? {
            once(&mut names, name)?;
            fields.next_value_seed(self.deeper()?)?;
        }
        Ok(())
    }
}

/// Remembers a key of one object, or refuses it when it was there before.
pub fn once<E: Error>(names: &mut Vec<String>, name: String) -> Result<(), E> {
    if names.contains(&name) {
        return Err(E::custom(format_args!("the key `{name}` is there twice")));
    }
    if names.len() >= KEYS_MOST {
        return Err(E::custom("an object has too many keys"));
    }
    names.push(name);
    Ok(())
}

/// Keys of one object. Bounds the search for duplicates.
const KEYS_MOST: usize = 256;

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::read;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Wish {
        cents: i64,
        #[serde(default)]
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Inner {
        why: String,
    }

    #[test]
    fn what_is_wrong_is_said() {
        let says = |text: &str| read::<Wish>(text).unwrap_err();
        assert_eq!(read(r#"{"cents":5,"other":[1,null,{"a":1.5}]}"#), Ok(Wish { cents: 5, inner: None }));
        assert_eq!(says(""), "The body is not whole JSON: it ends early.");
        assert_eq!(says(r#"{"cents":5"#), "The body is not whole JSON: it ends early.");
        assert!(says(r#"{"cents":5} x"#).contains("trailing characters"));
        assert!(says(r#"{"cents":5,"cents":6}"#).contains("`cents` is there twice"));
        assert!(says(r#"{"cents":5,"x":{"a":1,"\u0061":2}}"#).contains("`a` is there twice"), "however it is written");
        assert!(says(&format!("{{\"x\":{}{}}}", "[".repeat(40), "]".repeat(40))).contains("nested too deep"));
        assert!(says(r#"{"cents":"5"}"#).starts_with("cents: "), "{}", says(r#"{"cents":"5"}"#));
        assert!(says(r#"{"cents":5,"inner":{"why":7}}"#).starts_with("inner.why: "));
        assert_eq!(says("{}"), "missing field `cents`.");
        assert!(says("[5]").starts_with("invalid type: sequence, expected struct"), "{}", says("[5]"));
        assert!(says(&format!("{{\"cents\":\"{}\"}}", "9".repeat(5000))).len() <= 201);
    }
}
