//! What a tenant has really done in its sandbox, one bit each: what says more about readiness than a promise does.

/// One deed. Each is noted by the plane when it happens, and never taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The balance was read.
    Balance,
    /// A receiver was looked up.
    Receiver,
    /// A transfer was checked.
    Check,
    /// A transfer was accepted.
    Transfer,
    /// A transfer's state was read.
    Status,
    /// A failure with this code was answered, and so with each of the next seven.
    MetAuthenticationError,
    MetInvalidRequest,
    MetInvalidPhoneNumber,
    MetTransferNotFound,
    MetInsufficientFunds,
    MetKycNotVerified,
    MetInternalServerError,
    MetServiceUnavailable,
    /// A receiver or an amount that stands for a case was used.
    Magic,
    /// Weather was wished for.
    Weather,
    /// A transfer was forced on.
    Forced,
    /// A call named itself with a request id of its caller's own.
    OwnRequestId,
    /// A key with an expiry or a list of addresses was used.
    LimitedKey,
    /// A transfer was sent again under its id, and got its first answer.
    Replay,
}

impl Deed {
    /// In the order of their bits.
    pub const ALL: [Deed; 19] = [
        Deed::Balance,
        Deed::Receiver,
        Deed::Check,
        Deed::Transfer,
        Deed::Status,
        Deed::MetAuthenticationError,
        Deed::MetInvalidRequest,
        Deed::MetInvalidPhoneNumber,
        Deed::MetTransferNotFound,
        Deed::MetInsufficientFunds,
        Deed::MetKycNotVerified,
        Deed::MetInternalServerError,
        Deed::MetServiceUnavailable,
        Deed::Magic,
        Deed::Weather,
        Deed::Forced,
        Deed::OwnRequestId,
        Deed::LimitedKey,
        Deed::Replay,
    ];

    /// Its bit in a set of deeds. Kept in stores: a deed keeps its place.
    pub const fn bit(self) -> u64 {
        1 << self as u64
    }

    /// Whether it is in this set.
    pub const fn is_in(self, deeds: u64) -> bool {
        deeds & self.bit() != 0
    }

    pub fn word(self) -> &'static str {
        match self {
            Deed::Balance => "balance",
            Deed::Receiver => "receiver",
            Deed::Check => "check",
            Deed::Transfer => "transfer",
            Deed::Status => "status",
            Deed::MetAuthenticationError => "met_authentication_error",
            Deed::MetInvalidRequest => "met_invalid_request",
            Deed::MetInvalidPhoneNumber => "met_invalid_phone_number",
            Deed::MetTransferNotFound => "met_transfer_not_found",
            Deed::MetInsufficientFunds => "met_insufficient_funds",
            Deed::MetKycNotVerified => "met_kyc_not_verified",
            Deed::MetInternalServerError => "met_internal_server_error",
            Deed::MetServiceUnavailable => "met_service_unavailable",
            Deed::Magic => "magic",
            Deed::Weather => "weather",
            Deed::Forced => "forced",
            Deed::OwnRequestId => "own_request_id",
            Deed::LimitedKey => "limited_key",
            Deed::Replay => "replay",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Deed;

    #[test]
    fn each_deed_has_its_place() {
        for (place, deed) in Deed::ALL.into_iter().enumerate() {
            assert_eq!(deed.bit(), 1 << place, "{}", deed.word());
        }
        assert!(Deed::Magic.is_in(Deed::Magic.bit() | 1) && !Deed::Magic.is_in(Deed::Weather.bit()));
    }
}
