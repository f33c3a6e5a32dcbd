//! Somebody who makes keys.

use base::{Environment, Secret, Stop};
use control::keys::{self, IdempotencyKey, NewKey, Refusal, Shown};
use control::{Control, StepUp};

use super::planes::FakePlanes;
use super::{House, desk, registered};

pub const JO: &str = "jo@example.com";
pub const HOME: &str = "10.0.0.1";
pub const SANDBOX: Environment = Environment::Sandbox;

/// Jo at her desk: the house, the planes that it asks, and her session.
pub struct Office {
    pub house: House,
    pub planes: FakePlanes,
    pub token: Secret<String>,
}

/// Jo's sandbox is active, and she is signed in.
pub async fn office() -> Office {
    let house = super::open();
    registered(&house.control, JO, HOME).await;
    ready(house).await
}

/// Of a house that knows Jo: what waits to be provisioned is, and she is signed in.
pub async fn ready(house: House) -> Office {
    let planes = FakePlanes::new(&house.clock);
    desk::provision(&house.control, &planes).await;
    let token = desk::token(&house.control, JO, HOME).await;
    planes.asked();
    Office { house, planes, token }
}

impl Office {
    pub fn control(&self) -> &Control {
        &self.house.control
    }

    pub fn proof(&self) -> StepUp {
        desk::proof(self.control(), &self.token)
    }

    pub async fn create(&self, environment: Environment, new: NewKey) -> Result<Shown, Stop<Refusal>> {
        let placed = desk::placed(self.control(), &self.token, desk::KEYS, environment);
        keys::create(self.control(), &self.planes, &placed, &self.proof(), new).await
    }

    /// With a day of overlap.
    pub async fn rotate(&self, id: &str, once: Option<IdempotencyKey>) -> Result<Shown, Stop<Refusal>> {
        let permit = desk::permit(self.control(), &self.token, desk::KEYS);
        keys::rotate(self.control(), &self.planes, &permit, &self.proof(), id, 24, once).await
    }
}

pub fn refusal(stop: Stop<Refusal>) -> Refusal {
    match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    }
}

pub fn refused(shown: Result<Shown, Stop<Refusal>>) -> Refusal {
    refusal(shown.err().unwrap())
}
