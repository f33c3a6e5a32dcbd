//! Proofs as types: where a request came from, whose session it is, what that session may do, and that its user has proved
//! himself lately. Their fields are private; each is made in one place, and an operation takes the proof that it needs.

use std::fmt;
use std::net::IpAddr;

use base::{Environment, SessionId, TenantId, Time, UserId};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::access::{Reach, Role, Row};
use crate::act::{Act, Actor};

/// Where a request came from. Every caller has one, signed in or not.
#[derive(Clone)]
pub struct From {
    pub ip: IpAddr,
    pub net: Net,
    pub request_id: Box<str>,
    /// At most 200 printable characters of what the client calls itself.
    pub agent: Box<str>,
}

/// The network that an address stands in: a /24 of IPv4, a /64 of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net(IpNet);

/// What a request brings to show whose session it is.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    Bearer(&'a str),
    Cookie(&'a str),
}

/// How a session is carried by its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Carried {
    Bearer,
    Cookie,
}

/// With what a user has proved himself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProofKind {
    Password,
    Totp,
    Passkey,
    Recovery,
    /// The login itself.
    Login,
}

/// When a session's user proved himself last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proved {
    pub kind: ProofKind,
    pub at: Time,
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("sign in first")]
    Unauthenticated,
    #[error("the session has ended; sign in again")]
    Expired,
    #[error("the session was revoked; sign in again")]
    Revoked,
    #[error("your role does not allow this")]
    RoleForbids,
    #[error("prove that it is you first")]
    StepUpRequired,
    /// No such thing, or another tenant's: the answer is one.
    #[error("nothing is known by this id")]
    Unknown,
}

/// A live session of a user who has a seat in its tenant, as one request found it. Only
/// [`crate::sessions::authenticate`] makes one.
#[derive(Clone)]
pub struct Session {
    pub(crate) user: UserId,
    pub(crate) id: SessionId,
    pub(crate) tenant: TenantId,
    pub(crate) role: Role,
    pub(crate) verified: bool,
    pub(crate) preferred: Environment,
    pub(crate) carried: Carried,
    pub(crate) proved: Option<Proved>,
    pub(crate) from: From,
}

/// Proof that a session's seat may do what a route does, in one environment at least. Only [`Session::permit`] makes one.
#[derive(Clone)]
pub struct Permit {
    session: Session,
    row: &'static Row,
}

/// A permit for one environment. Only [`Permit::in_environment`] makes one.
#[derive(Clone)]
pub struct Placed {
    permit: Permit,
    environment: Environment,
}

/// Proof that the user of this session proved himself within the last ten minutes. Only [`crate::sessions::step_up`] makes
/// one; it is worth nothing to another session, and nobody writes one down:
///
/// ```compile_fail,E0451
/// # fn take(permit: &control::Permit) -> control::StepUp {
/// let (session, user) = (permit.session().id().clone(), permit.session().user().clone());
/// control::StepUp { session, user, by: control::ProofKind::Password, at: base::Time(0) }
/// # }
/// ```
///
/// An operation that needs one does not go without:
///
/// ```compile_fail,E0061
/// # fn revoke(control: &control::Control, planes: &dyn control::Planes, permit: &control::Permit) {
/// let _ = control::keys::revoke(control, planes, permit, "key_test_000000000000");
/// # }
/// ```
///
/// ```
/// # fn revoke(control: &control::Control, planes: &dyn control::Planes, permit: &control::Permit, by: &control::StepUp) {
/// let _ = control::keys::revoke(control, planes, permit, by, "key_test_000000000000");
/// # }
/// ```
pub struct StepUp {
    pub(crate) session: SessionId,
    pub(crate) user: UserId,
    pub(crate) by: ProofKind,
    pub(crate) at: Time,
}

/// Proof that the operator asks: made for what arrives on control's own socket.
#[derive(Clone, Copy, Debug)]
pub struct Operator {
    _over_the_socket: (),
}

impl Session {
    /// Refused where the role reaches neither environment on this route.
    pub fn permit(self, row: &'static Row) -> Result<Permit, Denied> {
        match row.reach(self.role) {
            Reach::No => Err(Denied::RoleForbids),
            Reach::Sandbox | Reach::Both => Ok(Permit { session: self, row }),
        }
    }

    pub fn user(&self) -> &UserId {
        &self.user
    }

