//! Replies as they travel. A reply has no `Serialize`, because it may carry a new key: that is written here, on purpose.

use base::Secret;
use control::planes::{KeyView, NotDone, PlaneRefusal, Reply, Used};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case", deny_unknown_fields)]
enum Read {
    Done,
    Minted { key: KeyView, whole: Option<String>, replaced: Option<Box<KeyView>> },
    Key { key: KeyView },
    Keys { keys: Vec<KeyView> },
    Deeds { deeds: u64 },
    Usage { usage: Vec<Used> },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unreached {
    may_have_run: bool,
    why: String,
}

/// (status, body)
pub fn written(outcome: Result<Reply, NotDone>) -> (u16, Value) {
    match outcome {
        Ok(Reply::Done) => (200, json!({"reply": "done"})),
        Ok(Reply::Minted { key, whole, replaced }) => {
            let whole = whole.as_ref().map(|whole| whole.expose().as_str());
            (200, json!({"reply": "minted", "key": key, "whole": whole, "replaced": replaced}))
        }
        Ok(Reply::Key(key)) => (200, json!({"reply": "key", "key": key})),
        Ok(Reply::Keys(keys)) => (200, json!({"reply": "keys", "keys": keys})),
        Ok(Reply::Deeds(deeds)) => (200, json!({"reply": "deeds", "deeds": deeds})),
        Ok(Reply::Usage(usage)) => (200, json!({"reply": "usage", "usage": usage})),
        Err(NotDone::Refused(refusal)) => (409, json!(refusal)),
        Err(NotDone::Unreachable { may_have_run, why }) => (503, json!(Unreached { may_have_run, why })),
    }
}

/// What [`written`] wrote. Anything else leaves it open whether the ask was run.
pub fn read(status: u16, body: &[u8]) -> Result<Reply, NotDone> {
    let unread = |error: serde_json::Error| NotDone::Unreachable { may_have_run: true, why: error.to_string() };
    match status {
        200 => serde_json::from_slice::<Read>(body).map(Reply::from).map_err(unread),
        409 => Err(serde_json::from_slice::<PlaneRefusal>(body).map_or_else(unread, NotDone::Refused)),
        _ => {
            let Unreached { may_have_run, why } = serde_json::from_slice(body).map_err(unread)?;
            Err(NotDone::Unreachable { may_have_run, why })
        }
    }
}

impl From<Read> for Reply {
    fn from(read: Read) -> Reply {
        match read {
            Read::Done => Reply::Done,
            Read::Minted { key, whole, replaced } => Reply::Minted { key, whole: whole.map(Secret::new), replaced },
            Read::Key { key } => Reply::Key(key),
            Read::Keys { keys } => Reply::Keys(keys),
            Read::Deeds { deeds } => Reply::Deeds(deeds),
            Read::Usage { usage } => Reply::Usage(usage),
        }
    }
}
