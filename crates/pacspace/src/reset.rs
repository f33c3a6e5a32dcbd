//! The sandbox's fresh start.

use axum::response::Response;
use base::{Environment, Span};
use control::environments::{self, ResetRefusal};
use gate::office::Signed;
use http::StatusCode;
use serde::Serialize;

use crate::refusals::{self, of_change};
use crate::words::{Code, fail, fail_for, preference, told};

#[derive(Serialize)]
struct Reset {
    environment: &'static str,
    reset: bool,
}

pub(crate) async fn reset(signed: Signed) -> Result<Response, Response> {
    let Signed { permit, passage } = signed;
    let placed = permit.in_environment(Environment::Sandbox).map_err(|denied| refusals::denied(&passage, denied))?;
    let done = environments::reset(passage.control(), passage.planes(), &placed).await;
    done.map_err(|stop| of_change(&passage, stop, refusal))?;
    let data = Reset { environment: preference(Environment::Sandbox), reset: true };
    Ok(told(StatusCode::OK, &data, "The sandbox begins anew: its keys stay, everything else in it is gone."))
}

fn refusal(refusal: ResetRefusal) -> Response {
    match refusal {
        ResetRefusal::NotActive => refusals::not_active(Environment::Sandbox),
        ResetRefusal::Worn => {
            fail(Code::Conflict, "The sandbox has no room for another fresh start: ask the operator.")
        }
        ResetRefusal::Unreachable => fail_for(
            Code::PlaneUnreachable,
            "The sandbox does not answer at the moment: send the request again.",
            Span::seconds(1),
        ),
    }
}
