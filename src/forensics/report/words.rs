//! P-values as people read them. None is ever said smaller, or surer, than it is.

use crate::forensics::examination::{EffectSize, PValue};
use crate::page::markup::Markup;
use crate::page::words::{grouped, signed};

/// An effect in percent of sites.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", signed(share * 100.0, 2))
}

/// `1.20 % (0.80 to 1.60)`.
pub(super) fn interval(effect: EffectSize) -> String {
    let EffectSize { estimate, low, high } = effect;
    format!("{} ({} to {})", percent(estimate), signed(low * 100.0, 2), signed(high * 100.0, 2))
}

/// How often a p-value means: `fewer than one in 3.1 billion`, `fewer than one in 4,200`, `about 31
/// in 100`, `fewer than one in 10^47`, where [`Markup::prose`] raises the exponent.
pub(super) fn frequency(p: PValue) -> String {
    const NAMED: [(f64, &str); 3] = [(1e12, "trillion"), (1e9, "billion"), (1e6, "million")];
    if p.log10 > -1.0 {
        let of_hundred = (p.p * 100.0 - 1e-9).ceil();
        return format!("up to {of_hundred:.0} in 100");
    }
    if p.log10 <= -15.0 {
        let zeros = (-p.log10).floor();
        return format!("fewer than one in 10^{zeros:.0}, a 1 with {zeros:.0} zeros");
    }
    // A hair less, so that exact powers stay below.
    let times = 10_f64.powf(-p.log10) * (1.0 - 1e-12);
    let unit = 10_f64.powf(times.log10().floor() - 1.0);
    let times = (times / unit).floor() * unit;
    match NAMED.into_iter().find(|(value, _)| times >= *value) {
        Some((value, name)) => {
            let number = format!("{:.1}", times / value);
            format!("fewer than one in {} {name}", number.strip_suffix(".0").unwrap_or(&number))
        }
        None => format!("fewer than one in {}", grouped(times.round() as u64)),
    }
}

/// How many decoys scored at least as high as the suspect, of which the Monte Carlo p-value is made.
pub(super) fn decoys_reached(p: PValue, count: u64) -> u64 {
    (p.p * (count as f64 + 1.0) - 1.0).round().max(0.0) as u64
}

impl Markup {
    /// A p-value, `3.2 × 10⁻¹⁷`, which programs read from the attribute.
    pub(super) fn p_value(&mut self, p: PValue) -> &mut Self {
        let written = p.to_string();
        self.open("data", &[("class", "p"), ("value", &written)]);
        match written.split_once('e') {
            Some((mantissa, exponent)) => {
                let exponent = exponent.replace('-', "−");
                self.text(mantissa).raw(" × 10").element("sup", &[], &exponent)
            }
            None => self.text(&written),
        };
        self.raw("</data>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_never_rarer_than_the_p_value() {
        let said = |p: f64| frequency(PValue::from_ln(p.ln()));
        assert_eq!(said(1.0), "up to 100 in 100");
        assert_eq!(said(0.304), "up to 31 in 100");
        assert_eq!(said(0.05), "fewer than one in 19");
        assert_eq!(said(1.0 / 10_001.0), "fewer than one in 10,000");
        assert_eq!(said(1.9e-4), "fewer than one in 5,200");
        assert_eq!(said(3.2e-10), "fewer than one in 3.1 billion");
        assert_eq!(said(2e-13), "fewer than one in 4.9 trillion");
        let far = PValue::from_ln(-109.0);
        assert_eq!(frequency(far), "fewer than one in 10^47, a 1 with 47 zeros");
    }
    #[test]
    fn decoys_are_counted_back_from_their_p_value() {
        assert_eq!(decoys_reached(PValue::from_ln((4.0_f64 / 10_001.0).ln()), 10_000), 3);
    }
}
