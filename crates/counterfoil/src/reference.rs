//! `counterfoil bench-reference`: the servers that `bench` compares with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use base::{OsChance, SystemClock, TenantId};
use gate::{Called, Gate};
use plane::{KeyKind, Plane};

use crate::admin::plane_desk::first_key;
use crate::cli::ReferenceKind;
use crate::config::{PlaneRole, Role, Sources, Variables};
use crate::failure::Failure;
use crate::house::{Site, gate_options};
use crate::listen::Bounds;
use crate::signal::Signals;

/// Runs until it is told to end. The first line on stdout says where it listens.
pub fn run(kind: ReferenceKind) -> Result<(), Failure> {
    match kind {
        ReferenceKind::Append(append) => {
            Ok(bench::run_reference(bench::ReferenceOptions { kind: bench::ReferenceKind::Append(append) })?)
        }
        ReferenceKind::Constant { data, listen } => constant(data, listen),
    }
}

const PATH: &str = "/api/agent_balance";
/// As long as the product's answer for the seeded tenant.
const ANSWER: &str = r#"{"balance":{"balance":100000000,"overdraft":2000},"error":"","success":true}"#;

/// The product's listener and gate before a handler that knows its answer.
fn constant(data: Option<PathBuf>, listen: SocketAddr) -> Result<(), Failure> {
    let signals = Signals::take()?;
    let scratch = match &data {
        Some(_) => None,
        None => Some(tempfile::tempdir()?),
    };
    let dir = data.or_else(|| scratch.as_ref().map(|scratch| scratch.path().to_owned())).unwrap_or_default();
    let role = role(dir)?;
    let opened = Plane::open(role.plane.clone(), Arc::new(SystemClock), Arc::new(OsChance));
    let plane = opened.map_err(Failure::Store)?;
    let mut site = Site::new("constant", role.limits.threads)?;
    let listener = site.bind("the constant", listen)?;
    let key = site.block_on(key(&plane))?;

    let answer = async |_: Called| ([(header::CONTENT_TYPE, "application/json")], ANSWER);
    let gate = Gate::new(plane.clone(), gate_options(&role));
    let routes = gate::guard(Router::new().route(PATH, get(answer)), gate.clone(), cashq::Cashq);
    let bounds = Bounds { connections: role.limits.connections, header_read: role.limits.header_read };
    site.serve(listener, gate::front(routes, gate, cashq::Cashq), bounds);
    let listening = format!("http://{}", site.address);
    println!("{}", serde_json::json!({"listening": listening, "path": PATH, "key": key}));

    signals.wait();
    site.drain_listeners();
    plane.close();
    site.drain();
    Ok(())
}

/// The defaults, with limits that let a load through.
fn role(dir: PathBuf) -> Result<PlaneRole, Failure> {
    let sources = Sources { file: None, variables: Variables::default(), needed: &Role::ALL };
    let mut role = sources.config()?.sandbox;
    role.plane.dir = dir;
    role.open_wide();
    Ok(role)
}

async fn key(plane: &Plane) -> Result<String, Failure> {
    let broke = |why: String| Failure::Fault(anyhow::anyhow!("making a key for the reference: {why}"));
    let tenant = TenantId::draw(&OsChance);
    let operator = plane::Operator::over_the_socket();
    let admitted = plane::grants::admit(plane, &operator, &tenant, "Reference").await;
    admitted.map_err(|_| broke("the tenant was not admitted".to_owned()))?;
    first_key(plane, &tenant, KeyKind::Agent).await.map_err(|error| broke(error.to_string()))
}
