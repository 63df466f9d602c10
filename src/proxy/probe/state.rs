//! What is known of the carriers, for the metrics and the status.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use serde_json::{Value, json};

use crate::countermeasure::watermark::{CarrierSetting, Carriers};

/// Tells of each carrier what is known of it.
#[derive(Debug)]
pub(in crate::proxy) struct CarrierState(pub(in crate::proxy) Carriers);

impl CarrierState {
    fn known(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let Self(carriers) = self;
        let order = carriers.order().iter().map(CarrierSetting::carrier);
        order.map(|carrier| (carrier.name(), carriers.proofs().get(carrier).name()))
    }

    /// As the status has it, in order of preference.
    pub(in crate::proxy) fn status(&self) -> Value {
        let known =
            self.known().map(|(carrier, proof)| json!({"carrier": carrier, "proof": proof}));
        known.collect()
    }
}

impl Collector for CarrierState {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let gauge = ConstGauge::new(1_i64);
        let (name, help) = ("mark_carrier", "What is known of each carrier of marks");
        let mut family = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
        for (carrier, proof) in self.known() {
            let labels = [("carrier", carrier), ("proof", proof)];
            gauge.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
