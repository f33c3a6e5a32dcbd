//! The corridors of a configuration: each once, with codes, a rate and bounds that make sense.

use std::collections::BTreeSet;

use base::{Amount, Asset};
use plane::{Corridor, Corridors};

use super::check::Check;
use super::file;

/// A rate has at most 8 places.
const RATE: Asset = Asset::new("RATE", 8);

impl Check<'_> {
    pub(super) fn corridors(&mut self, from: &[file::Corridor]) -> Corridors {
        if from.is_empty() {
            self.problems
                .add("corridors", "is empty: add at least one; `counterfoil config print` shows the standard ones");
        }
        let mut services = BTreeSet::new();
        let mut corridors = Vec::new();
        for (at, corridor) in from.iter().enumerate() {
            let path = format!("corridors[{at}]");
            if !services.insert(&corridor.service) {
                self.problems
                    .add(&format!("{path}.service"), format!("is {:?} a second time: keep one", corridor.service));
            }
            corridors.push(self.corridor(&path, corridor));
        }
        Corridors::new(corridors)
    }

    fn corridor(&mut self, path: &str, from: &file::Corridor) -> Corridor {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let letters = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let service = digits(&from.service) && (1..=18).contains(&from.service.len());
        self.want(service, &format!("{path}.service"), &from.service, "1 to 18 digits");
        self.want(letters(&from.country, 2), &format!("{path}.country"), &from.country, "two capital letters");
        self.want(letters(&from.currency, 3), &format!("{path}.currency"), &from.currency, "three capital letters");
        let rate = Amount::parse(&from.rate, RATE).is_ok_and(|rate| rate.minor > 0);
        self.want(
            rate,
            &format!("{path}.rate"),
            &from.rate,
            "a decimal above zero with at most 8 places, such as 47.2945",
        );
        for (at, name) in from.required.iter().enumerate() {
            let known = plane::corridor::ATTRIBUTE_NAMES;
            let remedy = format!("one of {}", known.join(", "));
            self.want(known.contains(&name.as_str()), &format!("{path}.required[{at}]"), name, &remedy);
        }
        let smallest = self.dollars(&format!("{path}.smallest"), &from.smallest);
        let largest = self.dollars(&format!("{path}.largest"), &from.largest);
        self.want(smallest.minor > 0, &format!("{path}.smallest"), &from.smallest, "an amount above zero");
        let ordered = largest.minor >= smallest.minor;
        self.want(ordered, &format!("{path}.largest"), &from.largest, "at least what `smallest` is");
        Corridor {
            service: from.service.clone(),
            country: from.country.clone(),
            currency: from.currency.clone(),
            rate: from.rate.clone(),
            required: from.required.clone(),
            smallest,
            largest,
        }
    }
}
