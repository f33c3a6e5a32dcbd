//! What is remembered about a transfer between two calls to the peer, and what follows from the next thing heard. Pure.

use base::{Span, Time};
use plane::payouts::FailReason;

use super::wire::{Standing, Submission};
use crate::payouts::next::Answer;

/// What the peer is told or asked next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Submit,
    /// Accepted: how does it stand?
    Look,
    /// Refused: does the peer know the id all the same, from an earlier try?
    Confirm(FailReason, String),
}

/// Lost with the process, which is safe: see [`Dossier::found`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dossier {
    pub(super) stage: Stage,
    /// Looks since it was accepted.
    pub(super) looks: u32,
    /// Times that our account at the peer lacked funds.
    pub(super) shortages: u32,
    /// Until when an earlier try whose outcome is unknown may still reach the peer: no failure before.
    pub(super) doubtful_until: Time,
    /// Whether an earlier try can have been accepted, so that what the peer knows under the id is ours.
    pub(super) may_be_known: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Submitted(Submission),
    Looked(Standing),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// And how long to wait before the peer is asked again, if nothing else follows.
    Answer(Answer, Span),
    /// The next stage comes at once.
    GoOn,
}

/// What is the same for all transfers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) quiet: Span,
    /// Shortages after which a transfer fails for good.
    pub(super) shortages_most: u32,
}

impl Dossier {
    /// Nothing was said to the peer yet.
    pub(crate) fn fresh() -> Dossier {
        Dossier { stage: Stage::Submit, looks: 0, shortages: 0, doubtful_until: Time(i64::MIN), may_be_known: false }
    }

    /// An earlier process may have told the peer, and its request may still be on its way until `doubtful_until`.
    pub(crate) fn found(doubtful_until: Time) -> Dossier {
        Dossier { doubtful_until, may_be_known: true, ..Dossier::fresh() }
    }

    pub(super) fn follow(&mut self, heard: Heard, now: Time, patience: Patience) -> Verdict {
        match heard {
            Heard::Submitted(submission) => self.submitted(submission, now, patience),
            Heard::Looked(standing) => self.looked(standing, now, patience),
        }
    }

    fn submitted(&mut self, submission: Submission, now: Time, patience: Patience) -> Verdict {
        match submission {
            Submission::Accepted => {
                (self.stage, self.looks, self.may_be_known) = (Stage::Look, 0, true);
                Verdict::Answer(Answer::Underway, wait(0))
            }
            Submission::Refused(why) => {
                self.stage = Stage::Confirm(FailReason::Processing, why);
                Verdict::GoOn
            }
            Submission::Short(why) => {
                self.shortages = self.shortages.saturating_add(1);
                if self.shortages > patience.shortages_most {
                    self.stage = Stage::Confirm(FailReason::Funds, why);
                    return Verdict::GoOn;
                }
                trouble(why)
            }
            Submission::Unknown(why) => {
                self.doubt(now, patience);
                trouble(why)
            }
            Submission::BadKey(why) | Submission::NotRun(why) => trouble(why),
        }
    }

    fn looked(&mut self, standing: Standing, now: Time, patience: Patience) -> Verdict {
        if !self.may_be_known && !matches!(standing, Standing::NotKnown | Standing::Trouble(_) | Standing::BadKey(_)) {
            // Refused on the only try, and yet the id is known: it is somebody else's transfer under our id.
            self.stage = Stage::Submit;
            return trouble("the peer has another transfer under this id: it needs the operator".to_owned());
        }
        match (standing, self.stage.clone()) {
            (Standing::Underway, _) => {
                self.stage = Stage::Look;
                let wait = wait(self.looks);
                self.looks = self.looks.saturating_add(1);
                Verdict::Answer(Answer::Underway, wait)
            }
            (Standing::Paid { trans, sum_prov }, _) => {
                let trans = trans.unwrap_or_else(|| "paid by the peer without a reference".to_owned());
                Verdict::Answer(Answer::Paid { trans, sum_prov }, Span(0))
            }
            (Standing::Failed(why), _) => fail(FailReason::Processing, why),
            (Standing::NotKnown, Stage::Confirm(reason, why)) if now >= self.doubtful_until => fail(reason, why),
            (Standing::NotKnown, Stage::Confirm(_, why)) => {
                self.stage = Stage::Submit;
                trouble(why)
            }
            (Standing::NotKnown, Stage::Look | Stage::Submit) => {
                self.stage = Stage::Submit;
                self.doubt(now, patience);
                trouble("the peer does not know a transfer that it accepted".to_owned())
            }
            (Standing::BadKey(why) | Standing::Trouble(why), _) => trouble(why),
        }
    }

    fn doubt(&mut self, now: Time, patience: Patience) {
        self.doubtful_until = now.plus(patience.quiet);
        self.may_be_known = true;
    }
}

fn trouble(why: String) -> Verdict {
    Verdict::Answer(Answer::Trouble { note: Some(why) }, Span(0))
}

fn fail(reason: FailReason, why: String) -> Verdict {
    Verdict::Answer(Answer::Failed { reason, note: Some(why) }, Span(0))
}

/// One second, half as much again after each look, ten seconds at most (facts: cashq 4.5).
pub(super) fn wait(looks: u32) -> Span {
    let grown = (0..looks.min(16)).fold(1_000_000, |micros: i64, _| micros * 3 / 2);
    Span(grown).min(Span::seconds(10))
}
