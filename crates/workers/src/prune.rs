//! Removes what is past from the front office's store, once an hour.

use base::Span;
use control::{Control, prune};

use crate::driver::{Loop, Step};

const EVERY: Span = Span::hours(1);

pub struct Prune(Control);

impl Prune {
    pub fn new(control: Control) -> Prune {
        Prune(control)
    }
}

impl Loop for Prune {
    async fn step(&mut self) -> Step {
        match prune::sweep(&self.0).await {
            Ok(swept) => {
                let prune::Swept { users, rows } = swept;
                if swept != prune::Swept::default() {
                    tracing::info!(
                        users,
                        rows,
                        "what was past is gone: people who never proved an address, and old rows"
                    );
                }
            }
            Err(fault) => tracing::warn!(fault = fault.chain(), "what is past stays for another hour"),
        }
        Step::Wait(EVERY)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{OsChance, Secret, Span, SystemClock, TestClock};
    use control::proof::From;
    use control::users::{self, NewUser};
    use control::{Control, Settings, signers};

    use super::Prune;
    use crate::driver::{Loop, Step};
    use crate::rotate::Rotate;

    #[tokio::test]
    async fn once_an_hour_what_is_past_goes_and_an_old_signer_is_rotated() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::at(base::Clock::now(&SystemClock)));
        let own = Arc::clone(&clock);
        let control = Control::open(dir.path(), dir.path(), Settings::default(), own, Arc::new(OsChance)).unwrap();
        let from = From::new([127, 0, 0, 1].into(), "req_1", "a test");
        let text = |text: &str| text.to_owned();
        let (email, password) = (text("jo@example.com"), Secret::new(text("SecurePass1")));
        let new = NewUser { email, password, first: text("Jo"), last: text("Doe"), company: text("Acme") };
        let (mut prune, mut rotate) = (Prune::new(control.clone()), Rotate::new(control.clone()));
        signers::rotate(&control, &control::Operator::over_the_socket()).await.unwrap();
        users::register(&control, &from, new).await.map_err(|_| "not registered").unwrap();
        while let Some(mail) = control::mail::take(&control).await.unwrap() {
            control::mail::sent(&control, &mail.id).await.unwrap();
        }
        clock.advance(Span::days(31));
        let hour = Step::Wait(Span::hours(1));
        assert_eq!((prune.step().await, rotate.step().await), (hour, hour));
        assert_eq!(control::prune::sweep(&control).await.unwrap(), control::prune::Swept::default());
        assert_eq!(signers::list(&control).unwrap().len(), 2);
        let entries = control::audit::verify(&control, &control::Operator::over_the_socket()).unwrap().entries;
        assert_eq!((prune.step().await, rotate.step().await), (hour, hour));
        let again = control::audit::verify(&control, &control::Operator::over_the_socket()).unwrap().entries;
        assert_eq!(again, entries);
    }
}
