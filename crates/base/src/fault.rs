//! Two ways for an operation to end without an effect: refused (lawful, expected, told to the caller) and faulted
//! (something broke: logged with its causes, never shown).

use std::error::Error;
use std::fmt;

/// Something broke. Opaque to callers; `Display` gives this level only and `source` gives the next one.
#[derive(Debug)]
pub struct Fault {
    /// What we were doing, in words an operator understands.
    doing: String,
    /// Whether the same request may succeed later without anybody changing anything.
    pub busy: bool,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// A fault with no deeper cause.
    pub fn new(doing: impl Into<String>) -> Fault {
        Fault { doing: doing.into(), busy: false, source: None }
    }

    /// A fault that wraps the error that caused it.
    pub fn because(doing: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Fault {
        Fault { doing: doing.into(), busy: false, source: Some(source.into()) }
    }

    /// Not run at all: too much is waiting, or the service is closing. The same request may be sent again.
    pub fn busy(doing: impl Into<String>) -> Fault {
        Fault { doing: doing.into(), busy: true, source: None }
    }

    /// The whole chain in one line, for a log.
    pub fn chain(&self) -> String {
        let mut text = self.doing.clone();
        let mut next = self.source();
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.doing)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

/// How an operation ends when it has no effect.
#[derive(Debug)]
pub enum Stop<R> {
    /// The rules say no. Nothing was changed.
    Refused(R),
    /// Something broke. Nothing was changed, or (`outcome unknown`) the caller is told to ask or retry with the same key.
    Faulted(Fault),
}

impl<R> From<Fault> for Stop<R> {
    fn from(fault: Fault) -> Stop<R> {
        Stop::Faulted(fault)
    }
}
