//! Calls to a rail that is elsewhere: a bounded number at once, one for each transfer, beside the loop's steps.

use std::collections::{HashMap, HashSet, VecDeque};

use base::{Span, Time};
use plane::{Due, Plane, TenantNo};
use tokio::task::{self, JoinSet};

use super::next::{Answer, is_with_the_rail};
use crate::rail::cashq::{Dossier, exchange};
use crate::rail::{CashQRail, Rail};

/// Calls under way at once.
pub(super) const CALLS_MOST: usize = 32;
/// When a call ended without any answer, because of us.
const AGAIN_IN: Span = Span::seconds(1);

type Key = (TenantNo, u64);

/// What came of one call.
pub(crate) struct Said {
    pub(crate) due: Due,
    /// With how long to wait before the rail is asked again, if nothing else follows. `None`: nobody was asked, and
    /// `due` says where the transfer stands and when to look.
    pub(crate) answer: Option<(Answer, Span)>,
}

pub(super) struct Calls {
    plane: Plane,
    label: &'static str,
    /// `None` for the rails that are here.
    rail: Option<CashQRail>,
    /// What is remembered between the calls about one transfer.
    dossiers: HashMap<Key, Dossier>,
    queue: VecDeque<Due>,
    /// Queued or under way.
    engaged: HashSet<Key>,
    running: JoinSet<(Dossier, Said)>,
    by_task: HashMap<task::Id, Due>,
    heard: Vec<Said>,
}

impl Calls {
    pub(super) fn new(plane: &Plane, label: &'static str, rail: &Rail) -> Calls {
        let rail = if let Rail::CashQ(rail) = rail { Some(rail.clone()) } else { None };
        Calls {
            plane: plane.clone(),
            label,
            rail,
            dossiers: HashMap::new(),
            queue: VecDeque::new(),
            engaged: HashSet::new(),
            running: JoinSet::new(),
            by_task: HashMap::new(),
            heard: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.engaged.len()
    }

    /// The transfer came to the rail by our own move just now, so nothing can have been said to the rail before.
    pub(super) fn entered(&mut self, due: &Due) {
        if self.rail.is_some() {
            self.dossiers.insert(key(due), Dossier::fresh());
        }
    }

    /// Queues a call about this transfer, unless there is one already.
    pub(super) fn ask(&mut self, due: Due, now: Time) {
        let Some(rail) = &self.rail else { return };
        if self.engaged.insert(key(&due)) {
            // An earlier process may have told the rail something a moment before it ended.
            self.dossiers.entry(key(&due)).or_insert_with(|| Dossier::found(now.plus(rail.quiet())));
            self.queue.push_back(due);
        }
    }

    /// Starts what is queued, as far as there is room.
    pub(super) fn begin(&mut self) {
        while self.running.len() < CALLS_MOST
            && let Some(rail) = &self.rail
            && let Some(due) = self.queue.pop_front()
        {
            let dossier = self.dossiers.remove(&key(&due)).unwrap_or_else(Dossier::fresh);
            let call = exchange(self.plane.clone(), rail.clone(), self.label, due, dossier);
            self.by_task.insert(self.running.spawn(call).id(), due);
        }
    }

    /// What was said since the last time.
    pub(super) fn answered(&mut self) -> Vec<Said> {
        while let Some(ended) = self.running.try_join_next_with_id() {
            self.hear(ended);
        }
        std::mem::take(&mut self.heard)
    }

    /// Returns when a call has ended; never, when none is under way.
    pub(super) async fn ended(&mut self) {
        match self.running.join_next_with_id().await {
            Some(ended) => self.hear(ended),
            None => std::future::pending().await,
        }
    }

    /// The transfer left the rail.
    pub(super) fn forget(&mut self, due: &Due) {
        self.dossiers.remove(&key(due));
    }

    pub(super) fn forget_tenant(&mut self, tenant: TenantNo) {
        self.dossiers.retain(|(of, _), _| *of != tenant);
        let engaged = &mut self.engaged;
        self.queue.retain(|due| due.tenant != tenant || !engaged.remove(&key(due)));
    }

    fn hear(&mut self, ended: Result<(task::Id, (Dossier, Said)), task::JoinError>) {
        let id = ended.as_ref().map_or_else(task::JoinError::id, |(id, _)| *id);
        let Some(due) = self.by_task.remove(&id) else { return };
        self.engaged.remove(&key(&due));
        match ended {
            Ok((_, (dossier, said))) => {
                if is_with_the_rail(said.due.state) {
                    self.dossiers.insert(key(&due), dossier);
                }
                self.heard.push(said);
            }
            Err(error) => {
                tracing::error!(tenant = due.tenant, seq = due.seq, %error, "a call to the rail was cut off");
                let at = self.plane.now().plus(self.plane.work().ahead(due.tenant)).plus(AGAIN_IN);
                self.heard.push(Said { due: Due { at, ..due }, answer: None });
            }
        }
    }
}

fn key(due: &Due) -> Key {
    (due.tenant, due.seq)
}
