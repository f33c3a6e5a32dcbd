//! Calls to a rail that is elsewhere: a bounded number at once, one for each transfer, beside the loop's steps.

use std::collections::{HashMap, HashSet, VecDeque};

use base::{Span, Time};
use plane::payouts::DueRow;
use plane::{Plane, TenantNo};
use tokio::task::{self, JoinSet};

use super::next::Answer;
use crate::rail::cashq::{Dossier, exchange};
use crate::rail::{CashQRail, Rail};

/// Calls under way at once.
pub(super) const CALLS_MOST: usize = 32;
/// Transfers that have a call under way, are about to have one, or whose answer is being kept.
pub(super) const ENGAGED_MOST: usize = 2 * CALLS_MOST;
/// Dossiers that are kept, of some hundred bytes. A transfer without one is asked about as after a restart: never wrong,
/// but slower to fail. Those whose transfers were moved by others fall out when there is no room.
const DOSSIERS_MOST: usize = 50_000;
const UNUSED_MOST: Span = Span::seconds(3_600);

type Key = (TenantNo, u64);

/// What came of one call.
pub(crate) struct Said {
    pub(crate) due: DueRow,
    /// With how long to wait before the rail is asked again, if nothing else follows. `None`: nobody was asked.
    pub(crate) answer: Option<(Answer, Span)>,
}

pub(super) struct Calls {
    plane: Plane,
    label: &'static str,
    /// `None` for the rails that are here.
    rail: Option<CashQRail>,
    /// What is remembered between the calls about one transfer, and since when.
    dossiers: HashMap<Key, (Dossier, Time)>,
    queue: VecDeque<DueRow>,
    /// Queued, under way, or answered and not yet settled.
    engaged: HashSet<Key>,
    running: JoinSet<(Option<Dossier>, Said)>,
    by_task: HashMap<task::Id, DueRow>,
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
    pub(super) fn entered(&mut self, due: &DueRow) {
        if self.rail.is_some() {
            self.keep(key(due), Dossier::fresh());
        }
    }

    /// For how many more transfers calls may be queued.
    pub(super) fn room(&self) -> usize {
        ENGAGED_MOST.saturating_sub(self.engaged.len())
    }

    pub(super) fn is_engaged(&self, due: &DueRow) -> bool {
        self.engaged.contains(&key(due))
    }

    /// Queues a call about this transfer, unless there is one already.
    pub(super) fn ask(&mut self, due: DueRow) {
        if self.engaged.insert(key(&due)) {
            self.queue.push_back(due);
        }
    }

    /// Starts what is queued, as far as there is room.
    pub(super) fn begin(&mut self) {
        while self.running.len() < CALLS_MOST
            && let Some(rail) = &self.rail
            && let Some(due) = self.queue.pop_front()
        {
            let kept = self.dossiers.remove(&key(&due)).map(|(dossier, _)| dossier);
            // An earlier process may have told the rail something a moment before it ended.
            let dossier = kept.unwrap_or_else(|| Dossier::found(self.plane.now().plus(rail.quiet())));
            let call = exchange(self.plane.clone(), rail.clone(), self.label, due, dossier);
            self.by_task.insert(self.running.spawn(call).id(), due);
        }
    }

    /// What was said since the last time. No further call about these is made before they are [`Calls::settled`].
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

    /// What was said of these transfers is kept, or was lost and will be asked again.
    pub(super) fn settled(&mut self, dues: &[DueRow]) {
        for due in dues {
            self.engaged.remove(&key(due));
        }
    }

    /// Makes room, if there is none, where nobody has asked for long.
    pub(super) fn tidy(&mut self) {
        if self.dossiers.len() >= DOSSIERS_MOST {
            let (now, rests) = (self.plane.now(), self.plane.config().payouts.retry_most);
            let unused = Span(rests.0.saturating_mul(2)).max(UNUSED_MOST);
            self.dossiers.retain(|_, (_, since)| now.since(*since) < unused);
        }
    }

    fn keep(&mut self, key: Key, dossier: Dossier) {
        if self.dossiers.len() < DOSSIERS_MOST {
            self.dossiers.insert(key, (dossier, self.plane.now()));
        }
    }

    /// The transfer left the rail.
    pub(super) fn forget(&mut self, due: &DueRow) {
        self.dossiers.remove(&key(due));
    }

    pub(super) fn forget_tenant(&mut self, tenant: TenantNo) {
        self.dossiers.retain(|(of, _), _| *of != tenant);
        let engaged = &mut self.engaged;
        self.queue.retain(|due| due.tenant != tenant || !engaged.remove(&key(due)));
    }

    fn hear(&mut self, ended: Result<(task::Id, (Option<Dossier>, Said)), task::JoinError>) {
        let id = ended.as_ref().map_or_else(task::JoinError::id, |(id, _)| *id);
        let Some(due) = self.by_task.remove(&id) else { return };
        match ended {
            Ok((_, (dossier, said))) => {
                dossier.into_iter().for_each(|dossier| self.keep(key(&due), dossier));
                self.heard.push(said);
            }
            Err(error) => {
                tracing::error!(tenant = due.tenant, seq = due.seq, %error, "a call to the rail was cut off");
                self.heard.push(Said { due, answer: None });
            }
        }
    }
}

fn key(due: &DueRow) -> Key {
    (due.tenant, due.seq)
}
