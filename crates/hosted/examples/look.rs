//! Serves the pages of a throw-away sandbox and of a throw-away live plane, to be looked at in a browser. Prints one
//! address a line; ends with Ctrl-C.

use std::future::IntoFuture;

use hosted::Options;
use plane::{Phone, kyc};
use testkit::TestPlane;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), std::io::Error> {
    let (sandbox, live) = (TestPlane::sandbox().await, TestPlane::live().await);
    let mut served = tokio::task::JoinSet::new();
    for test in [&sandbox, &live] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let gate = gate::Gate::new(test.plane.clone(), gate::Options::default());
        let router = hosted::routes(gate, Options::default());
        let ip = std::net::IpAddr::from([127, 0, 0, 1]);
        let caller = plane::grants::authenticate(&test.plane, &test.keys.agent, ip);
        let phone = Phone::from_digits("201234567890");
        if let (Ok(caller), Ok(phone)) = (caller, phone) {
            println!("http://{address}/kyc/{}", kyc::link(&test.plane, &caller, &phone).as_str());
        }
        served.spawn(axum::serve(listener, router).into_future());
    }
    tokio::signal::ctrl_c().await
}
