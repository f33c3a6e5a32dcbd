//! Rows of the front office: key columns and one body in JSON, whose fields stand in the order in which they are declared.
//! A field may be added with `#[serde(default)]` and without a migration. No map with a random order may be in a body: a row
//! written twice is the same bytes.

use base::{ContractId, Environment, SessionId, TenantId, TicketId, Time, UserId};
use store::{Bind, Corrupt, Kind, Take};

use crate::plans::Product;

/// What can be a key column: it is kept as a text or a number, so that ranges of keys can be named.
pub trait Part: Sized {
    type Column;
    const KIND: Kind;
    fn column(&self) -> Self::Column;
    fn bind(column: &Self::Column, out: &mut dyn Bind);
    fn take(from: &mut dyn Take) -> Result<Self, Corrupt>;
}

/// Declares a row, `struct` and table in one: its key columns, its body, and `Row` for it.
macro_rules! json_row {
    (
        $(#[$about:meta])*
        $name:ident, slot $slot:literal, $table:literal, keep $keep:literal,
        key { $($(#[doc = $key_doc:literal])* $key:ident: $part:ty,)+ }
        body { $($(#[doc = $doc:literal])* $(#[serde($($how:tt)*)])? $field:ident: $kind:ty,)* }
    ) => {
        $(#[$about])*
        pub struct $name {
            $($(#[doc = $key_doc])* pub $key: $part,)+
            $($(#[doc = $doc])* pub $field: $kind,)*
        }

        impl $name {
            /// The key as the store takes it.
            pub fn keyed($($key: &$part),+) -> <$name as ::store::Row>::Key {
                $crate::json_row::json_row!(@tuple $($crate::json_row::Part::column($key)),+)
            }
        }

        impl ::store::Row for $name {
            type Key = $crate::json_row::json_row!(@types $($part),+);
            const SLOT: usize = $slot;
            const SPEC: ::store::Spec = ::store::Spec {
                name: $table,
                columns: &[
                    $(::store::Column::new(stringify!($key), <$part as $crate::json_row::Part>::KIND),)+
                    ::store::Column::new("body", ::store::Kind::Text),
                ],
                key: ::store::KeyShape::First([$(stringify!($key)),+].len()),
                keep: $keep,
                locked: ::store::Locked::ByHead,
            };

            fn key(&self) -> Self::Key {
                $name::keyed($(&self.$key),+)
            }

            fn write_key(key: &Self::Key, out: &mut dyn ::store::Bind) {
                let $crate::json_row::json_row!(@tuple $($key),+) = key;
                $(<$part as $crate::json_row::Part>::bind($key, out);)+
            }

            fn write(&self, out: &mut dyn ::store::Bind) {
                #[derive(serde::Serialize)]
                struct Body<'a> {
                    $($(#[serde($($how)*)])? $field: &'a $kind,)*
                    #[serde(skip)]
                    _none: std::marker::PhantomData<&'a ()>,
                }
                let body = Body { $($field: &self.$field,)* _none: std::marker::PhantomData };
                <$name as ::store::Row>::write_key(&self.key(), out);
                out.text(&$crate::json_row::text_of(&body));
            }

            fn read(from: &mut dyn ::store::Take) -> Result<$name, ::store::Corrupt> {
                #[derive(serde::Deserialize)]
                struct Body {
                    $($(#[serde($($how)*)])? $field: $kind,)*
                }
                $(let $key = <$part as $crate::json_row::Part>::take(from)?;)+
                let body = serde_json::from_str::<Body>(from.text()?).map_err(|error| error.to_string());
                let Body { $($field),* } = body.map_err(|why| from.corrupt(&why))?;
                Ok($name { $($key,)+ $($field,)* })
            }
        }
    };
    (@types $one:ty) => { <$one as $crate::json_row::Part>::Column };
    (@types $($part:ty),+) => { ($(<$part as $crate::json_row::Part>::Column),+) };
    (@tuple $one:ident) => { $one };
    (@tuple $($part:ident),+) => { ($($part),+) };
    (@tuple $one:expr) => { $one };
    (@tuple $($part:expr),+) => { ($($part),+) };
}
pub(crate) use json_row;

/// A body as it is kept.
pub(crate) fn text_of(body: &impl serde::Serialize) -> String {
    serde_json::to_string(body).unwrap_or_else(|error| unreachable!("a body is a struct of plain fields: {error}"))
}

/// The ends of a walk over every row whose first of two key columns is `first`.
pub(crate) fn all_of(first: &str) -> ((String, String), (String, String)) {
    ((first.to_owned(), String::new()), (first.to_owned(), "\u{10FFFF}".to_owned()))
}

macro_rules! text_parts {
    ($($kind:ty)+) => {$(
        impl Part for $kind {
            type Column = String;
            const KIND: Kind = Kind::Text;

            fn column(&self) -> String {
                self.to_string()
            }

            fn bind(column: &String, out: &mut dyn Bind) {
                out.text(column);
            }

            fn take(from: &mut dyn Take) -> Result<$kind, Corrupt> {
                from.text()?.parse().map_err(|_| from.corrupt(concat!("not a ", stringify!($kind))))
            }
        }
    )+};
}

text_parts! { String TenantId UserId SessionId TicketId ContractId }

macro_rules! word_parts {
    ($($kind:ty)+) => {$(
        impl Part for $kind {
            type Column = String;
            const KIND: Kind = Kind::Text;

            fn column(&self) -> String {
                self.word().to_owned()
            }

            fn bind(column: &String, out: &mut dyn Bind) {
                out.text(column);
            }

            fn take(from: &mut dyn Take) -> Result<$kind, Corrupt> {
                let found = <$kind>::from_word(from.text()?);
                found.ok_or_else(|| from.corrupt(concat!("not a ", stringify!($kind))))
            }
        }
    )+};
}

word_parts! { Environment Product }

impl Part for Time {
    type Column = i64;
    const KIND: Kind = Kind::Int;

    fn column(&self) -> i64 {
        self.0
    }

    fn bind(column: &i64, out: &mut dyn Bind) {
        out.int(*column);
    }

    fn take(from: &mut dyn Take) -> Result<Time, Corrupt> {
        from.int().map(Time)
    }
}

impl Part for u64 {
    type Column = i64;
    const KIND: Kind = Kind::Int;

    fn column(&self) -> i64 {
        self.cast_signed()
    }

    fn bind(column: &i64, out: &mut dyn Bind) {
        out.int(*column);
    }

    fn take(from: &mut dyn Take) -> Result<u64, Corrupt> {
        from.int().map(i64::cast_unsigned)
    }
}
