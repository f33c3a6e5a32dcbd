//! What wakes the front office's loops: each has a bell of its own, which remembers that it was rung while nobody listened.

use std::sync::Arc;

use base::Span;
use control::Control;
use tokio::sync::Notify;

use crate::driver::{Loop, Step};

/// How often a loop of the front office looks without being rung: what becomes due by time alone is found after it.
pub(crate) const LOOK_EVERY: Span = Span::seconds(1);

/// One loop's bell.
#[derive(Clone, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    pub(crate) async fn rung(&self) {
        self.0.notified().await;
    }
}

/// Hears each change of the front office and rings all bells. Control wakes only who listens at that moment; this begins to
/// listen anew before it rings, so that nothing falls in between.
pub(crate) struct Ringer {
    control: Control,
    bells: Vec<Bell>,
}

impl Ringer {
    pub(crate) fn new(control: Control) -> Ringer {
        Ringer { control, bells: Vec::new() }
    }

    pub(crate) fn bell(&mut self) -> Bell {
        let bell = Bell::default();
        self.bells.push(bell.clone());
        bell
    }
}

impl Loop for Ringer {
    async fn step(&mut self) -> Step {
        Step::Wait(LOOK_EVERY)
    }

    async fn woken(&mut self) {
        loop {
            let next = self.control.due().notified();
            tokio::pin!(next);
            next.as_mut().enable();
            self.bells.iter().for_each(|bell| bell.0.notify_one());
            next.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{OsChance, SystemClock};
    use control::{Control, Operator, Settings, tenants};

    use super::Ringer;
    use crate::driver::Loop;

    #[tokio::test]
    async fn each_change_rings_and_none_is_lost_while_nobody_listens() {
        let dir = tempfile::tempdir().unwrap();
        let (clock, chance) = (Arc::new(SystemClock), Arc::new(OsChance));
        let control = Control::open(dir.path(), dir.path(), Settings::default(), clock, chance).unwrap();
        let mut ringer = Ringer::new(control.clone());
        let bells = [ringer.bell(), ringer.bell()];
        let ringing = tokio::spawn(async move { ringer.woken().await });
        // It rings once when it begins: what happened before it listened is looked at.
        for bell in &bells {
            bell.rung().await;
        }
        for _ in 0..20 {
            tenants::create(&control, &Operator::over_the_socket(), "Shop").await.unwrap();
            for bell in &bells {
                bell.rung().await;
            }
        }
        ringing.abort();
    }
}
