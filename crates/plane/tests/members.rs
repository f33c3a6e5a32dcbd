//! Several processes serve one plane: each has a memory of its own over the same store, and its own measure of time.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::future::Future;
use std::sync::Arc;

use base::{Chance, SeededChance, Span, Stop, TenantId, TestClock};
use kit::{House, IP, ask, ok, refused};
use plane::grants::{self, Denied, KeyChange, KeyLimits, authenticate};
use plane::members::{self, Beat, Duty};
use plane::sandbox::{self, Sandbox, Weather};
use plane::{KeyKind, Operator, Plane};

struct Process {
    plane: Plane,
    /// Its own measure of time.
    pulse: Arc<TestClock>,
}

impl Process {
    async fn beat(&self) {
        while members::beat(&self.plane).await.unwrap() == Beat::Overtaken {}
    }

    async fn holds(&self, duty: Duty) -> Option<i64> {
        members::hold(&self.plane, duty).await.unwrap();
        members::holds(&self.plane, duty)
    }
}

/// So many processes over the house's store, all of them there.
async fn processes<const N: usize>(house: &House) -> [Process; N] {
    let process = |_| {
        let pulse = Arc::new(TestClock::default());
        Process { plane: house.plane.as_another_process(Arc::clone(&pulse) as _).unwrap(), pulse }
    };
    let all = std::array::from_fn(process);
    for process in &all {
        process.beat().await;
    }
    all
}

fn pass(processes: &[Process], span: Span) {
    for process in processes {
        process.pulse.advance(span);
    }
}

/// The outcome of `change`, while `others` go on with their heartbeats.
async fn with_heartbeats<T>(change: impl Future<Output = T>, others: &[Process]) -> T {
    tokio::pin!(change);
    loop {
        for process in others {
            tokio::select! {
                biased;
                done = &mut change => return done,
                () = process.beat() => {}
            }
        }
    }
}

async fn standard(house: &House) -> String {
    kit::key(&house.plane, &house.tenant, KeyKind::Standard, KeyLimits::default()).await
}

fn id_of(key: &str) -> base::KeyId {
    key.strip_prefix("pk_test_").unwrap().split_once('.').unwrap().0.parse().unwrap()
}

async fn change(plane: &Plane, tenant: &TenantId, key: &str, change: KeyChange) {
    ok(grants::change(plane, &Operator::over_the_socket(), tenant, id_of(key), change).await);
}

fn revoked(plane: &Plane, tenant: &TenantId, key: &str) -> bool {
    let id = id_of(key).to_string();
    grants::list(plane, tenant).unwrap().into_iter().any(|listed| listed.id == id && listed.revoked)
}

#[tokio::test]
async fn a_revocation_is_answered_when_every_process_refuses_the_key() {
    let house = House::sandbox().await;
    let key = standard(&house).await;
    let [one, two] = processes(&house).await;
    ok(authenticate(&two.plane, &key, IP));
    let (plane, tenant, its_key) = (one.plane.clone(), house.tenant.clone(), key.clone());
    let revoking = tokio::spawn(async move { change(&plane, &tenant, &its_key, KeyChange::Revoke).await });
    while !revoked(&one.plane, &house.tenant, &key) {
        tokio::task::yield_now().await;
    }
    ok(authenticate(&two.plane, &key, IP));
    assert!(!revoking.is_finished(), "the second process has not heard of it, and says that it is there");
    assert_eq!(refused(authenticate(&one.plane, &key, IP)), Denied::Revoked, "the first has it from the commit");
    two.beat().await;
    assert_eq!(refused(authenticate(&two.plane, &key, IP)), Denied::Revoked);
    revoking.await.unwrap();
}

#[tokio::test]
async fn nobody_waits_for_a_process_that_is_gone_and_it_trusts_itself_for_less_time() {
    let house = House::sandbox().await;
    let key = standard(&house).await;
    let both = processes::<2>(&house).await;
    ok(authenticate(&both[1].plane, &key, IP));
    // What the first saw last is the second's last heartbeat.
    both[0].beat().await;
    pass(&both, Span::seconds(3));
    change(&both[0].plane, &house.tenant, &key, KeyChange::Revoke).await;
    assert_eq!(refused(authenticate(&both[1].plane, &key, IP)), Denied::Revoked, "its memory is not asked");
    both[1].beat().await;
    assert_eq!(refused(authenticate(&both[1].plane, &key, IP)), Denied::Revoked, "nor is it as it was");
}

