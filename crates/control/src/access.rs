//! Who may call which route: the roles of a seat, and a row for each route. A route without a row is not served.

use base::Environment;
use serde::{Deserialize, Serialize};

/// What a seat lets its user do in a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Admin,
    Developer,
    Finance,
    Viewer,
}

/// How far a role reaches on one route. A route that is about the whole tenant knows `No` and `Both` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    No,
    Sandbox,
    Both,
}

/// Who may call a route at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Anyone,
    /// Any signed-in user, whatever the role.
    Signed,
    /// By role, in the order of [`Role::ALL`].
    Seats([Reach; 5]),
    /// Who proves itself by a signature over the body.
    Provider,
}

/// From what a route's handler learns the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Nowhere,
    Body,
    Path,
    Header,
    Query,
}

/// One route: made by [`crate::rows`] alone, and told from others by its name.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub name: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub who: Who,
    pub at: Where,
    pub step_up: bool,
    /// Every status that it answers.
    pub answers: &'static [u16],
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Owner, Role::Admin, Role::Developer, Role::Finance, Role::Viewer];

    pub fn word(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Admin => "admin",
            Role::Developer => "developer",
            Role::Finance => "finance",
            Role::Viewer => "viewer",
        }
    }

    pub fn from_word(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.word() == word)
    }
}

impl Reach {
    pub fn covers(self, environment: Environment) -> bool {
        match self {
            Reach::No => false,
            Reach::Sandbox => environment == Environment::Sandbox,
            Reach::Both => true,
        }
    }
}

impl Row {
    /// How far a signed-in user of this role reaches here. Routes for anyone and for providers grant a session nothing.
    pub fn reach(&self, role: Role) -> Reach {
        match self.who {
            Who::Anyone | Who::Provider => Reach::No,
            Who::Signed => Reach::Both,
            Who::Seats([owner, admin, developer, finance, viewer]) => match role {
                Role::Owner => owner,
                Role::Admin => admin,
                Role::Developer => developer,
                Role::Finance => finance,
                Role::Viewer => viewer,
            },
        }
    }
}

/// Declares rows as constants, and `ALL` of them in order:
/// `KEY_CREATE: POST "/dashboard/api-keys", seats(B B S N N), at Body, step_up, 201 400 403;` with `anyone`, `signed` or
/// `provider` in place of the seats.
#[macro_export]
macro_rules! rows {
    ($(
        $(#[$about:meta])*
        $name:ident: $method:ident $path:literal, $who:ident $(($($reach:ident)+))?, at $at:ident, $($step:ident,)?
        $($code:literal)+;
    )+) => {
        $(
            $(#[$about])*
            pub const $name: &$crate::access::Row = &$crate::access::Row {
                name: stringify!($name),
                method: stringify!($method),
                path: $path,
                who: $crate::rows!(@who $who $($($reach)+)?),
                at: $crate::access::Where::$at,
                step_up: $crate::rows!(@step $($step)?),
                answers: &[$($code),+],
            };
        )+
        /// Every route, in the order of this file.
        pub const ALL: &[&$crate::access::Row] = &[$($name),+];
    };
    (@who anyone) => { $crate::access::Who::Anyone };
    (@who signed) => { $crate::access::Who::Signed };
    (@who provider) => { $crate::access::Who::Provider };
    (@who seats $($reach:ident)+) => { $crate::access::Who::Seats([$($crate::rows!(@reach $reach)),+]) };
    (@reach B) => { $crate::access::Reach::Both };
    (@reach S) => { $crate::access::Reach::Sandbox };
    (@reach N) => { $crate::access::Reach::No };
    (@step) => { false };
    (@step step_up) => { true };
}

#[cfg(test)]
mod tests {
    use base::Environment;

    use super::{Reach, Role, Where, Who};

    rows! {
        KEY_CREATE: POST "/keys", seats(B B S N N), at Body, step_up, 201 403;
        ME: GET "/me", signed, at Nowhere, 200;
        REGISTER: POST "/register", anyone, at Nowhere, 201;
    }

    #[test]
    fn a_row_says_how_far_each_role_reaches() {
        assert_eq!(ALL.iter().map(|row| row.name).collect::<Vec<_>>(), ["KEY_CREATE", "ME", "REGISTER"]);
        assert_eq!((KEY_CREATE.method, KEY_CREATE.at, KEY_CREATE.step_up), ("POST", Where::Body, true));
        assert_eq!((ME.step_up, REGISTER.who, KEY_CREATE.answers), (false, Who::Anyone, &[201, 403][..]));
        let reaches = Role::ALL.map(|role| KEY_CREATE.reach(role));
        assert_eq!(reaches, [Reach::Both, Reach::Both, Reach::Sandbox, Reach::No, Reach::No]);
        assert!(Role::ALL.iter().all(|role| ME.reach(*role) == Reach::Both && REGISTER.reach(*role) == Reach::No));
        assert!(Reach::Sandbox.covers(Environment::Sandbox) && !Reach::Sandbox.covers(Environment::Live));
    }
}