    pub fn id(&self) -> &SessionId {
        &self.id
    }

    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether the user's address is proved.
    pub fn verified(&self) -> bool {
        self.verified
    }

    pub fn preferred(&self) -> Environment {
        self.preferred
    }

    pub fn carried(&self) -> Carried {
        self.carried
    }

    pub fn proved(&self) -> Option<Proved> {
        self.proved
    }

    pub fn from(&self) -> &From {
        &self.from
    }
}

impl Permit {
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The route that this was permitted for.
    pub fn row(&self) -> &'static Row {
        self.row
    }

    pub fn reach(&self) -> Reach {
        self.row.reach(self.session.role)
    }

    /// Refused where the role does not reach this environment. For an id of an environment that the role may not see, the
    /// caller answers [`Denied::Unknown`] instead.
    pub fn in_environment(self, environment: Environment) -> Result<Placed, Denied> {
        match self.reach().covers(environment) {
            true => Ok(Placed { permit: self, environment }),
            false => Err(Denied::RoleForbids),
        }
    }

    pub(crate) fn act(&self, step_up: Option<&StepUp>) -> Act {
        let Session { user, id, from, .. } = &self.session;
        Act { proof: step_up.map(|step_up| step_up.by), ..from.act_by(Actor::User(user.clone(), id.clone())) }
    }
}

impl Placed {
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    pub fn session(&self) -> &Session {
        &self.permit.session
    }

    pub fn environment(&self) -> Environment {
        self.environment
    }

    pub(crate) fn act(&self, step_up: Option<&StepUp>) -> Act {
        self.permit.act(step_up).in_environment(self.environment)
    }
}

impl StepUp {
    pub fn by(&self) -> ProofKind {
        self.by
    }

    pub fn at(&self) -> Time {
        self.at
    }

    /// Whether it is this session's own.
    pub(crate) fn is_of(&self, session: &Session) -> bool {
        self.session == session.id && self.user == session.user
    }
}

impl Operator {
    /// Only for the listener of the 0600 socket in control's directory, for commands that have its store for themselves, for start-up
    /// seeding, and for tests.
    pub fn over_the_socket() -> Operator {
        Operator { _over_the_socket: () }
    }

    pub(crate) fn act(self) -> Act {
        Act::by(Actor::Operator)
    }
}

const AGENT_CHARACTERS_MOST: usize = 200;

impl From {
    pub fn new(ip: IpAddr, request_id: &str, agent: &str) -> From {
        let agent: String = agent.chars().filter(|sign| !sign.is_control()).take(AGENT_CHARACTERS_MOST).collect();
        From { ip: ip.to_canonical(), net: Net::of(ip), request_id: request_id.into(), agent: agent.into() }
    }

    pub(crate) fn act(&self) -> Act {
        self.act_by(Actor::Visitor)
    }

    /// What a session does while it begins.
    pub(crate) fn act_of(&self, user: &UserId, session: &SessionId) -> Act {
        self.act_by(Actor::User(user.clone(), session.clone()))
    }

    fn act_by(&self, actor: Actor) -> Act {
        Act { ip: Some(self.ip), request_id: Some(self.request_id.clone()), ..Act::by(actor) }
    }
}

impl Net {
    pub fn of(ip: IpAddr) -> Net {
        let ip = ip.to_canonical();
        let prefix = if ip.is_ipv4() { 24 } else { 64 };
        Net(IpNet::new(ip, prefix).map_or_else(|_| IpNet::from(ip), |net| net.trunc()))
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ProofKind {
    pub fn word(self) -> &'static str {
        match self {
            ProofKind::Password => "password",
            ProofKind::Totp => "totp",
            ProofKind::Passkey => "passkey",
            ProofKind::Recovery => "recovery",
            ProofKind::Login => "login",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{From, Net};

    #[test]
    fn neighbours_share_a_network_however_their_address_is_written() {
        let net = |ip: &str| Net::of(ip.parse().unwrap()).to_string();
        assert_eq!(net("203.0.113.9"), "203.0.113.0/24");
        assert_eq!(net("::ffff:203.0.113.200"), "203.0.113.0/24");
        assert_eq!(net("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
    }

    #[test]
    fn an_agent_is_short_and_on_one_line() {
        let from = From::new([127, 0, 0, 1].into(), "req_1", &format!("a\r\n{}", "é".repeat(300)));
        assert_eq!(from.agent.chars().count(), 200);
        assert!(from.agent.starts_with("aéé"));
    }
}