#[tokio::test]
async fn memory_is_used_until_a_heartbeat_is_late() {
    let house = House::sandbox().await;
    let key = standard(&house).await;
    let [one] = processes(&house).await;
    ok(authenticate(&one.plane, &key, IP));
    // The house itself is a process that is alone: it counts no changes and waits for nobody.
    change(&house.plane, &house.tenant, &key, KeyChange::Disable).await;
    one.pulse.advance(Span(1_499_999));
    ok(authenticate(&one.plane, &key, IP));
    one.pulse.advance(Span(1));
    assert_eq!(refused(authenticate(&one.plane, &key, IP)), Denied::Disabled, "rows are read anew");
    change(&house.plane, &house.tenant, &key, KeyChange::Enable).await;
    ok(authenticate(&one.plane, &key, IP));
    change(&house.plane, &house.tenant, &key, KeyChange::Disable).await;
    assert_eq!(refused(authenticate(&one.plane, &key, IP)), Denied::Disabled, "and nothing is learnt from them");
}

#[tokio::test]
async fn a_process_that_left_is_not_waited_for() {
    let house = House::sandbox().await;
    let key = standard(&house).await;
    let [one, two] = processes(&house).await;
    ok(authenticate(&two.plane, &key, IP));
    members::leave(&two.plane).await.unwrap();
    members::leave(&two.plane).await.unwrap();
    change(&one.plane, &house.tenant, &key, KeyChange::Revoke).await;
    assert_eq!(refused(authenticate(&two.plane, &key, IP)), Denied::Revoked, "while it drains");
}

/// What a process asks the operator for again, whoever it was that it waited for in vain.
#[tokio::test]
async fn a_process_that_is_there_and_sees_nothing_is_not_passed_over() {
    let house = House::sandbox().await;
    let key = standard(&house).await;
    let [one, _two] = processes(&house).await;
    let operator = Operator::over_the_socket();
    tokio::time::pause();
    match grants::change(&one.plane, &operator, &house.tenant, id_of(&key), KeyChange::Revoke).await {
        Err(Stop::Faulted(fault)) => assert!(fault.chain().contains("is kept"), "{}", fault.chain()),
        _ => panic!("answered though nobody knows whether the second process has heard of it"),
    }
    assert!(revoked(&one.plane, &house.tenant, &key));
}

#[tokio::test]
async fn no_process_accepts_a_key_after_its_revocation_was_answered_whatever_the_order() {
    let seed = kit::seed();
    let chance = SeededChance::new(seed);
    let house = House::sandbox().await;
    let all = processes::<3>(&house).await;
    for round in 0..25 {
        let key = standard(&house).await;
        all.iter().for_each(|process| drop(ok(authenticate(&process.plane, &key, IP))));
        // Some are as good as dead, before it or from it on.
        let alive: Vec<bool> = (0..3).map(|_| chance.below(3) > 0).collect();
        let (plane, tenant, its_key) = (all[0].plane.clone(), house.tenant.clone(), key.clone());
        let revoking = tokio::spawn(async move { change(&plane, &tenant, &its_key, KeyChange::Revoke).await });
        while !revoking.is_finished() {
            match usize::try_from(chance.below(12)).unwrap() {
                at @ 0..3 if alive[at] => all[at].beat().await,
                3 => pass(&all, Span::millis(i64::try_from(chance.below(200)).unwrap())),
                _ => tokio::task::yield_now().await,
            }
        }
        revoking.await.unwrap();
        for process in &all {
            let judged = refused(authenticate(&process.plane, &key, IP));
            assert_eq!(judged, Denied::Revoked, "seed {seed}, round {round}, alive {alive:?}");
            process.beat().await;
            assert_eq!(refused(authenticate(&process.plane, &key, IP)), Denied::Revoked, "seed {seed}, round {round}");
        }
    }
}

fn weather(error: &str) -> Weather {
    Weather { error: Some(error.to_owned()), ..Weather::default() }
}

