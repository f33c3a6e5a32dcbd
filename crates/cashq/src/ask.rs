//! From a transfer's body to an ask. Fields are judged in the order of the contract's table, so the same body always gets
//! the same complaint, and every complaint names its field and what to send there.

use base::{Amount, Asset};
use plane::Phone;
use plane::payouts::NewTransfer;
use serde_json::value::RawValue;

use crate::wire::{self, Field, NotIt, Wire};

/// Why a body is no ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Not JSON, or not one object.
    NotJson(String),
    /// A field is missing, of the wrong type or not valid.
    Field(String),
    /// A phone is there but is none.
    Phone(String),
}

const ID_DIGITS_MOST: usize = 18;
/// Characters of a short word such as `service`.
const WORD_MOST: usize = 64;
const ATTRIBUTES_MOST: usize = 32;
const VALUE_MOST: usize = 256;

/// Reads the body of `transfer` and `checkTransfer`. Fields of other names are skipped.
pub(crate) fn read(body: &str) -> Result<NewTransfer, Problem> {
    let wire = Wire::read(body).map_err(Problem::NotJson)?;
    Ok(NewTransfer {
        id: id(&wire)?,
        sender: phone(&wire, Field::SenderPhone)?,
        receiver: phone(&wire, Field::ReceiverPhone)?,
        amount: amount(&wire)?,
        service: word(&wire, Field::Service)?,
        country: word(&wire, Field::Country)?,
        currency: word(&wire, Field::Currency)?,
        attributes: attributes(&wire)?,
    })
}

fn id(wire: &Wire<'_>) -> Result<String, Problem> {
    let text = wire.text(Field::Id).map_err(|not_it| complaint(Field::Id, not_it))?;
    let digits = (1..=ID_DIGITS_MOST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { Ok(text.into_owned()) } else { Err(invalid(Field::Id)) }
}

fn phone(wire: &Wire<'_>, field: Field) -> Result<Phone, Problem> {
    let text = wire.text(field).map_err(|not_it| complaint(field, not_it))?;
    let message = || format!("{} is not a phone number: send {}.", field.name(), remedy(field));
    Phone::from_e164(&text).map_err(|_| Problem::Phone(message()))
}

fn amount(wire: &Wire<'_>) -> Result<Amount, Problem> {
    let text = wire.text(Field::Amount).map_err(|not_it| complaint(Field::Amount, not_it))?;
    let amount = Amount::parse(&text, Asset::USD).ok().filter(|amount| amount.minor > 0);
    amount.ok_or_else(|| invalid(Field::Amount))
}

fn word(wire: &Wire<'_>, field: Field) -> Result<String, Problem> {
    let text = wire.text(field).map_err(|not_it| complaint(field, not_it))?;
    if !text.is_empty() && printable(&text, WORD_MOST) { Ok(text.into_owned()) } else { Err(invalid(field)) }
}

fn attributes(wire: &Wire<'_>) -> Result<Vec<(String, String)>, Problem> {
    let items = wire.items().map_err(|not_it| complaint(Field::Attribute, not_it))?;
    if items.len() > ATTRIBUTES_MOST {
        return Err(invalid(Field::Attribute));
    }
    items.into_iter().enumerate().map(|(at, item)| attribute(at, item)).collect()
}

fn attribute(at: usize, item: &RawValue) -> Result<(String, String), Problem> {
    let wrong = |part: &str, not_it| complaint_at(&format!("attribute[{at}]{part}"), Field::Attribute, not_it);
    let [name, value] = wire::pair(item).map_err(|not_it| wrong("", not_it))?;
    let name = wire::text(name).map_err(|not_it| wrong(".name", not_it))?;
    let value = wire::text(value).map_err(|not_it| wrong(".value", not_it))?;
    for (part, text, most) in [(".name", &name, WORD_MOST), (".value", &value, VALUE_MOST)] {
        if !printable(text, most) {
            return Err(invalid_at(&format!("attribute[{at}]{part}"), Field::Attribute));
        }
    }
    Ok((name.into_owned(), value.into_owned()))
}

/// At most `most` characters, none of them a control character.
fn printable(text: &str, most: usize) -> bool {
    text.len() <= 4 * most && text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn complaint(field: Field, not_it: NotIt) -> Problem {
    complaint_at(field.name(), field, not_it)
}

fn complaint_at(place: &str, field: Field, not_it: NotIt) -> Problem {
    let remedy = remedy(field);
    match not_it {
        NotIt::Missing => Problem::Field(format!("{place} is missing: send {remedy}.")),
        NotIt::Other(kind) => Problem::Field(format!("{place} must not be {kind}: send {remedy}.")),
        NotIt::Broken(why) => Problem::NotJson(why),
    }
}

fn invalid(field: Field) -> Problem {
    invalid_at(field.name(), field)
}

fn invalid_at(place: &str, field: Field) -> Problem {
    Problem::Field(format!("{place} is not valid: send {}.", remedy(field)))
}

fn remedy(field: Field) -> &'static str {
    match field {
        Field::Id => "1 to 18 digits as a string, such as \"123456789\"",
        Field::SenderPhone => "a phone number with its country code as a string, such as \"+15615019469\"",
        Field::ReceiverPhone => "a phone number with its country code as a string, such as \"+201234567890\"",
        Field::Amount => "dollars as a string, at least \"0.01\" and with at most two decimals, such as \"5.00\"",
        Field::Service => "the id of a corridor as a string, such as \"1271\"",
        Field::Country => "the country of the corridor as a string, such as \"EG\"",
        Field::Currency => "the currency of the corridor as a string, such as \"EGP\"",
        Field::Attribute => {
            "an array of at most 32 objects with \"name\" and \"value\", both strings without control characters, of at \
             most 64 and 256 characters"
        }
    }
}
