//! Every route of the dashboard, called in every role, standing and environment, is decided as its row says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod stage;

use pacspace::rows;
use stage::body_of;
use testkit::matrix::{self, Surface};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_decided_by_its_row() {
    let surface = Surface { routes: pacspace::routes, rows: rows::ALL, anywhere: rows::ANYWHERE, body_of };
    let decided = matrix::run(&surface).await;
    println!("figure: decisions = {}", decided.decisions);
    println!("figure: unexpected_2xx = {}", decided.unexpected_2xx);
    assert!(decided.wrong.is_empty(), "{} of them\n{}", decided.wrong.len(), decided.wrong.join("\n"));
    assert_eq!(decided.unexpected_2xx, 0);
    assert!(decided.decisions > 30 * rows::ALL.len() as u64, "{} calls", decided.decisions);
}