fn witness(plane: &Plane) -> Sandbox {
    plane.sandbox().unwrap()
}

#[tokio::test]
async fn weather_clocks_and_resets_are_in_force_everywhere_when_they_are_answered() {
    let house = House::sandbox().await;
    let me = &house.agent;
    let [one, two] = processes(&house).await;
    let (here, there, others) = (&one.plane, &two.plane, std::slice::from_ref(&two));
    let witness = witness(here);
    let error = |plane: &Plane| sandbox::gust(plane, witness, me).error;

    ok(with_heartbeats(sandbox::set_weather(here, witness, me, weather("internal_server_error")), others).await);
    assert_eq!(error(there).as_deref(), Some("internal_server_error"));
    ok(with_heartbeats(sandbox::advance_clock(here, witness, me, Span::hours(5)), others).await);
    assert_eq!(there.work().ahead(me.tenant()), Span::hours(5));
    ok(with_heartbeats(sandbox::advance_clock(there, witness, me, Span::hours(1)), std::slice::from_ref(&one)).await);
    assert_eq!(here.work().ahead(me.tenant()), Span::hours(6));

    house.create(ask("1", 100)).await.unwrap();
    let key = standard(&house).await;
    assert_eq!(ok(authenticate(there, &key, IP)).tenant(), me.tenant());
    ok(with_heartbeats(sandbox::reset(here, witness, me), others).await);
    let number = ok(authenticate(there, &key, IP)).tenant();
    assert_ne!(number, me.tenant());
    assert_eq!((there.work().ahead(number), there.work().ahead(me.tenant())), (Span(0), Span(0)));
    assert_eq!(error(there), None, "nor does the old number have weather");
}

#[tokio::test]
async fn weather_that_another_process_left_alone_goes_on_counting_calls() {
    let house = House::sandbox().await;
    let [one, two] = processes(&house).await;
    let (witness, me) = (witness(&one.plane), &house.agent);
    let once = Weather { next: 1, ..weather("internal_server_error") };
    ok(with_heartbeats(sandbox::set_weather(&one.plane, witness, me, once), std::slice::from_ref(&two)).await);
    let fails = |process: &Process| sandbox::gust(&process.plane, witness, me).error.is_some();
    assert_eq!([fails(&two), fails(&two)], [true, false]);
    let key = standard(&house).await;
    let others = std::slice::from_ref(&two);
    with_heartbeats(change(&one.plane, &house.tenant, &key, KeyChange::Disable), others).await;
    assert!(!fails(&two), "a change that has nothing to do with it");
    two.pulse.advance(Span::seconds(2));
    assert!(!fails(&two), "read anew, it is the same weather");
}

#[tokio::test]
async fn a_lease_is_held_by_one_process_and_taken_by_another_when_it_ran_out() {
    let house = House::sandbox().await;
    let both = processes::<2>(&house).await;
    let [one, two] = &both;
    assert_eq!(one.holds(Duty::Payouts).await, Some(1));
    assert_eq!(two.holds(Duty::Payouts).await, None);
    assert_eq!(two.holds(Duty::Sweep).await, Some(1), "each duty by itself");
    for _ in 0..20 {
        pass(&both, Span::seconds(1));
        assert_eq!(one.holds(Duty::Payouts).await, Some(1), "renewed");
        assert_eq!(two.holds(Duty::Payouts).await, None);
    }
    pass(&both, Span(3_999_999));
    assert_eq!(members::holds(&one.plane, Duty::Payouts), Some(1));
    pass(&both, Span(1));
    assert_eq!(members::holds(&one.plane, Duty::Payouts), None, "by its own measure, before another may take it");
    assert_eq!(two.holds(Duty::Payouts).await, None);
    pass(&both, Span::seconds(1));
    assert_eq!(two.holds(Duty::Payouts).await, Some(2));
    assert_eq!(one.holds(Duty::Payouts).await, None);
    assert_eq!(two.holds(Duty::Sweep).await, Some(1), "nobody wanted it: its holder goes on");
    pass(&both, Span::seconds(5));
    assert_eq!(one.holds(Duty::Payouts).await, Some(3), "who had it before may have it again");
}

