//! Another tenant's id is answered as one that nobody has: in status, in words, and in time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../../control/tests/kit/auc.rs"]
mod auc;

use std::time::Instant;

use pacspace::rows;
use testkit::stage::{PASSWORD, SAM, Stage};

/// Somebody of another tenant.
const OTHER: &str = "other@example.com";

/// As long as the other id, so that nothing but its being known differs.
fn unknown(id: &str) -> String {
    let (front, back) = id.split_at(id.len() - 4);
    format!("{front}{}", if back == "0000" { "1111" } else { "0000" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_id_takes_as_long_as_an_unknown_one() {
    let stage = Stage::of(pacspace::routes, |_| ()).await;
    let (foreign, _) = stage.test.seeded(OTHER, PASSWORD).await;
    let other = stage.login(OTHER).await;
    let key = stage.key(&other, "test").await;
    let session =
        stage.get("/dashboard/auth/sessions", &other).await.json()["data"][0]["id"].as_str().unwrap().to_owned();
    stage.test.seeded(SAM, PASSWORD).await;
    let token = stage.login(SAM).await;
    for (figure, row, id) in [
        ("foreign_tenant_auc_milli", rows::STATUS, foreign.to_string()),
        ("foreign_key_auc_milli", rows::KEY_GET, key),
        ("foreign_session_auc_milli", rows::SESSION_REVOKE, session),
    ] {
        let at = |id: &str| row.path.replace("{tenantId}", id).replace("{id}", id);
        let paths = [at(&id), at(&unknown(&id))];
        let ask = async |side: usize| {
            let began = Instant::now();
            let answer = stage.call(row.method, &paths[side], &token, None).await;
            let took = began.elapsed().as_nanos();
            assert_eq!(answer.status, 404, "{figure}: {}", answer.body);
            (took, answer.body)
        };
        assert_eq!(ask(0).await.1, ask(1).await.1, "{figure}");
        auc::judged(figure, 20_260_101, async |_, _, side| ask(side).await.0).await;
    }
}
