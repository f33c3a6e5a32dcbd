//! Who may change tenants and keys: the operator over the plane's own socket, or the front office over the intercom.

/// Proof that a change of tenants or keys was asked for by somebody who may. Only this file's types are one.
pub trait Authority: sealed::Sealed + Send + Sync {
    /// Who it was, in the journal's facts.
    fn word(&self) -> &'static str;
}

/// Proof that the operator asks: made for what arrives on the plane's own socket.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    _over_the_socket: (),
}

impl Operator {
    /// Only for the listener of the 0600 socket in the plane's directory, for start-up seeding, and for tests.
    pub fn over_the_socket() -> Operator {
        Operator { _over_the_socket: () }
    }
}

/// Proof that the front office asks: made for what has proved itself on this plane's intercom.
#[derive(Clone, Copy, Debug)]
pub struct Office {
    _proved_by_the_intercom: (),
}

impl Office {
    /// Only where the intercom has checked a message's proof, and for tests.
    pub fn proved_by_the_intercom() -> Office {
        Office { _proved_by_the_intercom: () }
    }
}

impl Authority for Operator {
    fn word(&self) -> &'static str {
        "operator"
    }
}

impl Authority for Office {
    fn word(&self) -> &'static str {
        "office"
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Operator {}
    impl Sealed for super::Office {}
}
