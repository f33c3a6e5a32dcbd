//! What the operator may set of the front office.

use base::Span;

use crate::plans::Plans;

#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a session lives.
    pub session: Span,
    pub limits: Limits,
    /// Whether live waits for the operator's approval.
    pub approval: Approval,
    pub plans: Plans,
    /// Tests and soaks: each operation runs twice and the two runs are compared.
    pub run_twice: bool,
}

/// What live needs of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approval {
    Required,
    Off,
}

/// Against guessing and flooding. A network is a /24 of IPv4 or a /64 of IPv6.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Passwords that are hashed at the same time; 0 is half the cores.
    pub hashes_at_once: u32,
    /// Failed logins from one network in ten minutes.
    pub failures_per_net: u32,
    /// Failed logins to one address from one network in fifteen minutes.
    pub failures_per_pair: u32,
    /// Failed logins to one address in an hour, from networks that never logged in to it.
    pub failures_per_address: u32,
    /// Registrations from one network in an hour.
    pub registrations_per_hour: u32,
    /// Mails of one kind that one address gets on demand in an hour: proofs of it, ways to a new password, invitations.
    pub mails_per_hour: u32,
    /// Mails that one network has sent on demand in an hour.
    pub mails_per_net: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            session: Span::hours(8),
            limits: Limits::default(),
            approval: Approval::Required,
            plans: Plans::published(),
            run_twice: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            hashes_at_once: 0,
            failures_per_net: 30,
            failures_per_pair: 10,
            failures_per_address: 100,
            registrations_per_hour: 20,
            mails_per_hour: 5,
            mails_per_net: 20,
        }
    }
}
