//! Who did something, from where and with which proof: the first half of every line of the audit log.

use std::net::IpAddr;

use base::{Environment, SessionId, UserId};
use serde_json::{Value, json};

use crate::proof::ProofKind;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    User(UserId, SessionId),
    /// Somebody without a session, such as who registers.
    Visitor,
    Operator,
    /// A loop of the front office.
    System,
    Provider,
}

/// One act. Made by the proof that it leans on: `From::act`, `Permit::act`, `Operator::act`, or [`Act::of_the_system`].
#[derive(Clone, Debug)]
pub struct Act {
    pub(crate) actor: Actor,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) request_id: Option<Box<str>>,
    pub(crate) proof: Option<ProofKind>,
    pub(crate) environment: Option<Environment>,
}

impl Act {
    /// What a loop does by itself.
    pub(crate) fn of_the_system() -> Act {
        Act::by(Actor::System)
    }

    pub(crate) fn by(actor: Actor) -> Act {
        Act { actor, ip: None, request_id: None, proof: None, environment: None }
    }

    /// The same act, said to be about one environment.
    pub(crate) fn in_environment(self, environment: Environment) -> Act {
        Act { environment: Some(environment), ..self }
    }

    /// As it stands in the audit log.
    pub(crate) fn facts(&self) -> Value {
        let (user, session) = match &self.actor {
            Actor::User(user, session) => (Some(user.to_string()), Some(session.to_string())),
            _ => (None, None),
        };
        json!({
            "actor": self.actor.word(),
            "user": user,
            "session": session,
            "ip": self.ip.map(|ip| ip.to_string()),
            "request": self.request_id.as_deref(),
            "proof": self.proof.map(ProofKind::word),
            "environment": self.environment.map(Environment::word),
        })
    }
}

impl Actor {
    fn word(&self) -> &'static str {
        match self {
            Actor::User(..) => "user",
            Actor::Visitor => "visitor",
            Actor::Operator => "operator",
            Actor::System => "system",
            Actor::Provider => "provider",
        }
    }
}
