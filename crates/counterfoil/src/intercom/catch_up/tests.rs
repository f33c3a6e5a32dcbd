use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Environment, PlaneName, Secret};
use bytes::Bytes;
use control::NotDone;
use control::planes::{Ask, Reply, Standing};
use control::wishes::{Page, Place};
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use super::super::exchange::{Desk, door};
use super::{CONTROL, Key, NoPage, SOCKET, Until, WAITING, WITHIN, Way, apply, name_of, page};

fn key() -> Key {
    Secret::new([7; 32])
}

fn live() -> PlaneName {
    PlaneName::main(Environment::Live)
}

/// A control that answers so in turn, and the last for ever.
struct Scripted {
    answers: Vec<(u16, Value)>,
    asked: Arc<AtomicUsize>,
}

impl Desk for Scripted {
    fn expects(&self, _: &[u8]) -> Option<(Way, Key)> {
        Some((Way { from: name_of(&live()), to: CONTROL.to_owned(), path: WAITING }, key()))
    }

    async fn answer(&self, _: Bytes) -> Option<(u16, Value)> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        self.answers.get(number).or(self.answers.last()).cloned()
    }
}

/// Serves it in this directory, and counts what it is asked.
fn serve(dir: &Path, answers: Vec<(u16, Value)>) -> (Arc<AtomicUsize>, JoinHandle<()>) {
    let (listener, asked) = (UnixListener::bind(dir.join(SOCKET)).unwrap(), Arc::new(AtomicUsize::new(0)));
    let desk = Scripted { answers, asked: Arc::clone(&asked) };
    (asked, tokio::spawn(async move { axum::serve(listener, door(WAITING, desk)).await.unwrap() }))
}

fn stand() -> Ask {
    let tenant = "tnt_0000000000000001".parse().unwrap();
    Ask::Stand { tenant, standing: Standing { suspended: true, turn: 1 } }
}

#[tokio::test]
async fn an_answer_that_cannot_be_used_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let waits = Page { asks: vec![stand()], next: Some(Place::Void("one".to_owned())) };
    let answers = vec![(503, Value::Null), (200, json!("of another version")), (200, json!(waits))];
    let (asked, serving) = serve(dir.path(), answers);
    assert_eq!(page(&live(), &key(), dir.path(), None).await, Ok(waits));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    serving.abort();
}

#[tokio::test]
async fn it_is_asked_for_a_bounded_time_and_is_no_control_that_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let (asked, serving) = serve(dir.path(), vec![(503, Value::Null)]);
    let begun = std::time::Instant::now();
    let answer = page(&live(), &key(), dir.path(), None).await;
    assert!(matches!(&answer, Err(NoPage::Unusable(why)) if why.contains("503")), "{answer:?}");
    assert!(asked.load(Ordering::SeqCst) > 1 && begun.elapsed() < WITHIN * 4, "{:?}", begun.elapsed());
    serving.abort();

    let nobody = tempfile::tempdir().unwrap();
    let answer = page(&live(), &key(), nobody.path(), None).await;
    assert!(matches!(answer, Err(NoPage::NotThere(_))), "{answer:?}");
}

#[tokio::test]
async fn what_fails_is_done_again_within_the_bound_and_what_is_refused_is_not() {
    let busy = || Err(NotDone::Unreachable { may_have_run: false, why: "busy".to_owned() });
    let unknown = || Err(NotDone::Refused(control::planes::PlaneRefusal::TenantUnknown));
    // (which tries fail, what is answered then, tries)
    for (failing, then_refused, expected) in [(0, false, 1), (3, false, 4), (2, true, 3)] {
        let tried = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&tried);
        let answer = move |_| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            let answer = match number < failing {
                true => busy(),
                false if then_refused => unknown(),
                false => Ok(Reply::Done),
            };
            async move { answer }
        };
        apply(vec![stand()], &Until::default(), answer).await;
        assert_eq!(tried.load(Ordering::SeqCst), expected);
    }
    let begun = tokio::time::Instant::now();
    apply(vec![stand(); 1_000], &Until::default(), move |_| async move { busy() }).await;
    assert!(begun.elapsed() < WITHIN * 4, "{:?}", begun.elapsed());
}
