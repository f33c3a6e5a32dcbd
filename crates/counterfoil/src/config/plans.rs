//! The plans of a configuration, and where they are paid.

use std::collections::BTreeSet;

use base::Amount;
use control::plans::{PRICE, PacspacePlan, PaychainPlan, Plans};

use super::check::Check;
use super::{Checkout, file};

impl Check<'_> {
    pub(super) fn plans(&mut self, from: &file::Control) -> Plans {
        let tiers = |plans: Vec<&String>| plans.into_iter().cloned().collect::<Vec<_>>();
        let pacspace = tiers(from.pacspace_plans.iter().map(|plan| &plan.tier).collect());
        self.tiers("control.pacspace_plans", &pacspace);
        let paychain = tiers(from.paychain_plans.iter().map(|plan| &plan.tier).collect());
        self.tiers("control.paychain_plans", &paychain);
        let pacspace = from.pacspace_plans.iter().enumerate().map(|(at, plan)| self.pacspace_plan(at, plan)).collect();
        let paychain = from.paychain_plans.iter().enumerate().map(|(at, plan)| self.paychain_plan(at, plan)).collect();
        Plans { pacspace, paychain }
    }

    /// There is one at least, each has a name of its own, and the first is the one that everybody begins with.
    fn tiers(&mut self, path: &str, tiers: &[String]) {
        if tiers.is_empty() {
            self.problems.add(path, "is empty: add at least the plan that a tenant begins with");
        }
        let mut seen = BTreeSet::new();
        for (at, tier) in tiers.iter().enumerate() {
            let path = format!("{path}[{at}].tier");
            let fits = (1..=40).contains(&tier.len()) && tier.bytes().all(|byte| byte.is_ascii_lowercase());
            self.want(fits, &path, tier, "1 to 40 small letters");
            if !seen.insert(tier) {
                self.problems.add(&path, format!("is {tier:?} a second time: keep one"));
            }
        }
    }

    fn pacspace_plan(&mut self, at: usize, from: &file::PacspacePlan) -> PacspacePlan {
        let path = |key: &str| format!("control.pacspace_plans[{at}].{key}");
        self.want(
            ["month", "life"].contains(&from.deltas_per.as_str()),
            &path("deltas_per"),
            &from.deltas_per,
            "\"month\" or \"life\"",
        );
        PacspacePlan {
            tier: from.tier.clone(),
            price: self.price(&path("price_usd"), &from.price_usd),
            deltas: self.count(&path("deltas"), &from.deltas),
            for_life: from.deltas_per == "life",
            overage: self.price(&path("overage_usd"), &from.overage_usd),
            live: self.yes(&path("live"), &from.live),
        }
    }

    fn paychain_plan(&mut self, at: usize, from: &file::PaychainPlan) -> PaychainPlan {
        let path = |key: &str| format!("control.paychain_plans[{at}].{key}");
        let minimum_fee = self.price(&path("minimum_fee_usd"), &from.minimum_fee_usd);
        if minimum_fee.is_none() {
            self.want(false, &path("minimum_fee_usd"), &from.minimum_fee_usd, "dollars, such as \"0.10\"");
        }
        PaychainPlan {
            tier: from.tier.clone(),
            price: self.price(&path("price_usd"), &from.price_usd),
            invoice_fee_bps: from.invoice_fee_bps,
            minimum_fee: minimum_fee.unwrap_or(Amount::new(0, PRICE)),
            gas: self.price(&path("gas_usd"), &from.gas_usd),
            payout_withdrawals: self.count(&path("payout_withdrawals"), &from.payout_withdrawals),
            live: self.yes(&path("live"), &from.live),
        }
    }

    /// Empty means as agreed.
    fn price(&mut self, path: &str, text: &str) -> Option<Amount> {
        if text.is_empty() {
            return None;
        }
        let amount = Amount::parse(text, PRICE).ok().filter(|amount| amount.minor <= 1_000_000_000_000_000);
        self.want(amount.is_some(), path, text, "dollars with at most six decimals, such as \"0.012\", or nothing");
        amount
    }

    /// Empty means as agreed.
    fn count(&mut self, path: &str, text: &str) -> Option<u64> {
        let count = text.parse().ok().filter(|count| *count <= 1_000_000_000_000);
        self.want(count.is_some() || text.is_empty(), path, text, "a whole number, such as \"10000\", or nothing");
        count
    }

    fn yes(&mut self, path: &str, text: &str) -> bool {
        self.want(["yes", "no"].contains(&text), path, text, "\"yes\" or \"no\"");
        text == "yes"
    }

    pub(super) fn checkout(&mut self, from: &file::Checkout) -> Checkout {
        let base_url = self.url("control.checkout.base_url", &from.base_url);
        if base_url.is_none() {
            self.want(false, "control.checkout.base_url", "", "the provider's address");
        }
        let files = [("api_secret_file", &from.api_secret_file), ("events_secret_file", &from.events_secret_file)];
        match from.provider.as_str() {
            "" => {
                for (key, text) in files.into_iter().filter(|(_, text)| !text.is_empty()) {
                    let remedy =
                        format!("is {text:?} without a provider: empty it, or give `control.checkout.provider`");
                    self.problems.add(&format!("control.checkout.{key}"), remedy);
                }
                Checkout::None
            }
            "stripe" => self.stripe(from, base_url),
            other => {
                self.want(false, "control.checkout.provider", other, "\"stripe\", or nothing");
                Checkout::None
            }
        }
    }

    fn stripe(&mut self, from: &file::Checkout, base_url: Option<String>) -> Checkout {
        let mut read = |key: &str, file: &str, variable: &str| {
            let path = format!("control.checkout.{key}");
            let found = self.secret(&path, file, variable);
            if found.is_none() && file.is_empty() {
                self.problems.add(&path, "is empty: with a provider name the file that holds it");
            }
            found
        };
        let secret_key = read("api_secret_file", &from.api_secret_file, "CONTROL_CHECKOUT_KEY");
        let events = read("events_secret_file", &from.events_secret_file, "CONTROL_CHECKOUT_WEBHOOK");
        let (Some(base_url), Some(secret_key), Some(events)) = (base_url, secret_key, events) else {
            return Checkout::None;
        };
        if !crate::checkout::may_be_told(&base_url) {
            self.problems.add("control.checkout.base_url", "must be https: the secret key would be sent in clear");
        }
        Checkout::Stripe { base_url, secret_key, events }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{problems, start};
    use super::super::{Checkout, DEFAULT, Role};

    #[test]
    fn a_payment_provider_needs_its_key_and_the_secret_of_its_events() {
        let stripe = DEFAULT.replace("provider = \"\"", "provider = \"stripe\"");
        let said = problems(&stripe, &[]);
        assert!(said.contains("`control.checkout.api_secret_file` is empty"), "{said}");
        assert!(said.contains("`control.checkout.events_secret_file` is empty"), "{said}");
        let key = ("COUNTERFOIL_SECRET_CONTROL_CHECKOUT_KEY", "sk_hush");
        let events = ("COUNTERFOIL_SECRET_CONTROL_CHECKOUT_WEBHOOK", "whsec_hush");
        let config = start(&stripe, &[key, events], &Role::ALL).map_err(|said| said.0).unwrap();
        assert!(matches!(config.control.checkout, Checkout::Stripe { .. }));
        let said = problems(&stripe.replace("https://api.stripe.com", "http://api.stripe.com"), &[key, events]);
        assert!(
            said.contains("`control.checkout.base_url`") && said.contains("https") && !said.contains("hush"),
            "{said}"
        );
        let off =
            start(DEFAULT, &[("COUNTERFOIL_CONTROL__APPROVAL", "off")], &Role::ALL).map_err(|said| said.0).unwrap();
        assert!(off.control.settings.approval == control::Approval::Off);
    }
}
