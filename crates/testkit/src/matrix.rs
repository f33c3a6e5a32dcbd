//! Every row of a surface, called by everybody in every standing, and whether each call was decided as the row says. It goes by the
//! rows: a route that is added is called by the next run.

use axum::Router;
use base::Environment;
use control::{Reach, Role, Row, Where, Who};
use gate::office::Office;
use http::{Method, Request};
use serde_json::Value;

use crate::Answer;
use crate::callers::{Callers, Standing, Whose};

/// What is called.
pub struct Surface {
    /// The surface's routes with the dashboard's.
    pub routes: fn(Office) -> Router,
    pub rows: &'static [&'static Row],
    /// What every row may answer besides.
    pub anywhere: &'static [u16],
    /// A body that a row takes, where it takes one.
    pub body_of: fn(&Row) -> Option<Value>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Decided {
    pub decisions: u64,
    /// Calls that were let through to a success and should have been refused.
    pub unexpected_2xx: u64,
    /// One line for each call that was decided otherwise than by its row.
    pub wrong: Vec<String>,
}

/// One call as it is made.
struct Asked {
    path: String,
    header: Option<&'static str>,
    body: Option<Value>,
}

/// How a row decides a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Refused(u16, &'static str),
    /// What comes then is between the handler and the room.
    LetIn,
}

/// Calls every row in every role and standing and in both environments.
pub async fn run(surface: &Surface) -> Decided {
    let mut callers = Callers::new(surface).await;
    let mut decided = Decided::default();
    for row in surface.rows {
        for role in Role::ALL {
            for standing in Standing::ALL.into_iter().filter(|standing| applies(row, role, *standing)) {
                for environment in environments(row).iter().copied() {
                    one(surface, &mut callers, &mut decided, row, role, standing, environment).await;
                }
            }
            if row.path.contains('{') && matches!(row.who, Who::Signed | Who::Seats(_)) {
                for environment in environments(row).iter().copied() {
                    foreign(surface, &mut callers, &mut decided, row, role, environment).await;
                }
            }
        }
    }
    decided
}

/// Whoever is not asked for a session is asked as one role alone; unverified is only who has made his own tenant, its owner.
fn applies(row: &Row, role: Role, standing: Standing) -> bool {
    let asked = matches!(row.who, Who::Signed | Who::Seats(_));
    role == Role::Owner || (asked && standing != Standing::Unverified)
}

fn environments(row: &Row) -> &'static [Environment] {
    match row.at {
        Where::Nowhere => &[Environment::Sandbox],
        Where::Body | Where::Path | Where::Query | Where::Header => &Environment::ALL,
    }
}

async fn one(
    surface: &Surface,
    callers: &mut Callers,
    decided: &mut Decided,
    row: &'static Row,
    role: Role,
    standing: Standing,
    environment: Environment,
) {
    let whose = if standing == Standing::Unverified { Whose::Unverified } else { Whose::Own };
    let asked = Asked::of(surface, callers, row, environment, whose);
    let answer = asked.send(callers, row, role, standing).await;
    let verdict = verdict(row, role, standing, environment);
    decided.decisions += 1;
    if verdict != Verdict::LetIn && answer.status.is_success() {
        decided.unexpected_2xx += 1;
    }
    if let Some(wrong) = otherwise(surface, row, verdict, &answer) {
        let call = format!("{} {role:?} {standing:?} {environment:?} {}", row.name, asked.path);
        decided.wrong.push(format!("{call}: {wrong}: {} {}", answer.status, answer.body));
    }
}

/// What the row says of a call, in the order in which the gate asks.
fn verdict(row: &Row, role: Role, standing: Standing, environment: Environment) -> Verdict {
    let safe = Method::from_bytes(row.method.as_bytes()).is_ok_and(|method| method.is_safe());
    if !matches!(row.who, Who::Signed | Who::Seats(_)) {
        return Verdict::LetIn;
    }
    match standing {
        Standing::Nobody | Standing::Expired | Standing::Revoked => return Verdict::Refused(401, "UNAUTHORIZED"),
        Standing::Forged if !safe => return Verdict::Refused(403, "CSRF_REJECTED"),
        _ => {}
    }
    let reach = row.reach(role);
    if reach == Reach::No {
        return Verdict::Refused(403, "FORBIDDEN");
    }
    if row.step_up && standing == Standing::Stale {
        return Verdict::Refused(403, "STEP_UP_REQUIRED");
    }
    match row.at {
        Where::Nowhere => Verdict::LetIn,
        _ if reach.covers(environment) => Verdict::LetIn,
        // An id that the role may not see is an unknown one.
        Where::Path => Verdict::Refused(404, "NOT_FOUND"),
        Where::Body | Where::Query | Where::Header => Verdict::Refused(403, "FORBIDDEN"),
    }
}

