//! The two environments. A plane is one (environment, name): more sandboxes may come, live is one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which side of the wall something is on. The wire words differ by contract (facts: contracts/README section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Simulated money; resettable.
    Sandbox,
    /// Real money; there is no code path that resets it.
    Live,
}

impl Environment {
    /// Both, in the order in which they are listed everywhere.
    pub const ALL: [Environment; 2] = [Environment::Sandbox, Environment::Live];

    /// `sandbox` or `live`: our own word, in paths, logs, metrics and configuration.
    pub fn word(self) -> &'static str {
        match self {
            Environment::Sandbox => "sandbox",
            Environment::Live => "live",
        }
    }

    /// `test` or `live`: the middle of a key's prefix, `pk_{test|live}_`.
    pub fn key_word(self) -> &'static str {
        match self {
            Environment::Sandbox => "test",
            Environment::Live => "live",
        }
    }

    /// Reads our own word.
    pub fn from_word(word: &str) -> Option<Environment> {
        Environment::ALL.into_iter().find(|environment| environment.word() == word)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The name of one plane: its environment and which of that kind it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PlaneName {
    pub environment: Environment,
    /// `main` unless an operator runs several sandboxes. Live has only `main`.
    pub name: String,
}

impl PlaneName {
    /// The plane that every installation has for this environment.
    pub fn main(environment: Environment) -> PlaneName {
        PlaneName { environment, name: "main".to_owned() }
    }
}