#[tokio::test]
async fn a_lease_that_was_given_back_is_taken_at_once() {
    let house = House::sandbox().await;
    let [one, two] = processes(&house).await;
    members::give_back(&one.plane, Duty::Payouts).await.unwrap();
    assert_eq!(one.holds(Duty::Payouts).await, Some(1));
    assert_eq!(two.holds(Duty::Payouts).await, None);
    members::give_back(&two.plane, Duty::Payouts).await.unwrap();
    assert_eq!(two.holds(Duty::Payouts).await, None, "only a holder gives back");
    members::give_back(&one.plane, Duty::Payouts).await.unwrap();
    assert_eq!(members::holds(&one.plane, Duty::Payouts), None);
    assert_eq!(two.holds(Duty::Payouts).await, Some(2));
}

fn is_lost<T>(outcome: Result<T, Stop<sandbox::Refusal>>) -> bool {
    matches!(outcome, Err(Stop::Faulted(fault)) if fault.busy && fault.chain().contains("another process"))
}

#[tokio::test]
async fn a_loop_that_lost_its_lease_is_kept_out_by_the_fence() {
    let house = House::sandbox().await;
    let both = processes::<2>(&house).await;
    let [one, two] = &both;
    let witness = witness(&one.plane);
    house.create(ask("1", 100)).await.unwrap();
    ok(sandbox::reset(&house.plane, witness, &house.agent).await);
    assert_eq!(one.holds(Duty::Sweep).await, Some(1));
    assert_eq!(two.holds(Duty::Sweep).await, None);
    pass(&both, Span::seconds(5));
    assert_eq!(two.holds(Duty::Sweep).await, Some(2));
    assert!(is_lost(sandbox::sweep(&one.plane, witness).await), "it has not looked at its lease yet");
    let swept = ok(sandbox::sweep(&two.plane, witness).await);
    assert!(swept.rows > 0, "nothing was swept by the first");
    members::give_back(&two.plane, Duty::Sweep).await.unwrap();
    assert_eq!(one.holds(Duty::Sweep).await, Some(3));
    ok(sandbox::sweep(&one.plane, witness).await);
}

#[tokio::test]
async fn a_process_that_is_alone_has_none_of_this_to_do() {
    if pgkit::wanted() {
        // Nobody can know that they are alone.
        return;
    }
    let house = House::sandbox().await;
    assert!(!house.plane.shared());
    let commits = house.plane.stats().figures().commits;
    members::hold(&house.plane, Duty::Payouts).await.unwrap();
    assert!(members::holds(&house.plane, Duty::Payouts).is_some());
    members::give_back(&house.plane, Duty::Payouts).await.unwrap();
    assert!(members::holds(&house.plane, Duty::Payouts).is_some());
    assert_eq!(house.plane.stats().figures().commits, commits);
}

/// On a database in every run: a plane in a file has its secret beside it, and is refused without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_with_another_secret_is_told_where_to_get_the_right_one() {
    if !pgkit::available() {
        return;
    }
    let url = plane::PostgresUrl::parse(&pgkit::fresh_database()).unwrap();
    let [first, second] = [kit::directory(), kit::directory()];
    let open = |dir: &tempfile::TempDir| {
        let name = base::PlaneName::main(base::Environment::Sandbox);
        let mut config = plane::PlaneConfig::new(name, dir.path());
        config.database = Some(url.clone());
        Plane::open(config, Arc::new(TestClock::at(base::Time(1_800_000_000_000_000))), Arc::new(base::OsChance))
    };
    let plane = open(&first).unwrap();
    // It opened the database before anybody had said anything of a secret; its heartbeats do not get through.
    let early = open(&second).unwrap();
    members::beat(&plane).await.unwrap();
    let refused = members::beat(&early).await.unwrap_err();
    assert!(refused.chain().contains("copy it"), "{}", refused.chain());
    let Err(refused) = open(&second) else { panic!("it was opened with another secret") };
    assert!(refused.chain().contains("copy it"), "{}", refused.chain());
    std::fs::copy(first.path().join("secret"), second.path().join("secret")).unwrap();
    members::beat(&open(&second).unwrap()).await.unwrap();
}