/// How an answer differs from the verdict, where it does.
fn otherwise(surface: &Surface, row: &Row, verdict: Verdict, answer: &Answer) -> Option<String> {
    let (status, code) = (answer.status.as_u16(), code_of(answer));
    match verdict {
        Verdict::Refused(wanted, word) => {
            let same = status == wanted && code.eq_ignore_ascii_case(word);
            (!same).then(|| format!("expected {wanted} {word}"))
        }
        Verdict::LetIn if row.who == Who::Provider => {
            answer.status.is_success().then(|| "let in without a signature".to_owned())
        }
        Verdict::LetIn => {
            let doors = ["UNAUTHORIZED", "FORBIDDEN", "STEP_UP_REQUIRED", "CSRF_REJECTED", "KEY_NOT_ACCEPTED"];
            let refused = doors.iter().any(|door| code.eq_ignore_ascii_case(door));
            let listed = row.answers.contains(&status) || surface.anywhere.contains(&status);
            (refused || !listed || answer.status.is_server_error()).then(|| "expected to be let in".to_owned())
        }
    }
}

/// Both envelopes' word for programs.
fn code_of(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let code = if body["code"].is_string() { &body["code"] } else { &body["error"]["code"] };
    code.as_str().unwrap_or_default().to_owned()
}

/// What is another tenant's is answered as what is nobody's, to the byte.
async fn foreign(
    surface: &Surface,
    callers: &mut Callers,
    decided: &mut Decided,
    row: &'static Row,
    role: Role,
    environment: Environment,
) {
    let mut answers = Vec::new();
    for whose in [Whose::Others, Whose::Nobodys] {
        let asked = Asked::of(surface, callers, row, environment, whose);
        answers.push(asked.send(callers, row, role, Standing::Fresh).await);
        decided.decisions += 1;
    }
    let same = (answers[0].status, &answers[0].body) == (answers[1].status, &answers[1].body);
    decided.unexpected_2xx += answers.iter().filter(|answer| answer.status.is_success()).count() as u64;
    if !same || answers[0].status.is_success() {
        let call = format!("{} {role:?} {environment:?}", row.name);
        decided.wrong.push(format!("{call}: another's {} but nobody's {}", answers[0].body, answers[1].body));
    }
}

impl Asked {
    fn of(surface: &Surface, callers: &Callers, row: &Row, environment: Environment, whose: Whose) -> Asked {
        let mut asked =
            Asked { path: filled(row.path, callers, environment, whose), header: None, body: (surface.body_of)(row) };
        if let Some(body) = asked.body.as_mut().filter(|body| body.get("newPassword").is_some()) {
            // Its user signs in again.
            body["newPassword"] = body["currentPassword"].clone();
        }
        match row.at {
            Where::Nowhere | Where::Path => {}
            Where::Header => asked.header = Some(environment.word()),
            Where::Query => asked.path.push_str(&format!("?environment={}", word(row, environment))),
            Where::Body => {
                let body = asked.body.as_mut().unwrap_or_else(|| panic!("{}: give it a body", row.name));
                let preferred = body.get("preferredEnvironment").is_some();
                let field = if preferred { "preferredEnvironment" } else { "environment" };
                body[field] = word(row, environment).into();
            }
        }
        asked
    }

    async fn send(&self, callers: &mut Callers, row: &Row, role: Role, standing: Standing) -> Answer {
        // One id for all, since an answer may repeat it.
        let request = Request::builder().method(row.method).uri(&self.path).header("x-request-id", "matrix");
        let request = match self.header {
            Some(environment) => request.header("x-environment", environment),
            None => request,
        };
        callers.call(request, self.body.as_ref(), role, standing).await
    }
}

/// The dashboard has three words for an environment.
fn word(row: &Row, environment: Environment) -> &'static str {
    let live = environment == Environment::Live;
    match row.path {
        path if path.contains("/contracts") => ["testnet", "mainnet"][usize::from(live)],
        path if path.contains("/api-keys") => environment.key_word(),
        _ => ["sandbox", "production"][usize::from(live)],
    }
}

/// A path with ids in place of its words in braces; whose kind is said by the part before.
fn filled(path: &str, callers: &Callers, environment: Environment, whose: Whose) -> String {
    let mut before = "";
    let mut parts = Vec::new();
    for part in path.split('/') {
        let id = part.starts_with('{').then(|| callers.id(before, environment, whose));
        parts.push(id.unwrap_or_else(|| part.to_owned()));
        before = part;
    }
    parts.join("/")
}
